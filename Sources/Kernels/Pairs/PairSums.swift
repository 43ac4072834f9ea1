// Sums of radial functions over the neighbors of atoms, and their derivatives by the atoms' places.
//
// Notation: a pair (i, j) is from the atom i to a neighbor j; d = x_j + s - x_i with the shift s between their cells,
// r = |d|, u = d / r; F_n(r) = a sqrt(2 / c) sin(k_n r) / r (1 - r^2 / c^2)^3 with k_n = n pi / c, zero from the cutoff c on;
// o the occupancy of an atom by an element e (1 where there is one element).
//
//     S[i, e, n] = sum over j of o[j, e] F_n(r)
//
// Both atoms of a pair have it in their lists, from either side: what a pair adds to the derivative by x_i is computed at i
// alone, from numbers of both, so that nothing is added up across atoms, and forces are opposite to the last bit but for
// the order of sums. Vectors hold one function of several pairs; the pairs of an atom go to the lanes in their order.

/// The functions F_n, n = 1...count.
public struct PairBasis: Hashable, Sendable {
    public var count: Int
    /// c, Angstrom.
    public var cutoff: Double
    /// a.
    public var amplitude: Double

    public init(count: Int, cutoff: Double, amplitude: Double) {
        (self.count, self.cutoff, self.amplitude) = (count, cutoff, amplitude)
    }
}

/// Atoms, their places and their neighbors, as the sums over pairs see them.
public struct PairRows<T: KernelScalar> {
    /// [rows, x y z], rows of other ranks too.
    public var places: UnsafePointer<T>
    /// [directions, x y z]
    public var shifts: UnsafePointer<T>
    /// [rows, elements]; nil for one element.
    public var occupancy: UnsafePointer<T>?
    public var elements: Int
    /// The first pair of each atom, and the end. [atoms + 1]
    public var starts: UnsafePointer<Int32>
    /// The row of j. [pairs]
    public var neighbors: UnsafePointer<Int32>
    /// The row of the pair's shift. [pairs]
    public var directions: UnsafePointer<Int32>

    public init(
        places: UnsafePointer<T>, shifts: UnsafePointer<T>, occupancy: UnsafePointer<T>?, elements: Int,
        starts: UnsafePointer<Int32>, neighbors: UnsafePointer<Int32>, directions: UnsafePointer<Int32>
    ) {
        (self.places, self.shifts, self.occupancy, self.elements) = (places, shifts, occupancy, elements)
        (self.starts, self.neighbors, self.directions) = (starts, neighbors, directions)
    }
}

/// How many numbers of scratch memory the sums need.
public func pairScratchCount<T: KernelScalar>(_: T.Type, _ basis: PairBasis, elements: Int) -> Int {
    PairScratch<T>.count(basis, elements)
}

/// S; or its derivative along given velocities of the atoms, the sum of o F'_n(r) u (v_j - v_i).
///
/// - Parameters:
///   - out: [atoms, elements, count], of which those of `atoms` are written.
///   - velocities: [rows, x y z]; nil for the sums themselves.
///   - scratch: `pairScratchCount` numbers, of any content.
@specialized(where T == Float)
@specialized(where T == Double)
public func sumOverPairs<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ rows: PairRows<T>, along velocities: UnsafePointer<T>?, _ basis: PairBasis,
    atoms: Range<Int>, scratch: UnsafeMutablePointer<T>
) {
    let numbers = PairScratch<T>(scratch, basis, rows.elements)
    let lanes = T.Vector.scalarCount
    let (columns, elements) = (basis.count, rows.elements)
    for atom in atoms {
        for column in 0..<(columns * elements) { numbers.sums[column] = .zero }
        let end = Int(rows.starts[atom + 1])
        var first = Int(rows.starts[atom])
        while first < end {
            let count = min(PairScratch<T>.width, end - first)
            numbers.take(rows, atom, first..<(first + count), velocities)
            if let occupancy = rows.occupancy {
                for lane in 0..<count {
                    let row = occupancy + Int(rows.neighbors[first + lane]) * elements
                    for element in 0..<elements { numbers.coefficients(element)[lane] = row[element] }
                }
            }
            for start in stride(from: 0, to: count, by: lanes) {
                let pair = RadialPair<T>(numbers, start, numbers.cutoff, numbers.scale)
                let closing = velocities == nil ? T.Vector(repeating: 1) : numbers.closing(start, pair)
                // With the weights of sine and cosine, without and with k_n.
                let ofSine = (velocities == nil ? pair.h : pair.h1) * closing
                let ofCosine = velocities == nil ? T.Vector.zero : pair.h * closing
                var wave = RadialWaves(pair, numbers)
                for n in 0..<columns {
                    let value = (wave.sine * ofSine).addingProduct(wave.k * wave.cosine, ofCosine)
                    wave.advance()
                    if rows.occupancy == nil {
                        numbers.sums[n] += value
                    } else {
                        for element in 0..<elements {
                            let weight: T.Vector = load(numbers.coefficients(element) + start)
                            numbers.sums[element * columns + n] += weight * value
                        }
                    }
                }
            }
            first += count
        }
        let target = out + atom * columns * elements
        for column in 0..<(columns * elements) { target[column] = total(T.self, numbers.sums[column]) }
    }
}

