import MPI

/// Sums of real numbers over the samples of all ranks as integers, so that any number of ranks gets the same bits.
///
/// Numbers up to `bound` in magnitude are rounded to a spacing, a power of two, at which `samples` of them cannot overflow.
struct IntegerSums {
    private var words: [Int64]
    private let scale: Double

    init(count: Int, bound: Double, samples: Int) {
        words = [Int64](repeating: 0, count: count)
        let room = 61 - IntegerSums.exponent(bound) - IntegerSums.exponent(Double(samples))
        scale = IntegerSums.power(min(room, 200))
    }

    /// The least n with 2^n >= value; of numbers below 2^-100 that of 2^-100.
    private static func exponent(_ value: Double) -> Int {
        let value = max(value, 0x1p-100)
        return Int(value.exponent) + (value.significand > 1 ? 1 : 0)
    }

    private static func power(_ exponent: Int) -> Double {
        Double(sign: .plus, exponent: exponent, significand: 1)
    }

    /// Adds a number to a sum.
    @inline(__always)
    mutating func add(_ value: Double, to index: Int) { words[index] &+= Int64((value * scale).rounded()) }

    /// The sums over all ranks. Collective.
    mutating func reduced(_ communicator: Communicator) throws -> [Double] {
        if communicator.size > 1 {
            try words.withUnsafeMutableBufferPointer { try communicator.allReduce($0, .sum) }
        }
        return words.map { Double($0) / scale }
    }
}
