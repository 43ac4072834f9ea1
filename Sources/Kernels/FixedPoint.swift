// Sums that do not depend on their order: numbers as multiples of a power of two in integers. Integer addition is
// associative, so any grouping over micro-batches and ranks gives the same bits.

/// A scalar with the integers in which sums of it are taken: as wide as itself, so that a sum is as cheap to send.
public protocol FixedPointScalar: KernelScalar {
    associatedtype FixedPoint: FixedWidthInteger & SignedInteger & Sendable

    /// The largest |value * scale| that `accumulateFixedPoint` rounds correctly, as a power of two.
    static var fixedPointBits: Int { get }
    /// Exponents e for which 2^e is a usable scale.
    static var fixedPointExponents: ClosedRange<Int> { get }

    /// sums += values rounded to multiples of 1 / scale, or sums = these.
    ///
    /// - Parameters:
    ///   - sums, values: `count` each; need not be aligned.
    ///   - scale: a power of two.
    ///   - isFirst: whether the sums are replaced instead of added to.
    /// - Returns: the largest magnitude among the values, or NaN if one is not finite. Where it exceeds
    ///   2^`fixedPointBits` / scale, or is NaN, the sums are not meaningful any more.
    static func accumulateFixedPoint(
        _ sums: UnsafeMutablePointer<FixedPoint>, _ values: UnsafePointer<Self>, scale: Double, count: Int, isFirst: Bool
    ) -> Double

    /// values = sums / divisor, as the product with the reciprocal, in double precision until stored.
    static func fromFixedPoint(
        _ values: UnsafeMutablePointer<Self>, _ sums: UnsafePointer<FixedPoint>, divisor: Double, count: Int)
}

extension Float: FixedPointScalar {
    public typealias FixedPoint = Int32

    public static var fixedPointBits: Int { 30 }
    public static var fixedPointExponents: ClosedRange<Int> { -126...126 }

    public static func accumulateFixedPoint(
        _ sums: UnsafeMutablePointer<Int32>, _ values: UnsafePointer<Float>, scale: Double, count: Int, isFirst: Bool
    ) -> Double {
        // Two loops, so that neither asks in every turn.
        isFirst
            ? accumulate(sums, values, Float(scale), count) { $1 }
            : accumulate(sums, values, Float(scale), count) { $0 &+ $1 }
    }

    @inline(__always)
    private static func accumulate(
        _ sums: UnsafeMutablePointer<Int32>, _ values: UnsafePointer<Float>, _ scale: Float, _ count: Int,
        _ combine: (SIMD16<Int32>, SIMD16<Int32>) -> SIMD16<Int32>
    ) -> Double {
        var rounding = FixedPointRounding(scale: scale)
        var index = 0
        while index + 16 <= count {
            let target = UnsafeMutableRawPointer(sums + index)
            let added = rounding.integers(UnsafeRawPointer(values + index).loadUnaligned(as: SIMD16<Float>.self))
            target.storeBytes(of: combine(target.loadUnaligned(as: SIMD16<Int32>.self), added), as: SIMD16<Int32>.self)
            index += 16
        }
        if index < count {
            var (lanes, before) = (SIMD16<Float>.zero, SIMD16<Int32>.zero)
            for lane in 0..<(count - index) { (lanes[lane], before[lane]) = (values[index + lane], sums[index + lane]) }
            let after = combine(before, rounding.integers(lanes))
            for lane in 0..<(count - index) { sums[index + lane] = after[lane] }
        }
        return rounding.largestMagnitude
    }

    public static func fromFixedPoint(
        _ values: UnsafeMutablePointer<Float>, _ sums: UnsafePointer<Int32>, divisor: Double, count: Int
    ) {
        let inverse = 1 / divisor
        for index in 0..<count { values[index] = Float(Double(sums[index]) * inverse) }
    }
}

