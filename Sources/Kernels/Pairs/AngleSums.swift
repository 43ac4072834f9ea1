// Sums over the angles of bonds: what a bond (i, j) knows of the other bonds (i, k) of its center.
//
// Notation: a and b are bonds of one center with unit vectors u; x = u_a u_b; [P | Q] the two halves of a bond's row of
// 2 C channels, P for the bond that sums and Q for one that is summed; T_k the Chebyshev polynomials, k = 1...K; f a function
// of each channel; e the weight of a bond; where there are knots, T_k of the last k are the functions with knots of
// `RadialFunction.chebyshev`.
//
//     z(a, b) = P[a] + Q[b] + sum over k of T_k(x) U[k]
//     S[a] = sum over b of f(z(a, b)) e[b], in the order of the bonds
//
// An angle is seen from both of its bonds with one cosine: a row of 2 C numbers holds [z(a, b) | z(b, a)], a < b. All angles
// of a center stay in the first caches.

/// The bonds of some centers.
public struct AngleRows<T: KernelScalar> {
    /// [bonds, P Q]
    public var lengths: UnsafePointer<T>
    /// u. [bonds, x y z]
    public var directions: UnsafePointer<T>
    /// e. [bonds]
    public var weights: UnsafePointer<T>
    /// U. [K, C]
    public var cosines: UnsafePointer<T>
    /// C.
    public var channels: Int
    /// K, of which the last have knots.
    public var functions: Int
    /// In the first `knotCount` lanes.
    public var knots: SIMD4<T>
    public var knotCount: Int
    /// The first bond of each center, and the end. [centers + 1]
    public var starts: UnsafePointer<Int32>
    /// f.
    public var activation: Activation

    public init(
        lengths: UnsafePointer<T>, directions: UnsafePointer<T>, weights: UnsafePointer<T>, cosines: UnsafePointer<T>,
        channels: Int, functions: Int, knots: [Double] = [], starts: UnsafePointer<Int32>, activation: Activation
    ) {
        (self.lengths, self.directions, self.weights) = (lengths, directions, weights)
        (self.cosines, self.channels, self.functions) = (cosines, channels, functions)
        (self.starts, self.activation) = (starts, activation)
        precondition(knots.count <= AngleRows.mostKnots && knots.count < functions, "\(knots.count) of \(functions) functions with knots")
        (self.knots, knotCount) = (.zero, knots.count)
        for (lane, knot) in knots.enumerated() { self.knots[lane] = T(knot) }
    }

    public static var mostKnots: Int { 4 }

    /// The bonds of a center.
    @inline(__always) func bonds(_ center: Int) -> Range<Int> { Int(starts[center])..<Int(starts[center + 1]) }

    /// The cosine of the angle of two bonds.
    @inline(__always) func cosine(_ a: Int, _ b: Int) -> T {
        let (u, v) = (directions + 3 * a, directions + 3 * b)
        return (u[0] * v[0]).addingProduct(u[1], v[1]).addingProduct(u[2], v[2])
    }
}

/// How many numbers of scratch memory the sums over angles of centers need.
public func angleScratchCount<T: KernelScalar>(_: T.Type, _ rows: AngleRows<T>, centers: Range<Int>) -> Int {
    AngleScratch<T>.count(rows, AngleScratch<T>.mostBonds(rows, centers))
}

