extension Float: KernelScalar {
    public typealias Vector = SIMD16<Float>
    public typealias HalfVector = SIMD8<Float>
    public typealias QuarterVector = SIMD4<Float>

    @inline(__always)
    public static func exp(_ x: Vector) -> Vector {
        // Beyond these the result is 0 or infinity anyway; a NaN compares false and passes.
        let low = x.replacing(with: Vector(repeating: -104), where: x .< Vector(repeating: -104))
        let clamped = low.replacing(with: Vector(repeating: 89), where: low .> Vector(repeating: 89))
        let (n, r) = reduced(clamped)
        let value = Vector(repeating: 1) + expMinusOne(r)
        // Two factors, because 2^n itself may overflow or be subnormal while the result is neither.
        let half = n &>> SIMD16<Int32>(repeating: 1)
        return value * powerOfTwo(half) * powerOfTwo(n &- half)
    }

    @inline(__always)
    public static func log(_ x: Vector) -> Vector {
        let isSubnormal = x .< Vector(repeating: .leastNormalMagnitude)
        let scaled = x.replacing(with: x * Vector(repeating: 0x1p23), where: isSubnormal)
        // x = m 2^e with m in [sqrt(1/2), sqrt(2)): offset the bits so that the exponent steps at sqrt(1/2).
        let offset = SIMD16<Int32>(repeating: 0x3f35_04f3)
        let bits = unsafeBitCast(scaled, to: SIMD16<Int32>.self) &- offset
        let m = unsafeBitCast((bits & SIMD16<Int32>(repeating: 0x007f_ffff)) &+ offset, to: Vector.self)
        let integer = (bits &>> SIMD16<Int32>(repeating: 23)) &+ SIMD16<Int32>(repeating: 0x4b40_0000)
        var e = unsafeBitCast(integer, to: Vector.self) - Vector(repeating: roundingShift)
        e.replace(with: e - Vector(repeating: 23), where: isSubnormal)
        let f = m - Vector(repeating: 1)
        let s = f / (Vector(repeating: 2) + f)
        let z = s * s
        var polynomial = Vector(repeating: 0.2985937)
        polynomial = Vector(repeating: 0.39978087).addingProduct(polynomial, z)
        polynomial = Vector(repeating: 0.66666770).addingProduct(polynomial, z)
        // ln(1 + f) = f - s (f - z R(z)); the low part of e ln 2 joins before the large terms do.
        let correction = (f - z * polynomial) * s
        let low = correction.addingProduct(e, Vector(repeating: -ln2Low))
        var result = (f - low).addingProduct(e, Vector(repeating: ln2High))
        result.replace(with: Vector(repeating: .infinity), where: x .== Vector(repeating: .infinity))
        result.replace(with: Vector(repeating: -.infinity), where: x .== Vector(repeating: 0))
        result.replace(with: Vector(repeating: .nan), where: x .< Vector(repeating: 0))
        result.replace(with: x, where: x .!= x)
        return result
    }

    @inline(__always)
    public static func tanh(_ x: Vector) -> Vector {
        let bits = unsafeBitCast(x, to: SIMD16<UInt32>.self)
        let sign = bits & SIMD16<UInt32>(repeating: 0x8000_0000)
        let magnitude = unsafeBitCast(bits ^ sign, to: Vector.self)
        // tanh rounds to 1 from 9.02 on.
        let limited = magnitude.replacing(with: Vector(repeating: 10), where: magnitude .> Vector(repeating: 10))
        // tanh(a) = E / (E + 2) with E = e^(2a) - 1, which keeps relative accuracy at small a.
        let (n, r) = reduced(limited + limited)
        let scale = powerOfTwo(n)
        let e = (scale - Vector(repeating: 1)).addingProduct(expMinusOne(r), scale)
        let t = e / (e + Vector(repeating: 2))
        return unsafeBitCast(unsafeBitCast(t, to: SIMD16<UInt32>.self) | sign, to: Vector.self)
    }

