import Kernels
import MPI
import Tensor

/// Sums of gradients over the ranks: MPI's of float32, blocking and not, and the one whose bits do not depend on the
/// ranks (to fixed point, non-blocking sum, and back). All in bytes of float32 gradient, beside the rate at which memory
/// is copied.
enum AllReduceBenchmark: Benchmark {
    static let name = "allreduce"
    static let summary = "reduction of gradients: MPI's float32 and the rank-invariant one"

    static func run(
        _ options: BenchmarkOptions, on communicator: Communicator, report: (Measurement) throws -> Void
    ) throws {
        let requests = RequestSet(communicator: communicator, capacity: 1)
        for count in [1 << 4, 1 << 12, 1 << 16, 1 << 18, 1 << 20] {
            let gradient = Buffer<Float>(repeating: 1e-3, count: count)
            let sums = Buffer<Float.FixedPoint>(repeating: 0, count: count)
            let reduction = InvariantReduction(count, communicator)
            let work = 4e-9 * Double(count)
            let peak = memoryCopyPeak(bytes: 4 * count, on: communicator)
            try report(
                try Measurement("\(count) numbers, MPI float32", unit: "GB/s", work: work, peak: peak, on: communicator) {
                    try communicator.allReduce(gradient.span, .maximum)
                })
            try report(
                try Measurement(
                    "\(count) numbers, MPI float32, non-blocking", unit: "GB/s", work: work, peak: peak, on: communicator
                ) {
                    try requests.startAllReduce(inPlace: gradient.span, .maximum)
                    try requests.wait()
                })
            try report(
                try Measurement("\(count) numbers, rank-invariant", unit: "GB/s", work: work, peak: peak, on: communicator) {
                    try reduction.run()
                })
            try report(
                Measurement("\(count) numbers, conversions alone", unit: "GB/s", work: work, peak: peak, on: communicator) {
                    _ = Float.accumulateFixedPoint(
                        sums.pointer, gradient.pointer, scale: 0x1p20, count: count, isFirst: true)
                    Float.fromFixedPoint(gradient.pointer, sums.pointer, divisor: 0x1p20, count: count)
                })
        }
    }
}
