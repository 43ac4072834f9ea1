import Tensor

/// The order of training samples: a function of the seed and the epoch alone.
///
/// The run is one sequence of draws, epoch after epoch, each a permutation of all samples. Step s takes the
/// `globalBatch` draws from position s * globalBatch on, so that a batch may reach over the end of an epoch, and every
/// sample is drawn once in each. Who computes a draw has no influence on it.
public final class Sampler {
    public let sampleCount: Int
    public let seed: UInt64
    private let order: Buffer<UInt32>
    private var epochInOrder: Int?

    /// - Precondition: 0 < `sampleCount` < 2^32.
    public init(sampleCount: Int, seed: UInt64) {
        precondition(sampleCount > 0 && sampleCount <= Int(UInt32.max), "\(sampleCount) samples")
        self.sampleCount = sampleCount
        self.seed = seed
        order = Buffer(repeating: 0, count: sampleCount)
    }

    /// The epoch to which a position of the sequence belongs.
    public func epoch(at position: Int) -> Int { position / sampleCount }

    /// Writes the draws from `position` on. Allocates nothing.
    public func draw(from position: Int, into draws: UnsafeMutableBufferPointer<SampleDraw>) {
        for index in draws.indices {
            let (epoch, place) = (position + index).quotientAndRemainder(dividingBy: sampleCount)
            if epochInOrder != epoch { shuffle(epoch) }
            draws[index] = SampleDraw(sample: Int(order.pointer[place]), epoch: epoch)
        }
    }

    /// Fisher and Yates' shuffle, which makes every permutation equally likely.
    private func shuffle(_ epoch: Int) {
        // Another key than that of the samples' own random numbers.
        var generator = Philox(seed: seed ^ 0x5368_7566_666C_6521, stream: UInt64(epoch))
        for index in 0..<sampleCount { order.pointer[index] = UInt32(index) }
        var last = sampleCount - 1
        while last > 0 {
            let other = generator.nextIndex(below: last + 1)
            let kept = order.pointer[last]
            order.pointer[last] = order.pointer[other]
            order.pointer[other] = kept
            last -= 1
        }
        epochInOrder = epoch
    }
}

/// The contiguous share of `count` items that one of `parts` ranks takes; shares differ by one item at most, and may
/// be empty.
func share(of count: Int, part: Int, parts: Int) -> Range<Int> {
    (count * part / parts)..<(count * (part + 1) / parts)
}
