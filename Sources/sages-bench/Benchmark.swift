import Foundation
import MPI

/// One benchmark: one file, one entry in `Command.benchmarks`.
protocol Benchmark: SendableMetatype {
    /// The word on the command line.
    static var name: String { get }
    /// One line for the help.
    static var summary: String { get }
    /// Measures every case and hands each result to `report` as soon as there is one. Collective: every rank measures
    /// the same cases.
    static func run(
        _ options: BenchmarkOptions, on communicator: Communicator, report: (Measurement) throws -> Void
    ) throws
}

/// The rates of one case over all repeats.
struct Measurement {
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
    /// Operations for each byte that must at least be moved; none where no roofline was given.
    var arithmeticIntensity: Double?
    /// The median over what the roofline allows: the lesser of the multiply-add peak and intensity times bandwidth.
    var fractionOfAttainable: Double?

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
        fractions.sort()
        self.init(label, unit: unit, rates: rates.sorted())
        fractionOfPeak = fractions.isEmpty ? nil : fractions[repeats / 2]
    }

    /// - Parameter rates: in ascending order.
    init(_ label: String, unit: String, rates: [Double]) {
        self.label = label
        self.unit = unit
        median = rates[rates.count / 2]
        minimum = rates[0]
        maximum = rates[rates.count - 1]
        repeats = rates.count
    }

    /// The same, beside what a roofline allows for work of so many operations a byte.
    func under(_ roofline: Roofline, intensity: Double) -> Measurement {
        var measurement = self
        measurement.arithmeticIntensity = intensity
        measurement.fractionOfAttainable = median / roofline.attainable(intensity)
        return measurement
    }
}

enum BenchmarkClock {
    /// Time as users wait for it.
    case wall
    /// Time that the calling thread had a processor: what kernels of one thread take where others share the machine.
    case processor
    /// Time that all threads of the process had processors.
    case process

    /// Seconds since a fixed moment.
    var seconds: Double {
        var time = timespec()
        switch self {
        case .wall: clock_gettime(CLOCK_MONOTONIC, &time)
        case .processor: clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        case .process: clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        }
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }
}
