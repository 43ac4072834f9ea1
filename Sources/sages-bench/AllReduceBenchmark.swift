import MPI
import Tensor

/// Sums of gradients over the ranks: MPI's of float32, and the one whose bits do not depend on the ranks (to fixed
/// point, 64-bit sum, and back). Both in bytes of float32 gradient.
enum AllReduceBenchmark: Benchmark {
    static let name = "allreduce"
    static let summary = "reduction of gradients: MPI's float32 and the rank-invariant one"

    static func run(
        _ options: BenchmarkOptions, on communicator: Communicator, report: (Measurement) throws -> Void
    ) throws {
        for count in [1 << 12, 1 << 16, 1 << 20] {
            let gradient = Buffer<Float>(repeating: 1e-3, count: count)
            let reduction = InvariantReduction(count, communicator)
            let work = 4e-9 * Double(count)
            try report(
                try Measurement("\(count) numbers, MPI float32", unit: "GB/s", work: work, on: communicator) {
                    try communicator.allReduce(gradient.span, .maximum)
                })
            try report(
                try Measurement("\(count) numbers, rank-invariant", unit: "GB/s", work: work, on: communicator) {
                    try reduction.run()
                })
        }
    }
}
