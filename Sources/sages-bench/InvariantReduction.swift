import Kernels
import MPI
import Tensor

/// A sum of gradients whose bits do not depend on the ranks, as training does it: to fixed point, summed, and back.
final class InvariantReduction {
    let count: Int
    private let communicator: Communicator
    private let requests: RequestSet
    private let gradient: Buffer<Float>
    private let sums: Buffer<Float.FixedPoint>

    init(_ count: Int, _ communicator: Communicator) {
        (self.count, self.communicator) = (count, communicator)
        requests = RequestSet(communicator: communicator, capacity: 1)
        gradient = Buffer(repeating: 1e-3, count: count)
        sums = Buffer(repeating: 0, count: count)
    }

    func run() throws {
        _ = Float.accumulateFixedPoint(sums.pointer, gradient.pointer, scale: 0x1p20, count: count, isFirst: true)
        try requests.startAllReduce(inPlace: sums.span, .sum)
        try requests.wait()
        Float.fromFixedPoint(gradient.pointer, sums.pointer, divisor: 0x1p20 * Double(communicator.size), count: count)
    }
}
