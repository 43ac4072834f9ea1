import CMessageObserver
import Diagnostics
import Foundation
import Kernels
import MPI

/// The command line of sages-bench.
enum Command {
    /// Add a benchmark here.
    static let benchmarks: [any Benchmark.Type] = [
        ConvolutionBenchmark.self, StepBenchmark.self, HaloBenchmark.self, AllReduceBenchmark.self, OverlapBenchmark.self,
        OutputBenchmark.self,
    ]

    static var help: String {
        """
        Usage: [mpirun -n P] sages-bench NAME [--json] [--delay MS]

        Measures one part of SAGES on this machine. Other work on the machine lowers the figures: compare maxima.
        Under mpirun all ranks work at once, and the slowest of them counts.

        \(benchmarks.map { "  \($0.name.padding(toLength: 12, withPad: " ", startingAt: 0))\($0.summary)" }
            .joined(separator: "\n"))

          --json      print one JSON object and nothing else
          --delay MS  pretend that each message, and each collective operation, takes MS milliseconds at least
          --help      print this text

        """
    }

    private struct Report: Encodable {
        var benchmark: String
        var instructionSet: String
        var ranks: Int
        var results: [Measurement]
    }

    static func run(_ arguments: [String], on communicator: Communicator) throws {
        if arguments.contains("--help") {
            if communicator.rank == 0 { output(help) }
            return
        }
        var arguments = arguments
        if let place = arguments.firstIndex(of: "--delay") {
            let value = place + 1 < arguments.count ? arguments[place + 1] : ""
            guard let milliseconds = Double(value), (0...1000).contains(milliseconds) else {
                throw BenchmarkError.badDelay(value)
            }
            sages_message_delay(1e-3 * milliseconds)
            arguments.removeSubrange(place...(place + 1))
        }
        if let option = arguments.first(where: { $0.hasPrefix("-") && $0 != "--json" }) {
            throw BenchmarkError.unknownOption(option)
        }
        let names = arguments.filter { !$0.hasPrefix("-") }
        guard let name = names.first else { throw BenchmarkError.noBenchmark }
        if names.count > 1 { throw BenchmarkError.unknownOption(names[1]) }
        guard let benchmark = benchmarks.first(where: { $0.name == name }) else {
            throw BenchmarkError.unknownBenchmark(name, known: benchmarks.map { $0.name })
        }
        guard InstructionSet.isSupported else {
            throw BenchmarkError.unsupportedProcessor(instructionSet: InstructionSet.name)
        }
        let isJSON = arguments.contains("--json")
        var report = Report(benchmark: name, instructionSet: InstructionSet.name, ranks: communicator.size, results: [])
        try benchmark.run(on: communicator) { result in
            report.results.append(result)
            if isJSON || communicator.rank != 0 { return }
            if report.results.count == 1 { output("\(result.unit)   median      min      max  of peak   \(name)\n") }
            let figures = [result.median, result.minimum, result.maximum].map { String(format: "%9.1f", $0) }.joined()
            let fraction = result.fractionOfPeak.map { String(format: "%8.0f%%", 100 * $0) } ?? "        -"
            output(String(repeating: " ", count: result.unit.count) + figures + fraction + "   " + result.label + "\n")
        }
        if isJSON && communicator.rank == 0 {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            output(String(decoding: try encoder.encode(report), as: UTF8.self) + "\n")
        }
    }

    /// Unbuffered, so that a figure shows as soon as it is measured.
    private static func output(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
}
