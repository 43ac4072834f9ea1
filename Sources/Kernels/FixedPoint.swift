// Sums that do not depend on their order: numbers as multiples of a power of two in 64-bit integers. Integer addition
// is associative, so any grouping over micro-batches and ranks gives the same bits.

/// The largest |value * scale| that `accumulateFixedPoint` rounds correctly, as a power of two.
public let fixedPointBits = 51

/// sums += values rounded to multiples of 1 / scale.
///
/// - Returns: the largest magnitude among the values, or NaN if one is not finite. Where it exceeds
///   2^`fixedPointBits` / scale, or is NaN, the sums are not meaningful any more.
@specialized(where T == Float)
@specialized(where T == Double)
public func accumulateFixedPoint<T: KernelScalar>(
    _ sums: UnsafeMutablePointer<Int64>, _ values: UnsafePointer<T>, scale: Double, count: Int
) -> Double {
    let scaling = SIMD8<Double>(repeating: scale)
    let infinity = SIMD8<Double>(repeating: .infinity)
    // Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits; |value * scale| stays below 2^51.
    let magic = SIMD8<Double>(repeating: 0x1.8p52)
    let magicBits = SIMD8<Int64>(repeating: Int64(bitPattern: (0x1.8p52 as Double).bitPattern))
    var largest = SIMD8<Double>.zero
    var areFinite = SIMDMask<SIMD8<Int64>>(repeating: true)
    var index = 0
    while index + 8 <= count {
        var lanes = SIMD8<Double>()
        for lane in 0..<8 { lanes[lane] = Double(values[index + lane]) }
        let magnitude = lanes.replacing(with: SIMD8<Double>.zero - lanes, where: lanes .< SIMD8<Double>.zero)
        areFinite = areFinite .& (magnitude .< infinity)
        largest = largest.replacing(with: magnitude, where: magnitude .> largest)
        let integers = unsafeBitCast(magic.addingProduct(lanes, scaling), to: SIMD8<Int64>.self) &- magicBits
        let target = UnsafeMutableRawPointer(sums + index)
        target.storeBytes(of: target.loadUnaligned(as: SIMD8<Int64>.self) &+ integers, as: SIMD8<Int64>.self)
        index += 8
    }
    var tailLargest = 0.0
    var isTailFinite = true
    while index < count {
        let value = Double(values[index])
        isTailFinite = isTailFinite && value.isFinite
        if abs(value) > tailLargest { tailLargest = abs(value) }
        let integer = Int64(bitPattern: (0x1.8p52 as Double).addingProduct(value, scale).bitPattern) &- magicBits[0]
        sums[index] &+= integer
        index += 1
    }
    guard all(areFinite) && isTailFinite else { return .nan }
    for lane in 0..<8 where largest[lane] > tailLargest { tailLargest = largest[lane] }
    return tailLargest
}

/// values = sums / scale.
@specialized(where T == Float)
@specialized(where T == Double)
public func fromFixedPoint<T: KernelScalar>(
    _ values: UnsafeMutablePointer<T>, _ sums: UnsafePointer<Int64>, scale: Double, count: Int
) {
    let inverse = 1 / scale
    for index in 0..<count { values[index] = T(Double(sums[index]) * inverse) }
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
