import Kernels
import MPI
import Tensor

/// A sum of gradients whose bits do not depend on the ranks, as training does it: to fixed point, summed, and back.
final class InvariantReduction {
    let count: Int
    private let communicator: Communicator
    private let gradient: Buffer<Float>
    private let sums: Buffer<Int64>

    init(_ count: Int, _ communicator: Communicator) {
        (self.count, self.communicator) = (count, communicator)
        gradient = Buffer(repeating: 1e-3, count: count)
        sums = Buffer(repeating: 0, count: count)
    }

    func run() throws {
        sums.pointer.update(repeating: 0, count: count)
        _ = accumulateFixedPoint(sums.pointer, gradient.pointer, scale: 0x1p30, count: count)
        try communicator.allReduce(sums.span, .sum)
        fromFixedPoint(gradient.pointer, sums.pointer, scale: 0x1p30 * Double(communicator.size), count: count)
    }
}