/// S.
///
/// - Parameters:
///   - out: [bonds, C], of which those of the centers are written.
///   - scratch: `angleScratchCount` numbers, of any content.
@specialized(where T == Float)
@specialized(where T == Double)
public func sumOverAngles<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ rows: AngleRows<T>, centers: Range<Int>, scratch: UnsafeMutablePointer<T>
) {
    let numbers = AngleScratch<T>(scratch, rows, centers)
    let (lanes, channels) = (T.Vector.scalarCount, rows.channels)
    for center in centers {
        let bonds = rows.bonds(center)
        guard bonds.count > 1 else {
            (out + bonds.lowerBound * channels).update(repeating: 0, count: bonds.count * channels)
            continue
        }
        numbers.findArguments(rows, bonds)
        var values = ActivationOutputs<T>()
        values[0] = numbers.values
        applyActivation(values, numbers.arguments, rows.activation, count: numbers.argumentCount(bonds.count))
        for bond in 0..<bonds.count {
            (numbers.sums + bond * numbers.wide).update(repeating: 0, count: numbers.wide)
        }
        numbers.forEachAngle(bonds.count) { a, b, angle in
            let (ofFirst, ofSecond) = (
                T.Vector(repeating: rows.weights[bonds.lowerBound + b]), T.Vector(repeating: rows.weights[bonds.lowerBound + a])
            )
            let value = numbers.values + angle * numbers.wide
            let (first, second) = (numbers.sums + a * numbers.wide, numbers.sums + b * numbers.wide)
            for column in stride(from: 0, to: channels, by: lanes) {
                accumulate(first + column, ofFirst, load(value + column))
                accumulate(second + column, ofSecond, load(value + channels + column))
            }
        }
        for bond in 0..<bonds.count {
            copyNumbers(out + (bonds.lowerBound + bond) * channels, numbers.sums + bond * numbers.wide, count: channels)
        }
    }
}

/// The derivative of sum g S by P, Q, e and u, side by side.
///
/// - Parameters:
///   - out: [bonds, P Q e x y z], of which those of the centers are written.
///   - g: [bonds, C].
///   - scratch: `angleScratchCount` numbers, of any content.
@specialized(where T == Float)
@specialized(where T == Double)
public func differentiateAngleSums<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ rows: AngleRows<T>, _ g: UnsafePointer<T>, centers: Range<Int>,
    scratch: UnsafeMutablePointer<T>
) {
    let numbers = AngleScratch<T>(scratch, rows, centers)
    let (lanes, channels, wide) = (T.Vector.scalarCount, rows.channels, numbers.wide)
    for center in centers {
        let bonds = rows.bonds(center)
        guard bonds.count > 1 else {
            (out + bonds.lowerBound * (2 * channels + 4)).update(repeating: 0, count: bonds.count * (2 * channels + 4))
            continue
        }
        numbers.findArguments(rows, bonds)
        var values = ActivationOutputs<T>()
        (values[0], values[1]) = (numbers.values, numbers.slopes)
        applyActivation(values, numbers.arguments, rows.activation, count: numbers.argumentCount(bonds.count))
        numbers.clearSums(bonds.count)
        numbers.takeCotangents(g + bonds.lowerBound * channels, bonds.count, channels)
        differentiateArguments(numbers, rows, bonds)
        addDerivatives(numbers, rows, bonds)
        for bond in 0..<bonds.count {
            let row = numbers.row
            let (own, swapped) = (numbers.sums + bond * wide, numbers.swappedSums + bond * wide)
            // The last vector of the first half may reach into the second.
            for half in 0..<2 {
                for column in stride(from: 0, to: channels, by: lanes) {
                    let sum: T.Vector = load(own + half * channels + column)
                    store(sum + load(swapped + (1 - half) * channels + column), to: row + half * channels + column)
                }
            }
            let target = out + (bonds.lowerBound + bond) * (2 * channels + 4)
            copyNumbers(target, row, count: 2 * channels)
            target[2 * channels] = numbers.sumOfLanes(numbers.weightSums + bond * wide)
            for axis in 0..<3 { target[2 * channels + 1 + axis] = numbers.directionSums[3 * bond + axis] }
        }
    }
}

/// Adds factor times a vector to numbers in memory.
@inline(__always)
private func accumulate<T: KernelScalar>(_ sums: UnsafeMutablePointer<T>, _ factor: T.Vector, _ vector: T.Vector) {
    let sum: T.Vector = load(sums)
    store(sum.addingProduct(factor, vector), to: sums)
}