/// The derivative of sum g S by each atom's place: minus the sum over j of Q'(r) u with
/// Q = sum over e and n of (g[i, e, n] o[j, e] + g[j, e, n] o[i, e]) F_n; or, with velocities, the derivative of that along
/// them: minus the sum of (Q'' - Q' / r) (u v) u + Q' / r v for v = v_j - v_i.
///
/// - Parameters:
///   - out: [atoms, x y z], of which those of `atoms` are written.
///   - g: [rows, elements, count].
///   - velocities: [rows, x y z]; nil for the first derivative.
///   - scratch: `pairScratchCount` numbers, of any content.
@specialized(where T == Float)
@specialized(where T == Double)
public func differentiatePairSums<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ rows: PairRows<T>, _ g: UnsafePointer<T>, along velocities: UnsafePointer<T>?,
    _ basis: PairBasis, atoms: Range<Int>, scratch: UnsafeMutablePointer<T>
) {
    let numbers = PairScratch<T>(scratch, basis, rows.elements)
    let lanes = T.Vector.scalarCount
    let columns = basis.count
    for atom in atoms {
        var (fx, fy, fz) = (T.Vector.zero, T.Vector.zero, T.Vector.zero)
        let end = Int(rows.starts[atom + 1])
        var first = Int(rows.starts[atom])
        while first < end {
            let count = min(PairScratch<T>.width, end - first)
            numbers.take(rows, atom, first..<(first + count), velocities)
            numbers.takeCoefficients(rows, g, atom, first..<(first + count), columns)
            for start in stride(from: 0, to: count, by: lanes) {
                let pair = RadialPair<T>(numbers, start, numbers.cutoff, numbers.scale)
                var (slope, curvature) = (T.Vector.zero, T.Vector.zero)
                var wave = RadialWaves(pair, numbers)
                for n in 0..<columns {
                    let coefficient: T.Vector = load(numbers.coefficients(n) + start)
                    let (sine, cosine, k) = (wave.sine, wave.cosine, wave.k)
                    wave.advance()
                    let value = (sine * pair.h1).addingProduct(k * cosine, pair.h)
                    slope = slope.addingProduct(coefficient, value)
                    if velocities != nil {
                        let second = sine * (pair.h2 - k * k * pair.h) + (k + k) * cosine * pair.h1
                        curvature = curvature.addingProduct(coefficient, second)
                    }
                }
                let push = slope * pair.inverse
                let (x, y, z) = (numbers.vector(0, start), numbers.vector(1, start), numbers.vector(2, start))
                if velocities == nil {
                    fx = fx.addingProduct(push, x)
                    fy = fy.addingProduct(push, y)
                    fz = fz.addingProduct(push, z)
                } else {
                    let along = (curvature - push) * numbers.closing(start, pair) * pair.inverse
                    fx = fx.addingProduct(along, x).addingProduct(push, numbers.vector(3, start))
                    fy = fy.addingProduct(along, y).addingProduct(push, numbers.vector(4, start))
                    fz = fz.addingProduct(along, z).addingProduct(push, numbers.vector(5, start))
                }
            }
            first += count
        }
        let target = out + 3 * atom
        target[0] = -total(T.self, fx)
        target[1] = -total(T.self, fy)
        target[2] = -total(T.self, fz)
    }
}

/// The reference for `sumOverPairs` without velocities, in plain loops.
public func sumOverPairsReference<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ rows: PairRows<T>, _ basis: PairBasis, atoms: Range<Int>
) {
    let cutoff = T(basis.cutoff)
    for atom in atoms {
        let target = out + atom * rows.elements * basis.count
        target.update(repeating: 0, count: rows.elements * basis.count)
        for pair in Int(rows.starts[atom])..<Int(rows.starts[atom + 1]) {
            let (other, direction) = (Int(rows.neighbors[pair]), Int(rows.directions[pair]))
            var square: T = 0
            for axis in 0..<3 {
                let d = rows.places[3 * other + axis] + rows.shifts[3 * direction + axis] - rows.places[3 * atom + axis]
                square += d * d
            }
            let r = square.squareRoot()
            guard r < cutoff else { continue }
            let u = 1 - square / (cutoff * cutoff)
            for n in 0..<basis.count {
                let angle = T.Vector(repeating: T(n + 1) * r / cutoff)
                let value = T(basis.amplitude) * (2 / cutoff).squareRoot()
                    * sineAndCosine(T.self, halfTurns: angle).sine[0] / r * u * u * u
                for element in 0..<rows.elements {
                    let weight = rows.occupancy.map { $0[other * rows.elements + element] } ?? 1
                    target[element * basis.count + n] += weight * value
                }
            }
        }
    }
}
