import MPI
import Tensor

/// What the ranks add up in a step, in one reduction: integers, so that any number of ranks gets the same bits.
struct StepSums {
    /// The totals over all ranks.
    struct Totals {
        /// In units of `Conservation.scale`.
        var velocity: SIMD3<Int64>
        var displacement: SIMD3<Int64>
        /// Atoms.
        var unusable: Int64
        var nearFaces: Int64
        var isRequested: Bool
    }

    /// On the heap, so that a step allocates nothing.
    private let words = Buffer<Int64>(repeating: 0, count: 9)

    /// Collective.
    func reduce(_ found: MotionSums, request: Bool, _ communicator: Communicator) throws -> Totals {
        let words = self.words.span
        for axis in 0..<3 {
            words[axis] = found.velocity[axis]
            words[3 + axis] = found.displacement[axis]
        }
        words[6] = Int64(found.unusable)
        words[7] = Int64(found.nearFaces)
        words[8] = request ? 1 : 0
        if communicator.size > 1 { try communicator.allReduce(words, .sum) }
        return Totals(
            velocity: SIMD3(words[0], words[1], words[2]), displacement: SIMD3(words[3], words[4], words[5]),
            unusable: words[6], nearFaces: words[7], isRequested: words[8] > 0)
    }

    /// Adds up three numbers. Collective.
    func reduce(_ a: Int, _ b: Int, _ c: Int, _ communicator: Communicator) throws -> (Int, Int, Int) {
        let words = UnsafeMutableBufferPointer(rebasing: self.words.span[0..<3])
        (words[0], words[1], words[2]) = (Int64(a), Int64(b), Int64(c))
        if communicator.size > 1 { try communicator.allReduce(words, .sum) }
        return (Int(words[0]), Int(words[1]), Int(words[2]))
    }
}
