import Foundation

/// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as
/// easy as 1, 2, 3").
///
/// Every draw is a pure function of (seed, stream, position), so a sample's noise or a weight's first value does not
/// depend on the rank that makes it nor on what was drawn before. Streams are keyed by what they belong to: an
/// epoch and a sample, or a parameter's index.
public struct Philox: RandomNumberGenerator, Sendable {
    private let key: SIMD2<UInt32>
    private let stream: SIMD2<UInt32>
    private var block: UInt64 = 0
    private var words = SIMD4<UInt32>(repeating: 0)
    private var used = 4
    private var spareNormal: Double?

    public init(seed: UInt64, stream: UInt64 = 0) {
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        self.stream = SIMD2(UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32))
    }

    /// The stream of one sample in one epoch (or of any other pair of small indices).
    public init(seed: UInt64, epoch: Int, sample: Int) {
        self.init(seed: seed, stream: UInt64(truncatingIfNeeded: epoch) << 40 ^ UInt64(truncatingIfNeeded: sample))
    }

    /// The four words of one counter under one key: ten rounds.
    public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var counter = counter
        var key = key
        for _ in 0..<10 {
            let left = UInt64(counter.x) * 0xD251_1F53
            let right = UInt64(counter.z) * 0xCD9E_8D57
            counter = SIMD4(
                UInt32(truncatingIfNeeded: right >> 32) ^ counter.y ^ key.x, UInt32(truncatingIfNeeded: right),
                UInt32(truncatingIfNeeded: left >> 32) ^ counter.w ^ key.y, UInt32(truncatingIfNeeded: left))
            key = SIMD2(key.x &+ 0x9E37_79B9, key.y &+ 0xBB67_AE85)
        }
        return counter
    }

    public mutating func nextWord() -> UInt32 {
        if used == 4 {
            let counter = SIMD4(
                UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32), stream.x, stream.y)
            words = Philox.block(counter: counter, key: key)
            block &+= 1
            used = 0
        }
        defer { used += 1 }
        return words[used]
    }

    public mutating func next() -> UInt64 { UInt64(nextWord()) << 32 | UInt64(nextWord()) }

    /// Uniform in [0, 1), with 53 random bits.
    public mutating func nextUniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Normal with mean 0 and variance 1 (Box and Muller's transform).
    public mutating func nextNormal() -> Double {
        if let spare = spareNormal {
            spareNormal = nil
            return spare
        }
        let radius = (-2 * log(1 - nextUniform())).squareRoot()
        let angle = 2 * Double.pi * nextUniform()
        spareNormal = radius * sin(angle)
        return radius * cos(angle)
    }

    /// Uniform in `0..<bound`, without bias.
    public mutating func nextIndex(below bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}
