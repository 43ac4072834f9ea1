/// Families of functions of one number, in which networks see distances and angles.
public enum RadialFunction: Hashable, Sendable {
    /// sqrt(2 / c) sin(n pi r / c) / r for n = 1...count and the cutoff c: the spherical Bessel functions of order 0 that
    /// vanish at c.
    case bessel(count: Int, cutoff: Double)
    /// (1 - r^2 / c^2)^3 within the cutoff c, zero beyond: two derivatives are continuous.
    case envelope(cutoff: Double)
    /// The Chebyshev polynomials T_1...T_count; and for each knot b a function that is zero below it and ((x - b) / (x - b + w))^3
    /// above, with w = `kneeWidth`: its third derivative jumps at the knot, as those of splines do.
    case chebyshev(count: Int, knots: [Double] = [])

    /// The highest derivative that `expandRadially` computes.
    public static let maximumOrder = 3
    /// Of the functions with knots: half of their range is a quarter beyond the knot.
    static let kneeWidth = 0.25

    /// How many functions the family has.
    public var count: Int {
        switch self {
        case .bessel(let count, _): count
        case .chebyshev(let count, let knots): count + knots.count
        case .envelope: 1
        }
    }
}

/// out[r, n] = the derivative of the given order (0...3) of function n of the family at x[r].
///
/// Each vector holds one function of several rows, so that sines are evaluated once a row and the others follow by
/// recurrence.
@specialized(where T == Float)
@specialized(where T == Double)
public func expandRadially<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, _ function: RadialFunction, order: Int, rows: Int
) {
    let lanes = T.Vector.scalarCount
    let columns = function.count
    withUnsafeTemporaryAllocation(of: T.Vector.self, capacity: columns) { values in
        let table = values.baseAddress.unsafelyUnwrapped
        var row = 0
        while row < rows {
            let argument: T.Vector = load(x + row)
            switch function {
            case .bessel(let count, let cutoff): bessel(T.self, argument, count, T(cutoff), order, table)
            case .envelope(let cutoff): table.initialize(to: envelope(T.self, argument, T(cutoff), order))
            case .chebyshev(let count, let knots):
                chebyshev(T.self, argument, count, order, table)
                for index in knots.indices {
                    (table + count + index).initialize(to: knee(T.self, argument, T(knots[index]), order))
                }
            }
            // Transposed through memory, where lanes are numbers.
            let numbers = UnsafeRawPointer(table).assumingMemoryBound(to: T.self)
            for lane in 0..<min(lanes, rows - row) {
                let target = out + (row + lane) * columns
                for column in 0..<columns { target[column] = numbers[column * lanes + lane] }
            }
            row += lanes
        }
    }
}

@inline(__always)
private func bessel<T: KernelScalar>(
    _: T.Type, _ r: T.Vector, _ count: Int, _ cutoff: T, _ order: Int, _ out: UnsafeMutablePointer<T.Vector>
) {
    let scale = T.Vector(repeating: (2 / cutoff).squareRoot())
    let inverse = T.Vector(repeating: 1) / r
    let (sine, cosine) = sineAndCosine(T.self, halfTurns: r * T.Vector(repeating: 1 / cutoff))
    let twice = cosine + cosine
    // Of n and n - 1 times the angle.
    var (s, sBefore) = (sine, T.Vector.zero)
    var (c, cBefore) = (cosine, T.Vector(repeating: 1))
    for n in 0..<count {
        let k = T.Vector(repeating: T(n + 1) * T.pi / cutoff)
        let value = scale * s * inverse
        let first = (scale * k * c - value) * inverse
        // From (r f)'' = -k^2 r f.
        let second = T.Vector.zero - k * k * value - (first + first) * inverse
        switch order {
        case 0: (out + n).initialize(to: value)
        case 1: (out + n).initialize(to: first)
        case 2: (out + n).initialize(to: second)
        default:
            let steep = (first * inverse - second) * inverse
            (out + n).initialize(to: steep + steep - k * k * first)
        }
        (s, sBefore) = (twice * s - sBefore, s)
        (c, cBefore) = (twice * c - cBefore, c)
    }
}

@inline(__always)
private func envelope<T: KernelScalar>(_: T.Type, _ r: T.Vector, _ cutoff: T, _ order: Int) -> T.Vector {
    let inverse = T.Vector(repeating: 1 / (cutoff * cutoff))
    let q = r * r * inverse
    let difference = T.Vector(repeating: 1) - q
    let u = positivePart(T.self, difference)
    switch order {
    case 0: return u * u * u
    case 1: return T.Vector(repeating: -6) * u * u * r * inverse
    case 2: return T.Vector(repeating: -6) * inverse * u * (u - T.Vector(repeating: 4) * q)
    default:
        // Jumps at the cutoff.
        let value = r * inverse * inverse * (T.Vector(repeating: 72) * u - T.Vector(repeating: 48) * q)
        return value.replacing(with: T.Vector.zero, where: difference .<= T.Vector.zero)
    }
}

