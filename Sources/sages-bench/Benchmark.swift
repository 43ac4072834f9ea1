import Diagnostics
import Foundation

/// One benchmark: one file, one entry in `benchmarks` of main.swift.
protocol Benchmark: SendableMetatype {
    /// The word on the command line.
    static var name: String { get }
    /// One line for the help.
    static var summary: String { get }
    /// Measures every case and hands each result to `report` as soon as there is one.
    static func run(report: (Measurement) -> Void) throws
}

/// The rates of one case over all repeats.
struct Measurement: Encodable {
    /// What was measured, such as "3x3x3 32->32 on 32x32x32, forward".
    var label: String
    /// Unit of the rates; more is better.
    var unit: String
    var median: Double
    var minimum: Double
    var maximum: Double
    var repeats: Int

    /// Times `body` for `repeats` repeats of at least `seconds` each, after one warm-up call.
    ///
    /// - Parameter work: what one call does, in `unit` times seconds.
    init(_ label: String, unit: String, work: Double, repeats: Int = 9, seconds: Double = 0.03, _ body: () -> Void) {
        let clock = ContinuousClock()
        body()
        var calls = 1
        while true {
            let elapsed = clock.measure { for _ in 0..<calls { body() } }.seconds
            if elapsed >= seconds { break }
            calls = Swift.max(2 * calls, Int(Double(calls) * 1.2 * seconds / Swift.max(elapsed, 1e-6)))
        }
        let rates = (0..<repeats).map { _ in
            work * Double(calls) / clock.measure { for _ in 0..<calls { body() } }.seconds
        }.sorted()
        self.label = label
        self.unit = unit
        self.median = rates[repeats / 2]
        self.minimum = rates[0]
        self.maximum = rates[repeats - 1]
        self.repeats = repeats
    }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

/// What is wrong with the command line.
enum BenchmarkError: SAGESError {
    case noBenchmark
    case unknownBenchmark(String, known: [String])
    case unknownOption(String)
    case unsupportedProcessor(instructionSet: String)

    var exitStatus: ExitStatus {
        if case .unsupportedProcessor = self { return .internal }
        return .usage
    }

    var description: String {
        switch self {
        case .noBenchmark: "no benchmark named; sages-bench --help lists them"
        case .unknownBenchmark(let name, let known):
            "there is no benchmark \(name); there are: \(known.joined(separator: ", "))"
        case .unknownOption(let option): "unknown option \(option); sages-bench --help lists what there is"
        case .unsupportedProcessor(let instructionSet):
            "these kernels were built for \(instructionSet), which this processor lacks; "
                + "build with SAGES_ARCH set to the processor of the nodes, for example SAGES_ARCH=x86-64-v3"
        }
    }
}
