import Diagnostics
import Foundation
import Kernels

/// The command line of sages-bench.
enum Command {
    /// Add a benchmark here.
    static let benchmarks: [any Benchmark.Type] = [ConvolutionBenchmark.self]

    static var help: String {
        """
        Usage: sages-bench NAME [--json]

        Measures one part of SAGES on this machine. Other work on the machine lowers the figures: compare maxima.

        \(benchmarks.map { "  \($0.name.padding(toLength: 12, withPad: " ", startingAt: 0))\($0.summary)" }
            .joined(separator: "\n"))

          --json      print one JSON object and nothing else
          --help      print this text

        """
    }

    private struct Report: Encodable {
        var benchmark: String
        var instructionSet: String
        var results: [Measurement]
    }

    static func run(_ arguments: [String]) throws {
        if arguments.contains("--help") {
            output(help)
            return
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
        var report = Report(benchmark: name, instructionSet: InstructionSet.name, results: [])
        try benchmark.run { result in
            report.results.append(result)
            if isJSON { return }
            if report.results.count == 1 { output("\(result.unit)   median      min      max  of peak   \(name)\n") }
            let figures = [result.median, result.minimum, result.maximum].map { String(format: "%9.1f", $0) }.joined()
            let fraction = result.fractionOfPeak.map { String(format: "%8.0f%%", 100 * $0) } ?? "        -"
            output(String(repeating: " ", count: result.unit.count) + figures + fraction + "   " + result.label + "\n")
        }
        if isJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            output(String(decoding: try encoder.encode(report), as: UTF8.self) + "\n")
        }
    }

    /// Unbuffered, so that a figure shows as soon as it is measured.
    private static func output(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
}