/// x where it is positive, else 0: without a comparison, which generic vectors do lane by lane. The root of a square is exact.
@inline(__always)
func positivePart<T: KernelScalar>(_: T.Type, _ x: T.Vector) -> T.Vector {
    (x + (x * x).squareRoot()) * T.Vector(repeating: 0.5)
}

@inline(__always)
private func chebyshev<T: KernelScalar>(
    _: T.Type, _ x: T.Vector, _ count: Int, _ order: Int, _ out: UnsafeMutablePointer<T.Vector>
) {
    let (zero, one) = (T.Vector.zero, T.Vector(repeating: 1))
    let twice = x + x
    // The derivative of order k of T_(n + 1) = 2 x T_n - T_(n - 1) is 2 k T_n^(k-1) + 2 x T_n^(k) - T_(n-1)^(k).
    var (t0, t1, t2, t3) = (x, one, zero, zero)
    var before = (one, zero, zero, zero)
    for n in 0..<count {
        (out + n).initialize(to: order == 0 ? t0 : order == 1 ? t1 : order == 2 ? t2 : t3)
        let next = (
            twice * t0 - before.0,
            t0 + t0 + twice * t1 - before.1,
            T.Vector(repeating: 4) * t1 + twice * t2 - before.2,
            T.Vector(repeating: 6) * t2 + twice * t3 - before.3
        )
        before = (t0, t1, t2, t3)
        (t0, t1, t2, t3) = next
    }
}

@inline(__always)
private func knee<T: KernelScalar>(_: T.Type, _ x: T.Vector, _ knot: T, _ order: Int) -> T.Vector {
    let scale = T(1 / RadialFunction.kneeWidth)
    let difference = (x - T.Vector(repeating: knot)) * T.Vector(repeating: scale)
    // With u = (x - b) / w: q = 1 / (1 + u), and the function is v^3 of v = u q, with dv/du = q^2.
    let u = positivePart(T.self, difference)
    let q = T.Vector(repeating: 1) / (T.Vector(repeating: 1) + u)
    let v = u * q
    func times(_ factor: T) -> T.Vector { T.Vector(repeating: factor) }
    switch order {
    case 0: return v * v * v
    case 1: return times(3 * scale) * v * v * q * q
    case 2: return times(6 * scale * scale) * v * q * q * q * (q - v)
    default:
        let value = times(6 * scale * scale * scale) * q * q * q * q * (q * q - times(6) * q * v + times(3) * v * v)
        return value.replacing(with: T.Vector.zero, where: difference .<= T.Vector.zero)
    }
}

/// The sine and cosine of pi a in every lane, for |a| < 2^20.
@inline(__always)
func sineAndCosine<T: KernelScalar>(_: T.Type, halfTurns a: T.Vector) -> (sine: T.Vector, cosine: T.Vector) {
    // Adding and subtracting 1.5 times the last power of two that has a fraction rounds to an integer.
    let shift = T.Vector(repeating: T(sign: .plus, exponent: T.Exponent(T.significandBitCount), significand: 1.5))
    let half = (a * T.Vector(repeating: 0.5) + shift) - shift
    let turn = a - (half + half)  // -1...1
    let nearest = (turn + shift) - shift
    let f = turn - nearest  // -1/2...1/2
    let angle = f * T.Vector(repeating: T.pi)
    let z = angle * angle
    var s = T.Vector.zero
    var c = T.Vector.zero
    @inline(__always) func take(_ ofSine: T, _ ofCosine: T) {
        s = T.Vector(repeating: ofSine).addingProduct(z, s)
        c = T.Vector(repeating: ofCosine).addingProduct(z, c)
    }
    // Taylor series from the last term that counts at a quarter turn: 1 / (2 n + 1)! and 1 / (2 n)! with their signs.
    if T.significandBitCount > 30 {
        take(-3.868170170630684e-23, -8.896791392450574e-22)
        take(1.9572941063391263e-20, 4.110317623312165e-19)
        take(-8.22063524662433e-18, -1.5619206968586225e-16)
        take(2.8114572543455206e-15, 4.779477332387385e-14)
    }
    take(-7.647163731819816e-13, -1.1470745597729725e-11)
    take(1.6059043836821613e-10, 2.08767569878681e-9)
    take(-2.505210838544172e-8, -2.755731922398589e-7)
    take(2.7557319223985893e-6, 2.48015873015873e-5)
    take(-1.984126984126984e-4, -0.001388888888888889)
    take(0.008333333333333333, 0.041666666666666664)
    take(-0.16666666666666666, -0.5)
    take(1, 1)
    // nearest is -1, 0 or 1.
    let sign = T.Vector(repeating: 1) - T.Vector(repeating: 2) * nearest * nearest
    return (sign * angle * s, sign * c)
}