/// Rounds vectors of Float to integers and remembers what it met.
private struct FixedPointRounding {
    private let scale: SIMD16<Float>
    private let limit: SIMD16<Float>
    private var largest = SIMD16<Float>.zero
    private var areFinite = SIMDMask<SIMD16<Int32>>(repeating: true)

    @inline(__always)
    init(scale: Float) {
        self.scale = SIMD16(repeating: scale)
        limit = SIMD16(
            repeating: min(
                Float(sign: .plus, exponent: Float.fixedPointBits, significand: 1) / scale, .greatestFiniteMagnitude))
    }

    @inline(__always)
    mutating func integers(_ lanes: SIMD16<Float>) -> SIMD16<Int32> {
        let magnitude = unsafeBitCast(
            unsafeBitCast(lanes, to: SIMD16<UInt32>.self) & 0x7fff_ffff, to: SIMD16<Float>.self)
        areFinite = areFinite .& (magnitude .< SIMD16(repeating: .infinity))
        largest = largest.replacing(with: magnitude, where: magnitude .> largest)
        // What has no integer counts as zero; the caller learns of it from the largest magnitude.
        let scaled = SIMD16<Float>.zero.replacing(with: lanes * scale, where: magnitude .<= limit)
        var rounded = SIMD16<Int32>()
        for lane in 0..<16 { rounded[lane] = Int32(scaled[lane].rounded(.toNearestOrEven)) }
        return rounded
    }

    /// NaN if a value was not finite.
    @inline(__always)
    var largestMagnitude: Double { all(areFinite) ? Double(largest.max()) : .nan }
}

extension Double: FixedPointScalar {
    public typealias FixedPoint = Int64

    public static var fixedPointBits: Int { 51 }
    public static var fixedPointExponents: ClosedRange<Int> { -999...999 }

    public static func accumulateFixedPoint(
        _ sums: UnsafeMutablePointer<Int64>, _ values: UnsafePointer<Double>, scale: Double, count: Int, isFirst: Bool
    ) -> Double {
        if isFirst { sums.update(repeating: 0, count: count) }
        var largest = 0.0
        var areFinite = true
        for index in 0..<count {
            let magnitude = abs(values[index])
            areFinite = areFinite && magnitude < .infinity
            if magnitude > largest { largest = magnitude }
            // Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits; |value * scale| stays below 2^51.
            let rounded = (0x1.8p52 as Double).addingProduct(values[index], scale)
            sums[index] &+= Int64(bitPattern: rounded.bitPattern) &- Int64(bitPattern: (0x1.8p52 as Double).bitPattern)
        }
        return areFinite ? largest : .nan
    }

    public static func fromFixedPoint(
        _ values: UnsafeMutablePointer<Double>, _ sums: UnsafePointer<Int64>, divisor: Double, count: Int
    ) {
        let inverse = 1 / divisor
        for index in 0..<count { values[index] = Double(sums[index]) * inverse }
    }
}

/// The sum of squares in double precision, in one fixed order.
@specialized(where T == Float)
@specialized(where T == Double)
public func sumOfSquares<T: KernelScalar>(_ values: UnsafePointer<T>, count: Int) -> Double {
    var sums = SIMD8<Double>.zero
    var index = 0
    while index + 8 <= count {
        var lanes = SIMD8<Double>()
        for lane in 0..<8 { lanes[lane] = Double(values[index + lane]) }
        sums = sums.addingProduct(lanes, lanes)
        index += 8
    }
    var total = sums.sum()
    while index < count {
        let value = Double(values[index])
        total.addProduct(value, value)
        index += 1
    }
    return total
}

/// The largest magnitude; NaN if any value is not finite.
@specialized(where T == Float)
@specialized(where T == Double)
public func largestMagnitude<T: KernelScalar>(_ values: UnsafePointer<T>, count: Int) -> Double {
    var largest = 0.0
    var areFinite = true
    for index in 0..<count {
        let magnitude = abs(Double(values[index]))
        areFinite = areFinite && magnitude < .infinity
        if magnitude > largest { largest = magnitude }
    }
    return areFinite ? largest : .nan
}
