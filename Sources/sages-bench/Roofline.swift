import Kernels
import MPI
import Tensor

/// The most multiply-adds that one core does from registers, in GFLOP per second of processor time, measured for about
/// a millisecond.
func multiplyAddPeak<T: KernelScalar>(_: T.Type) -> () -> Double {
    {
        withUnsafeTemporaryAllocation(of: T.self, capacity: 1) { buffer in
            guard let sink = buffer.baseAddress else { return 0 }
            sink.initialize(to: 0.5)
            let start = BenchmarkClock.processor.seconds
            let operations = multiplyAddChains(sink, iterations: 100_000)
            return 1e-9 * Double(operations) / (BenchmarkClock.processor.seconds - start)
        }
    }
}

/// The limits of one core: no work does more operations a second than the multiply-add peak, nor more than its
/// operations for each byte from memory (arithmetic intensity) times the bandwidth of memory (Williams, Waterman and
/// Patterson 2009).
struct Roofline {
    /// GFLOP/s in float32.
    let peak: Double
    /// GB/s of the triad over arrays that no cache holds.
    let memoryBandwidth: Double

    /// Measures for a tenth of a second.
    static func measured() -> Roofline {
        let peaks = (0..<5).map { _ in multiplyAddPeak(Float.self)() }.sorted()
        let triad = TriadWork(bytes: 96 << 20)
        triad.run()
        let bandwidths = (0..<5).map { _ in
            let start = BenchmarkClock.wall.seconds
            triad.run()
            return 1e-9 * Double(triad.bytes) / (BenchmarkClock.wall.seconds - start)
        }.sorted()
        return Roofline(peak: peaks[2], memoryBandwidth: bandwidths[2])
    }

    /// GFLOP/s that work of this intensity can have, FLOP a byte.
    func attainable(_ intensity: Double) -> Double { min(peak, intensity * memoryBandwidth) }
}

/// One triad over three arrays.
final class TriadWork {
    private let arrays: [Buffer<Float>]
    private let count: Int
    /// Of all three arrays, which the triad moves once.
    var bytes: Int { 12 * count }

    init(bytes: Int) {
        count = bytes / 12 / 16 * 16
        let count = count
        arrays = (0..<3).map { _ in Buffer(repeating: 1, count: count) }
    }

    func run() { triad(arrays[0].pointer, arrays[1].pointer, arrays[2].pointer, factor: 0.5, count: count) }
}

/// Bandwidth of caches and memory, and the multiply-add peak: what a roofline is drawn from.
enum MemoryBenchmark: Benchmark {
    static let name = "memory"
    static let summary = "the limits: bandwidth of caches and memory (STREAM triad), multiply-adds from registers"

    static func run(
        _ options: BenchmarkOptions, on communicator: Communicator, report: (Measurement) throws -> Void
    ) throws {
        for (label, kibibytes) in [("L1", 16), ("L2", 512), ("L3", 6 << 10), ("memory", 96 << 10)] {
            let triad = TriadWork(bytes: kibibytes << 10)
            try report(
                Measurement("triad over \(kibibytes) KiB (\(label))", unit: "GB/s", work: 1e-9 * Double(triad.bytes),
                            on: communicator) { triad.run() })
        }
        for (label, peak) in [("float32", multiplyAddPeak(Float.self)), ("float64", multiplyAddPeak(Double.self))] {
            var rates = (0..<21).map { _ in peak() }
            rates.sort()
            try report(Measurement("multiply-adds from registers, \(label)", unit: "GFLOP/s", rates: rates))
        }
    }
}
