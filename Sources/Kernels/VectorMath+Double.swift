extension Double: KernelScalar {
    public typealias Vector = SIMD8<Double>
    public typealias HalfVector = SIMD4<Double>
    public typealias QuarterVector = SIMD2<Double>

    @inline(__always)
    public static func exp(_ x: Vector) -> Vector {
        // Beyond these the result is 0 or infinity anyway; a NaN compares false and passes.
        let low = x.replacing(with: Vector(repeating: -746), where: x .< Vector(repeating: -746))
        let clamped = low.replacing(with: Vector(repeating: 710), where: low .> Vector(repeating: 710))
        let (n, r) = reduced(clamped)
        let value = Vector(repeating: 1) + expMinusOne(r)
        // Two factors, because 2^n itself may overflow or be subnormal while the result is neither.
        let half = n &>> SIMD8<Int64>(repeating: 1)
        return value * powerOfTwo(half) * powerOfTwo(n &- half)
    }

    @inline(__always)
    public static func log(_ x: Vector) -> Vector {
        let isSubnormal = x .< Vector(repeating: .leastNormalMagnitude)
        let scaled = x.replacing(with: x * Vector(repeating: 0x1p52), where: isSubnormal)
        // x = m 2^e with m in [sqrt(1/2), sqrt(2)): offset the bits so that the exponent steps at sqrt(1/2).
        let offset = SIMD8<Int64>(repeating: 0x3fe6_a09e_667f_3bcd)
        let bits = unsafeBitCast(scaled, to: SIMD8<Int64>.self) &- offset
        let m = unsafeBitCast((bits & SIMD8<Int64>(repeating: 0x000f_ffff_ffff_ffff)) &+ offset, to: Vector.self)
        let integer = (bits &>> SIMD8<Int64>(repeating: 52)) &+ SIMD8<Int64>(repeating: 0x4338_0000_0000_0000)
        var e = unsafeBitCast(integer, to: Vector.self) - Vector(repeating: roundingShift)
        e.replace(with: e - Vector(repeating: 52), where: isSubnormal)
        let f = m - Vector(repeating: 1)
        let s = f / (Vector(repeating: 2) + f)
        let z = s * s
        var polynomial = Vector(repeating: 0.14776284264695448675)
        polynomial = Vector(repeating: 0.15316150422778827745).addingProduct(polynomial, z)
        polynomial = Vector(repeating: 0.18183475702589744498).addingProduct(polynomial, z)
        polynomial = Vector(repeating: 0.22222200441350347282).addingProduct(polynomial, z)
        polynomial = Vector(repeating: 0.28571428722021030111).addingProduct(polynomial, z)
        polynomial = Vector(repeating: 0.399999999995205416).addingProduct(polynomial, z)
        polynomial = Vector(repeating: 0.66666666666667148495).addingProduct(polynomial, z)
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
        let bits = unsafeBitCast(x, to: SIMD8<UInt64>.self)
        let sign = bits & SIMD8<UInt64>(repeating: 0x8000_0000_0000_0000)
        let magnitude = unsafeBitCast(bits ^ sign, to: Vector.self)
        // tanh rounds to 1 from 19.07 on.
        let limited = magnitude.replacing(with: Vector(repeating: 20), where: magnitude .> Vector(repeating: 20))
        // tanh(a) = E / (E + 2) with E = e^(2a) - 1, which keeps relative accuracy at small a.
        let (n, r) = reduced(limited + limited)
        let scale = powerOfTwo(n)
        let e = (scale - Vector(repeating: 1)).addingProduct(expMinusOne(r), scale)
        let t = e / (e + Vector(repeating: 2))
        return unsafeBitCast(unsafeBitCast(t, to: SIMD8<UInt64>.self) | sign, to: Vector.self)
    }

    @inline(__always)
    public static func sigmoid(_ x: Vector) -> Vector {
        let bits = unsafeBitCast(x, to: SIMD8<UInt64>.self) | SIMD8<UInt64>(repeating: 0x8000_0000_0000_0000)
        let e = exp(unsafeBitCast(bits, to: Vector.self))
        let one = Vector(repeating: 1)
        return one.replacing(with: e, where: x .< Vector(repeating: 0)) / (one + e)
    }

    /// Adding and subtracting 1.5 x 2^52 rounds to the nearest integer, and leaves it in the low bits between.
    private static var roundingShift: Double { 0x1.8p52 }
    /// The leading 32 bits of ln 2, so that n ln2High is exact, and the rest.
    private static var ln2High: Double { 0x1.62e42feep-1 }
    private static var ln2Low: Double { 1.908214929270587816e-10 }

    /// x = n ln 2 + r with |r| <= ln 2 / 2, for |x| < 2^50.
    @inline(__always)
    private static func reduced(_ x: Vector) -> (n: SIMD8<Int64>, r: Vector) {
        let shift = Vector(repeating: roundingShift)
        let shifted = shift.addingProduct(x, Vector(repeating: 1.44269504088896340736))
        let n = shifted - shift
        let r = x.addingProduct(n, Vector(repeating: -ln2High)).addingProduct(n, Vector(repeating: -ln2Low))
        let integer = unsafeBitCast(shifted, to: SIMD8<Int64>.self) &- SIMD8<Int64>(repeating: 0x4338_0000_0000_0000)
        return (integer, r)
    }

    /// e^r - 1 = r + r^2 q(r) for |r| <= ln 2 / 2; q is minimax of degree 10, relative error 3e-19.
    @inline(__always)
    private static func expMinusOne(_ r: Vector) -> Vector {
        var q = Vector(repeating: 2.0924121827147296381e-9)
        q = Vector(repeating: 2.5108648122332223055e-8).addingProduct(q, r)
        q = Vector(repeating: 2.7557243953473473e-7).addingProduct(q, r)
        q = Vector(repeating: 2.7557245399035066538e-6).addingProduct(q, r)
        q = Vector(repeating: 0.000024801587358908028998).addingProduct(q, r)
        q = Vector(repeating: 0.00019841269884850444204).addingProduct(q, r)
        q = Vector(repeating: 0.0013888888888867865182).addingProduct(q, r)
        q = Vector(repeating: 0.0083333333333221850415).addingProduct(q, r)
        q = Vector(repeating: 0.04166666666666669862).addingProduct(q, r)
        q = Vector(repeating: 0.16666666666666675789).addingProduct(q, r)
        q = Vector(repeating: 0.5).addingProduct(q, r)
        return r.addingProduct(r * r, q)
    }

    /// 2^n for -1022 <= n <= 1023.
    @inline(__always)
    private static func powerOfTwo(_ n: SIMD8<Int64>) -> Vector {
        unsafeBitCast((n &+ SIMD8<Int64>(repeating: 1023)) &<< SIMD8<Int64>(repeating: 52), to: Vector.self)
    }
}
