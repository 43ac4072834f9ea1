/// Sums of numbers that do not depend on the order of addition, without knowing magnitudes beforehand: a number is cut
/// into six digits of 40 bits, and digits are added as integers.
///
/// Exact to 2^-100 (8e-31) absolutely, for magnitudes below 2^140 (every Float) and up to 2^22 numbers.
/// For a few figures a step; gradients have a scale of their own (`GradientReducer`).
enum ExactSum {
    /// Digits, hence integers of a sum.
    static let digits = 6
    /// Weight of the first digit.
    private static let firstWeight = 0x1p100
    private static let lastWeight = 0x1p-100
    private static let digitRatio = 0x1p-40
    /// Magnitudes from here on count as not finite.
    static let limit = 0x1p140

    /// Adds a number to the `digits` integers at `sum`; false, and nothing added, if it is not finite or too large.
    static func add(_ value: Double, to sum: UnsafeMutablePointer<Int64>) -> Bool {
        guard value.magnitude < limit else { return false }
        var rest = value
        var weight = firstWeight
        for digit in 0..<digits {
            // Division by a power of two, truncation and the difference are exact.
            let part = (rest / weight).rounded(.towardZero)
            sum[digit] += Int64(part)
            rest -= part * weight
            weight *= digitRatio
        }
        return true
    }

    /// The sum as a Double; a function of the integers alone.
    static func value(_ sum: UnsafePointer<Int64>) -> Double {
        var digits = SIMD8<Int64>.zero
        for digit in 0..<Self.digits { digits[digit] = sum[digit] }
        let carried = carry(digits)
        // A negative sum would be a large negative first digit and positive others, which cancel.
        return carried[0] < 0 ? -weigh(carry(0 &- digits)) : weigh(carried)
    }

    /// The same sum with all digits but the first in 0..<2^40.
    private static func carry(_ sum: SIMD8<Int64>) -> SIMD8<Int64> {
        var carried = sum
        for digit in stride(from: digits - 1, to: 0, by: -1) {
            carried[digit - 1] += carried[digit] >> 40
            carried[digit] &= (1 << 40) - 1
        }
        return carried
    }

    private static func weigh(_ sum: SIMD8<Int64>) -> Double {
        var total = 0.0
        var weight = lastWeight
        for digit in stride(from: Self.digits - 1, through: 0, by: -1) {
            total += Double(sum[digit]) * weight
            weight /= digitRatio
        }
        return total
    }
}
