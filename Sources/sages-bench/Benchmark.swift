import Diagnostics
import Foundation
import MPI

/// One benchmark: one file, one entry in `benchmarks` of main.swift.
protocol Benchmark: SendableMetatype {
    /// The word on the command line.
    static var name: String { get }
    /// One line for the help.
    static var summary: String { get }
    /// Measures every case and hands each result to `report` as soon as there is one. Collective: every rank measures
    /// the same cases.
    static func run(on communicator: Communicator, report: (Measurement) -> Void) throws
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
    /// Median over the repeats of the rate over the processor's own limit, each measured just before and after, so
    /// that it holds on a busy machine too. None where no limit was given.
    var fractionOfPeak: Double?

    /// Times `body` for `repeats` repeats of at least `seconds` each, after one warm-up call.
    ///
    /// - Parameters:
    ///   - work: what one call does, in `unit` times seconds.
    ///   - clock: what the seconds are of.
    ///   - peak: measures the limit of the processor in `unit`, by the same clock.
    ///   - communicator: for collective work: the ranks do as many calls, and the slowest counts.
    init(
        _ label: String, unit: String, work: Double, repeats: Int = 21, seconds: Double = 0.01,
        clock: BenchmarkClock = .wall, peak: (() -> Double)? = nil, on communicator: Communicator = .selfOnly,
        _ body: () throws -> Void
    ) rethrows {
        func slowest(_ seconds: Double) -> Double {
            communicator.size == 1 ? seconds : (try? communicator.allReduce(seconds, .maximum)) ?? .nan
        }
        func rate(_ calls: Int) throws -> Double {
            let start = clock.seconds
            for _ in 0..<calls { try body() }
            return work * Double(calls) / slowest(clock.seconds - start)
        }
        try body()
        let calls = Int((seconds * (try rate(1)) / work).rounded(.up))
        var rates: [Double] = []
        var fractions: [Double] = []
        for _ in 0..<repeats {
            let before = peak?()
            rates.append(try rate(calls))
            if let before, let after = peak?() { fractions.append(2 * rates[rates.count - 1] / (before + after)) }
        }
        rates.sort()
        fractions.sort()
        self.label = label
        self.unit = unit
        self.median = rates[repeats / 2]
        self.minimum = rates[0]
        self.maximum = rates[repeats - 1]
        self.repeats = repeats
        self.fractionOfPeak = fractions.isEmpty ? nil : fractions[repeats / 2]
    }
}

enum BenchmarkClock {
    /// Time as users wait for it.
    case wall
    /// Time that the calling thread had a processor: what kernels of one thread take where others share the machine.
    case processor

    /// Seconds since a fixed moment.
    var seconds: Double {
        var time = timespec()
        clock_gettime(self == .wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }
}

/// What is wrong with the command line.
enum BenchmarkError: SAGESError {
    case noBenchmark
    case unknownBenchmark(String, known: [String])
    case unknownOption(String)
    case badDelay(String)
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
        case .badDelay(let value): "--delay takes milliseconds from 0 to 1000, not '\(value)'"
        case .unsupportedProcessor(let instructionSet):
            "these kernels were built for \(instructionSet), which this processor lacks; "
                + "build with SAGES_ARCH set to the processor of the nodes, for example SAGES_ARCH=x86-64-v3"
        }
    }
}
