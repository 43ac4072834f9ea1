import Kernels
import MPI
import Tensor

/// Sums of gradients over the ranks: MPI's of float32, and the one whose bits do not depend on the ranks (to fixed
/// point, 64-bit sum, and back). Both in bytes of float32 gradient.
enum AllReduceBenchmark: Benchmark {
    static let name = "allreduce"
    static let summary = "reduction of gradients: MPI's float32 and the rank-invariant one"

    static func run(on communicator: Communicator, report: (Measurement) -> Void) throws {
        for count in [1 << 12, 1 << 16, 1 << 20] {
            let gradient = Buffer<Float>(repeating: 1e-3, count: count)
            let sums = Buffer<Int64>(repeating: 0, count: count)
            let work = 4e-9 * Double(count)
            report(
                try Measurement("\(count) numbers, MPI float32", unit: "GB/s", work: work, on: communicator) {
                    try communicator.allReduce(gradient.span, .maximum)
                })
            report(
                try Measurement("\(count) numbers, rank-invariant", unit: "GB/s", work: work, on: communicator) {
                    sums.pointer.update(repeating: 0, count: count)
                    _ = accumulateFixedPoint(sums.pointer, gradient.pointer, scale: 0x1p30, count: count)
                    try communicator.allReduce(sums.span, .sum)
                    fromFixedPoint(gradient.pointer, sums.pointer, scale: 0x1p30 * Double(communicator.size), count: count)
                })
        }
    }
}