    /// 1 / (1 + e^-x), one division: within 2.4 units in the last place from -87 on, and 0 below -88.4, where the exact
    /// value is smaller than any normal number.
    @inline(__always)
    public static func sigmoid(_ x: Vector) -> Vector {
        // Beyond these the result is 0 or 1 anyway; a NaN compares false and passes.
        let low = x.replacing(with: Vector(repeating: -89), where: x .< Vector(repeating: -89))
        let limited = low.replacing(with: Vector(repeating: 87), where: low .> Vector(repeating: 87))
        // -x = n ln 2 + r; the shift also adds the bias of an exponent, so that the bits hold 2^n but for their place.
        let shift = Vector(repeating: roundingShift + 127)
        let shifted = shift.addingProduct(limited, Vector(repeating: -1.44269504088896340736))
        let n = shifted - shift
        let r = limited.addingProduct(n, Vector(repeating: ln2High)).addingProduct(n, Vector(repeating: ln2Low))
        let power = unsafeBitCast(
            unsafeBitCast(shifted, to: SIMD16<Int32>.self) &<< SIMD16<Int32>(repeating: 23), to: Vector.self)
        // e^-r, minimax of degree 6 with relative error 3e-9.
        let one = Vector(repeating: 1)
        var e = Vector(repeating: 1.3814605878651437e-3)
        e = Vector(repeating: -8.368709784660169e-3).addingProduct(e, r)
        e = Vector(repeating: 4.1668387519036e-2).addingProduct(e, r)
        e = Vector(repeating: -1.6666520689146425e-1).addingProduct(e, r)
        e = Vector(repeating: 4.9999993450809893e-1).addingProduct(e, r)
        e = Vector(repeating: -1).addingProduct(e, r)
        e = one.addingProduct(e, r)
        return one / one.addingProduct(e, power)
    }

    /// Adding and subtracting 1.5 x 2^23 rounds to the nearest integer, and leaves it in the low bits between.
    private static var roundingShift: Float { 0x1.8p23 }
    /// The leading 15 bits of ln 2, so that n ln2High is exact, and the rest.
    private static var ln2High: Float { 0x1.62e4p-1 }
    private static var ln2Low: Float { 1.428606820309417232e-6 }

    /// x = n ln 2 + r with |r| <= ln 2 / 2, for |x| < 2^21.
    @inline(__always)
    private static func reduced(_ x: Vector) -> (n: SIMD16<Int32>, r: Vector) {
        let shift = Vector(repeating: roundingShift)
        let shifted = shift.addingProduct(x, Vector(repeating: 1.44269504088896340736))
        let n = shifted - shift
        let r = x.addingProduct(n, Vector(repeating: -ln2High)).addingProduct(n, Vector(repeating: -ln2Low))
        let integer = unsafeBitCast(shifted, to: SIMD16<Int32>.self) &- SIMD16<Int32>(repeating: 0x4b40_0000)
        return (integer, r)
    }

    /// e^r - 1 = r + r^2 q(r) for |r| <= ln 2 / 2; q is minimax of degree 5, relative error 3e-10.
    @inline(__always)
    private static func expMinusOne(_ r: Vector) -> Vector {
        var q = Vector(repeating: 1.991360527e-4)
        q = Vector(repeating: 1.3940284398e-3).addingProduct(q, r)
        q = Vector(repeating: 8.3332742024e-3).addingProduct(q, r)
        q = Vector(repeating: 4.16663665256e-2).addingProduct(q, r)
        q = Vector(repeating: 1.66666668114e-1).addingProduct(q, r)
        q = Vector(repeating: 0.5).addingProduct(q, r)
        return r.addingProduct(r * r, q)
    }

    /// 2^n for -126 <= n <= 127.
    @inline(__always)
    private static func powerOfTwo(_ n: SIMD16<Int32>) -> Vector {
        unsafeBitCast((n &+ SIMD16<Int32>(repeating: 127)) &<< SIMD16<Int32>(repeating: 23), to: Vector.self)
    }
}
