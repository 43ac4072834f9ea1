/// Some pairs of one atom with their numbers side by side, where vectors can be loaded. Notation of `PairSums`.
struct PairScratch<T: KernelScalar> {
    /// Numbers of a row.
    @inline(__always) static var width: Int { 4 * T.Vector.scalarCount }

    /// Rows: d x y z, v x y z, then as many as there are coefficients. [rows, width]
    private let base: UnsafeMutablePointer<T>
    /// [elements, count]
    let sums: UnsafeMutablePointer<T.Vector>
    let cutoff: T
    /// a sqrt(2 / c).
    let scale: T
    /// pi / c.
    let wave: T

    static func count(_ basis: PairBasis, _ elements: Int) -> Int {
        (6 + max(basis.count, elements)) * width + basis.count * elements * T.Vector.scalarCount
    }

    @inline(__always)
    init(_ memory: UnsafeMutablePointer<T>, _ basis: PairBasis, _ elements: Int) {
        base = memory
        memory.update(repeating: 0, count: PairScratch.count(basis, elements))
        let behind = memory + (6 + max(basis.count, elements)) * PairScratch.width
        sums = UnsafeMutableRawPointer(behind).assumingMemoryBound(to: T.Vector.self)
        cutoff = T(basis.cutoff)
        scale = T(basis.amplitude) * (2 / cutoff).squareRoot()
        wave = T.pi / cutoff
    }

    @inline(__always) func vector(_ row: Int, _ lane: Int) -> T.Vector { load(base + row * PairScratch.width + lane) }
    @inline(__always) func coefficients(_ index: Int) -> UnsafeMutablePointer<T> { base + (6 + index) * PairScratch.width }

    /// Takes the differences of some pairs of an atom.
    @inline(__always)
    func take(_ rows: PairRows<T>, _ atom: Int, _ pairs: Range<Int>, _ velocities: UnsafePointer<T>?) {
        let width = PairScratch.width
        let own = rows.places + 3 * atom
        let (x, y, z) = (own[0], own[1], own[2])
        for lane in 0..<pairs.count {
            let other = rows.places + 3 * Int(rows.neighbors[pairs.lowerBound + lane])
            let shift = rows.shifts + 3 * Int(rows.directions[pairs.lowerBound + lane])
            base[lane] = (other[0] - x) + shift[0]
            base[width + lane] = (other[1] - y) + shift[1]
            base[2 * width + lane] = (other[2] - z) + shift[2]
        }
        if let velocities {
            let own = velocities + 3 * atom
            for lane in 0..<pairs.count {
                let other = velocities + 3 * Int(rows.neighbors[pairs.lowerBound + lane])
                for axis in 0..<3 { base[(3 + axis) * width + lane] = other[axis] - own[axis] }
            }
        }
        // Lanes without a pair have one beyond the cutoff.
        let lanes = T.Vector.scalarCount
        for lane in pairs.count..<((pairs.count + lanes - 1) / lanes * lanes) {
            base[lane] = cutoff + cutoff
            base[width + lane] = 0
            base[2 * width + lane] = 0
        }
    }

    /// Takes sum over e of g[i, e, n] o[j, e] + g[j, e, n] o[i, e] for each n.
    @inline(__always)
    func takeCoefficients(
        _ rows: PairRows<T>, _ g: UnsafePointer<T>, _ atom: Int, _ pairs: Range<Int>, _ columns: Int
    ) {
        let stride = columns * rows.elements
        let own = g + atom * stride
        for lane in 0..<pairs.count {
            let neighbor = Int(rows.neighbors[pairs.lowerBound + lane])
            let other = g + neighbor * stride
            if let occupancy = rows.occupancy {
                let (here, there) = (occupancy + atom * rows.elements, occupancy + neighbor * rows.elements)
                for n in 0..<columns {
                    var sum: T = 0
                    for element in 0..<rows.elements {
                        sum += own[element * columns + n] * there[element] + other[element * columns + n] * here[element]
                    }
                    coefficients(n)[lane] = sum
                }
            } else {
                for n in 0..<columns { coefficients(n)[lane] = own[n] + other[n] }
            }
        }
    }

    /// u (v_j - v_i).
    @inline(__always)
    func closing(_ lane: Int, _ pair: RadialPair<T>) -> T.Vector {
        let sum = (vector(0, lane) * vector(3, lane)).addingProduct(vector(1, lane), vector(4, lane))
            .addingProduct(vector(2, lane), vector(5, lane))
        return sum * pair.inverse
    }
}

/// What the functions of a vector of pairs share: F_n = sin(k_n r) h(r) with h = a sqrt(2 / c) (1 - r^2 / c^2)^3 / r.
struct RadialPair<T: KernelScalar> {
    /// 1 / r.
    let inverse: T.Vector
    /// h and its first two derivatives.
    let h, h1, h2: T.Vector
    /// Of the angle pi r / c.
    let sine, cosine: T.Vector

    @inline(__always)
    init(_ numbers: PairScratch<T>, _ lane: Int, _ cutoff: T, _ scale: T) {
        let (x, y, z) = (numbers.vector(0, lane), numbers.vector(1, lane), numbers.vector(2, lane))
        let square = (x * x).addingProduct(y, y).addingProduct(z, z)
        let r = square.squareRoot()
        inverse = T.Vector(repeating: 1) / r
        let perSquare = T.Vector(repeating: 1 / (cutoff * cutoff))
        let q = square * perSquare
        let u = positivePart(T.self, T.Vector(repeating: 1) - q)
        let steep = T.Vector(repeating: -6 * scale) * u * perSquare
        h = T.Vector(repeating: scale) * u * u * u * inverse
        h1 = (steep * u * r - h) * inverse
        h2 = (steep * (u - T.Vector(repeating: 4) * q) - (h1 + h1)) * inverse
        (sine, cosine) = sineAndCosine(T.self, halfTurns: r * T.Vector(repeating: 1 / cutoff))
    }
}

/// sin(k_n r) and cos(k_n r) for n = 1, 2...
struct RadialWaves<T: KernelScalar> {
    private(set) var sine, cosine, k: T.Vector
    private var sineBefore, cosineBefore: T.Vector
    private let twice, first: T.Vector

    @inline(__always)
    init(_ pair: RadialPair<T>, _ numbers: PairScratch<T>) {
        (sine, sineBefore) = (pair.sine, .zero)
        (cosine, cosineBefore) = (pair.cosine, T.Vector(repeating: 1))
        twice = pair.cosine + pair.cosine
        first = T.Vector(repeating: numbers.wave)
        k = first
    }

    /// Goes on to the next n.
    @inline(__always)
    mutating func advance() {
        (sine, sineBefore) = (twice * sine - sineBefore, sine)
        (cosine, cosineBefore) = (twice * cosine - cosineBefore, cosine)
        k += first
    }
}