/// Replaces the slopes f' by the derivatives by the arguments z, and adds up those by the weights of bonds.
@inline(__always)
private func differentiateArguments<T: KernelScalar>(
    _ numbers: AngleScratch<T>, _ rows: AngleRows<T>, _ bonds: Range<Int>
) {
    let (lanes, channels, wide) = (T.Vector.scalarCount, rows.channels, numbers.wide)
    numbers.forEachAngle(bonds.count) { a, b, angle in
        let (ofFirst, ofSecond) = (
            T.Vector(repeating: rows.weights[bonds.lowerBound + b]), T.Vector(repeating: rows.weights[bonds.lowerBound + a])
        )
        let (value, slope) = (numbers.values + angle * wide, numbers.slopes + angle * wide)
        let derivative = numbers.arguments + angle * wide
        let (ga, gb) = (numbers.cotangents + a * wide, numbers.cotangents + b * wide)
        let (sumOfA, sumOfB) = (numbers.weightSums + a * wide, numbers.weightSums + b * wide)
        // The first half's last vector may reach into the second, which comes after it; cotangents are zero there.
        for column in stride(from: 0, to: channels, by: lanes) {
            let cotangent: T.Vector = load(ga + column)
            let change: T.Vector = load(slope + column)
            store(cotangent * ofFirst * change, to: derivative + column)
            accumulate(sumOfB + column, cotangent, load(value + column))
        }
        for column in stride(from: 0, to: channels, by: lanes) {
            let cotangent: T.Vector = load(gb + column)
            let change: T.Vector = load(slope + channels + column)
            store(cotangent * ofSecond * change, to: derivative + channels + column)
            accumulate(sumOfA + column, cotangent, load(value + channels + column))
        }
    }
}

/// Adds up the derivatives by bonds' rows and unit vectors.
@inline(__always)
private func addDerivatives<T: KernelScalar>(_ numbers: AngleScratch<T>, _ rows: AngleRows<T>, _ bonds: Range<Int>) {
    let (lanes, wide) = (T.Vector.scalarCount, numbers.wide)
    numbers.forEachAngle(bonds.count) { a, b, angle in
        numbers.findFunctions(rows, rows.cosine(bonds.lowerBound + a, bonds.lowerBound + b), derivatives: true)
        let derivative = numbers.arguments + angle * wide
        let (own, swapped) = (numbers.sums + a * wide, numbers.swappedSums + b * wide)
        var sum = T.Vector.zero
        for column in stride(from: 0, to: 2 * rows.channels, by: lanes) {
            let change: T.Vector = load(derivative + column)
            let (sumOfOwn, sumOfSwapped): (T.Vector, T.Vector) = (load(own + column), load(swapped + column))
            store(sumOfOwn + change, to: own + column)
            store(sumOfSwapped + change, to: swapped + column)
            var ofCosine = T.Vector.zero
            for k in 0..<rows.functions {
                ofCosine = ofCosine.addingProduct(
                    T.Vector(repeating: numbers.functions[k]), load(numbers.cosines + k * wide + column))
            }
            sum = sum.addingProduct(change, ofCosine)
        }
        let ofCosine = total(T.self, sum)
        let (u, v) = (rows.directions + 3 * (bonds.lowerBound + a), rows.directions + 3 * (bonds.lowerBound + b))
        for axis in 0..<3 {
            numbers.directionSums[3 * a + axis].addProduct(ofCosine, v[axis])
            numbers.directionSums[3 * b + axis].addProduct(ofCosine, u[axis])
        }
    }
}

/// The reference for `sumOverAngles`, in plain loops.
public func sumOverAnglesReference<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ rows: AngleRows<T>, centers: Range<Int>
) {
    let channels = rows.channels
    for center in centers {
        for a in rows.bonds(center) {
            for channel in 0..<channels {
                var sum: T = 0
                for b in rows.bonds(center) where b != a {
                    let x = rows.cosine(a, b)
                    var z = rows.lengths[a * 2 * channels + channel] + rows.lengths[b * 2 * channels + channels + channel]
                    var (t, before): (T, T) = (x, 1)
                    for k in 0..<rows.functions {
                        let knot = k - (rows.functions - rows.knotCount)
                        if knot >= 0 {
                            let beyond = max(0, x - rows.knots[knot])
                            let ratio = beyond / (beyond + T(RadialFunction.kneeWidth))
                            t = ratio * ratio * ratio
                        }
                        z += t * rows.cosines[k * channels + channel]
                        if knot < 0 { (t, before) = (2 * x * t - before, t) }
                    }
                    var value: T = 0
                    applyActivation(&value, &z, rows.activation, order: 0, count: 1)
                    sum += value * rows.weights[b]
                }
                out[a * channels + channel] = sum
            }
        }
    }
}
