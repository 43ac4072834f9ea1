#if hasFeature(Embedded)
/// What a vector's element must be. Embedded Swift, by which other processors' code is checked, has no `Codable`.
public typealias VectorElement = SIMDScalar & BinaryFloatingPoint & Sendable
#else
/// What a vector's element must be; vectors of the standard library want `Codable`.
public typealias VectorElement = SIMDScalar & BinaryFloatingPoint & Codable & Sendable
#endif

/// A scalar that the kernels compute with, and the elementary functions of a register full of it.
///
/// The functions are this project's own: range reduction and minimax polynomials evaluated with fused
/// multiply-adds, so a value depends on its own lane alone, and one build gives the same bits in a vector loop, in
/// its tail and in a scalar call. All are correct at the extremes: overflow gives infinity or the limit, underflow
/// is gradual, a quiet NaN stays one.
///
/// Notation in the implementations: x = n ln 2 + r with |r| <= ln 2 / 2; q(r) = (e^r - 1 - r) / r^2;
/// s = (m - 1) / (m + 1) and R(z) = (2 artanh(s) / s - 2) / z with z = s^2.
public protocol KernelScalar: VectorElement {
    /// 64 bytes: one register of AVX-512, two of AVX2, four of SSE.
    associatedtype Vector: SIMD where Vector.Scalar == Self
    /// 32 bytes.
    associatedtype HalfVector: SIMD where HalfVector.Scalar == Self
    /// 16 bytes.
    associatedtype QuarterVector: SIMD where QuarterVector.Scalar == Self

    /// e^x in every lane; infinity above the largest finite result, gradually 0 below the smallest.
    static func exp(_ x: Vector) -> Vector
    /// Natural logarithm in every lane; minus infinity at zero, NaN below.
    static func log(_ x: Vector) -> Vector
    /// Hyperbolic tangent in every lane, with full relative accuracy near zero.
    static func tanh(_ x: Vector) -> Vector
    /// 1 / (1 + e^-x) in every lane, with full relative accuracy in both tails; 0 instead of subnormal numbers in float32.
    static func sigmoid(_ x: Vector) -> Vector
}

/// Scalar forms: one lane of the vector form, hence its bits.
extension KernelScalar {
    /// e^x.
    @inline(__always) public static func exp(_ x: Self) -> Self { exp(Vector(repeating: x))[0] }
    /// Natural logarithm.
    @inline(__always) public static func log(_ x: Self) -> Self { log(Vector(repeating: x))[0] }
    /// Hyperbolic tangent.
    @inline(__always) public static func tanh(_ x: Self) -> Self { tanh(Vector(repeating: x))[0] }
    /// 1 / (1 + e^-x).
    @inline(__always) public static func sigmoid(_ x: Self) -> Self { sigmoid(Vector(repeating: x))[0] }
}
