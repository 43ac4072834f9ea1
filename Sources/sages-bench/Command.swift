import CMessageObserver
import Diagnostics
import Foundation
import MPI

/// The program sages-bench.
enum Command {
    /// Add a benchmark here.
    static let benchmarks: [any Benchmark.Type] = [
        ConvolutionBenchmark.self, StepBenchmark.self, HaloBenchmark.self, AllReduceBenchmark.self, OverlapBenchmark.self,
        OutputBenchmark.self, MemoryBenchmark.self,
    ]

    static var help: String {
        func line(_ name: String, _ text: String) -> String {
            "  " + name.padding(toLength: 20, withPad: " ", startingAt: 0) + text
        }
        return """
            Usage: [mpirun -n P] sages-bench NAME [OPTION...]

            Measures one part of SAGES on this machine. Other work on the machine lowers the figures: compare maxima.
            Under mpirun all ranks work at once, and the slowest of them counts.

            \(benchmarks.map { line($0.name, $0.summary) }.joined(separator: "\n"))
            \(line(Scaling.name, Scaling.summary))
            \(line(Service.name, Service.summary))

            \(line("--json", "print one JSON object and nothing else"))
            \(line("--model", "the same as the name model"))
            \(BenchmarkOptions.numbers.map { line("--\($0.name) \($0.unit)", $0.help) }.joined(separator: "\n"))
            \(line("--ranks-per-node N", "that share a node's bandwidth (model; default 64)"))
            \(line("--help", "print this text"))

            """
    }

    static func run(_ arguments: [String], on communicator: Communicator) throws {
        let options = try BenchmarkOptions(arguments)
        guard let name = options.name else { throw BenchmarkError.noBenchmark }
        sages_message_delay(options.delay)
        if name == Service.name { return try Service(communicator).run() }
        if let word = options.words.first { throw BenchmarkError.unexpected(word) }
        if name == Scaling.name { return try Scaling(options, communicator).run() }
        guard let benchmark = benchmarks.first(where: { $0.name == name }) else {
            throw BenchmarkError.unknownBenchmark(name, known: benchmarks.map { $0.name } + [Scaling.name, Service.name])
        }
        let isRoot = communicator.rank == 0
        var results: [Measurement] = []
        try benchmark.run(options, on: communicator) { result in
            results.append(result)
            if isRoot && !options.isJSON { output(result.line(isFirst: results.count == 1)) }
        }
        guard isRoot && options.isJSON else { return }
        var report = try Machine.description(communicator)
        report["benchmark"] = .string(name)
        report["results"] = .array(results.map(\.json))
        output(JSONValue.object(report).text + "\n")
    }

    /// Unbuffered, so that a figure shows as soon as it is measured.
    static func output(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
}

extension Measurement {
    /// A line of the table, with its head before the first.
    func line(isFirst: Bool) -> String {
        func percent(_ fraction: Double?) -> String {
            fraction.map { String(format: "%9.0f%%", 100 * $0) } ?? "         -"
        }
        let head = isFirst ? "    median       min       max   of peak  of roof  unit\n" : ""
        let figures = [median, minimum, maximum].map { String(format: "%10.1f", $0) }.joined()
        return head + figures + percent(fractionOfPeak) + percent(fractionOfAttainable) + "  "
            + unit.padding(toLength: 14, withPad: " ", startingAt: 0) + label + "\n"
    }

    var json: JSONValue {
        var members: JSONValue.Members = [
            "label": .string(label), "unit": .string(unit), "median": .number(median), "minimum": .number(minimum),
            "maximum": .number(maximum), "repeats": .integer(repeats),
        ]
        for (name, value) in [
            ("fractionOfPeak", fractionOfPeak), ("arithmeticIntensity", arithmeticIntensity),
            ("fractionOfAttainable", fractionOfAttainable),
        ] { members[name] = value.map { .number($0) } }
        return .object(members)
    }
}
