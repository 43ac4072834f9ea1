import Kernels
import MPI

// Each parameter has its own scale 2^e, a function of what all ranks know. Let r be the mean over the M micro-batches of
// a step of the largest magnitude of the parameter's gradient. Then r is mapped to at most 2^(b - h), where b bits keep
// a gradient exact in the integers and the sum of M below their end, and h bits are room for larger gradients in the
// next step. As r grows the scale follows at once; as it falls, by one bit a step, so that a parameter of few elements
// whose gradient happens to pass through zero keeps its range. If a gradient or the sum of the largest ones leaves the
// range, or r has fallen by more than `fallBits`, all ranks learn of it by the same reduction, find the largest
// magnitudes by a maximum, and repeat the step's sums.
//
// Float (32-bit sums): b = min(30, 31 - log2 M), h = 5. With R the largest r of recent steps, a gradient is rounded to a
// multiple of at most 2^-(b - 6) R, so that
//
//     |error of the mean gradient| <= 2^-(b - 5) R         (M = 2: 2^-25, 16: 2^-22, 256: 2^-18, 4096: 2^-14)
//     rms error of the mean gradient <= 2^-(b - 4.2) R / sqrt(M)   (2^-26.3, 2^-24.8, 2^-22.8, 2^-20.8)
//
// where float32 itself rounds the largest elements of each gradient to 2^-24 of them, at worst 2^`fallBits` as much in
// the step of a fall. Double (64-bit sums): b = 51 (less beyond 2^11 micro-batches), h = 12: 2^-39 R.
extension GradientReducer {
    /// Bits between r and the largest gradient that can be represented.
    private static var headroomBits: Int { Scalar.FixedPoint.bitWidth == 32 ? 5 : 12 }
    /// The fall of r, as a power of two, that makes the step's sums too coarse.
    private static var fallBits: Int32 { 10 }
    /// The exponent of a parameter whose gradient was zero so far: any other gradient is out of range.
    static var unknownExponent: Int32 { 1000 }

    static func scale(_ exponent: Int32) -> Double { Double(sign: .plus, exponent: Int(exponent), significand: 1) }

    /// log2 of the micro-batches, rounded up.
    private var microBatchBits: Int { Int.bitWidth - (microBatches - 1).leadingZeroBitCount }
    /// Bits of a single gradient: exact in the integers, and the sum of all largest ones stays below 2^62.
    private var termBits: Int { min(Scalar.fixedPointBits, 62 - microBatchBits) }
    /// The largest gradient that is summed correctly, in multiples of 2^-e.
    var largestTerm: Double { Double(sign: .plus, exponent: termBits, significand: 1) }

    /// Whether the sums are too coarse or have overflowed, so that the pass must be repeated after a calibration.
    var needsCalibration: Bool {
        if isRaised(.outOfRange) { return true }
        for parameter in 0..<exponents.count {
            // Each rounded magnitude is at most half above its own.
            if largest[parameter] > Int64(Scalar.FixedPoint.max) - Int64(microBatches) { return true }
            if let fitting = fittingExponent(of: parameter),
                fitting - exponents.pointer[parameter] > Self.fallBits { return true }
        }
        return false
    }

    /// Sets the scales by the largest magnitudes that all ranks' calibrating passes met. Collective.
    func finishCalibration() throws {
        try communicator.allReduce(magnitudes.span, .maximum)
        for parameter in 0..<exponents.count where magnitudes.pointer[parameter] > 0 {
            exponents.pointer[parameter] = exponent(for: magnitudes.pointer[parameter])
        }
    }

    /// Sets the scales for the next step.
    func followMagnitudes() {
        for parameter in 0..<exponents.count {
            guard let fitting = fittingExponent(of: parameter) else { continue }
            exponents.pointer[parameter] = min(fitting, exponents.pointer[parameter] + 1)
        }
    }

    /// The exponent that suits r of the step just summed; nil for a gradient that is zero.
    private func fittingExponent(of parameter: Int) -> Int32? {
        let sum = largest[parameter]
        guard sum > 0 else { return nil }
        return exponent(for: Double(sum) / Self.scale(exponents.pointer[parameter]) / Double(microBatches))
    }

    private func exponent(for magnitude: Double) -> Int32 {
        let bits = min(termBits, Scalar.FixedPoint.bitWidth - 1 - microBatchBits)
        let usable = Scalar.fixedPointExponents
        return Int32(
            min(max(bits - Self.headroomBits - (Int(magnitude.exponent) + 1), usable.lowerBound), usable.upperBound))
    }

    /// The exponents by parameter, for the checkpoint: they are part of the state that decides the bits to come.
    var scaleExponents: [Int32] {
        get { Array(exponents.span) }
        set {
            precondition(
                newValue.count == exponents.count, "\(newValue.count) exponents of \(exponents.count) parameters")
            let usable = Scalar.fixedPointExponents
            for (parameter, value) in newValue.enumerated() {
                exponents.pointer[parameter] = value == Self.unknownExponent
                    ? value : min(max(value, Int32(usable.lowerBound)), Int32(usable.upperBound))
            }
        }
    }
}
