/// The angles of one center and what is added up over them. Notation of `AngleSums`.
///
/// Rows have `wide` numbers: 2 C, up to whole vectors.
struct AngleScratch<T: KernelScalar> {
    let wide: Int
    /// [K, U U 0]
    let cosines: UnsafeMutablePointer<T>
    /// T_k, or their derivatives. [K]
    let functions: UnsafeMutablePointer<T>
    /// [P | Q | 0] of each bond, and [Q | P | 0].
    private let own, swapped: UnsafeMutablePointer<T>
    /// Of each bond: sums for the row [P | Q], or of S.
    let sums: UnsafeMutablePointer<T>
    /// Of each bond: sums for the row [Q | P].
    let swappedSums: UnsafeMutablePointer<T>
    /// Of each bond: g, zero from C on.
    let cotangents: UnsafeMutablePointer<T>
    /// Of each bond: parts of the derivative by e.
    let weightSums: UnsafeMutablePointer<T>
    /// [bonds, x y z]
    let directionSums: UnsafeMutablePointer<T>
    /// One row.
    let row: UnsafeMutablePointer<T>
    /// z of each angle, and what becomes of it.
    let arguments: UnsafeMutablePointer<T>
    /// f of each angle.
    let values: UnsafeMutablePointer<T>
    /// f' of each angle.
    let slopes: UnsafeMutablePointer<T>

    static func mostBonds(_ rows: AngleRows<T>, _ centers: Range<Int>) -> Int {
        var most = 0
        for center in centers { most = max(most, rows.bonds(center).count) }
        return most
    }

    @inline(__always)
    private static func wide(_ rows: AngleRows<T>) -> Int {
        let lanes = T.Vector.scalarCount
        return (2 * rows.channels + lanes - 1) / lanes * lanes
    }

    static func count(_ rows: AngleRows<T>, _ bonds: Int) -> Int {
        // A vector behind each of the last arrays may be written.
        let wide = wide(rows)
        let ofBonds = 6 * wide + 3
        let ofAngles = 3 * wide
        return rows.functions * (wide + 1) + bonds * ofBonds + wide + bonds * (bonds - 1) / 2 * ofAngles
            + 8 * T.Vector.scalarCount
    }

    @inline(__always)
    init(_ memory: UnsafeMutablePointer<T>, _ rows: AngleRows<T>, _ centers: Range<Int>) {
        let bonds = AngleScratch.mostBonds(rows, centers)
        let wide = AngleScratch.wide(rows)
        memory.update(repeating: 0, count: AngleScratch.count(rows, bonds))
        let margin = T.Vector.scalarCount
        self.wide = wide
        cosines = memory
        own = cosines + rows.functions * wide
        swapped = own + bonds * wide
        sums = swapped + bonds * wide
        swappedSums = sums + bonds * wide
        cotangents = swappedSums + bonds * wide
        weightSums = cotangents + bonds * wide
        row = weightSums + bonds * wide + margin
        arguments = row + wide + margin
        values = arguments + bonds * (bonds - 1) / 2 * wide + margin
        slopes = values + bonds * (bonds - 1) / 2 * wide + margin
        functions = slopes + bonds * (bonds - 1) / 2 * wide + margin
        directionSums = functions + rows.functions
        for k in 0..<rows.functions {
            for half in 0..<2 {
                (cosines + k * wide + half * rows.channels).update(
                    from: rows.cosines + k * rows.channels, count: rows.channels)
            }
        }
    }

    /// The numbers of all angles' rows.
    @inline(__always) func argumentCount(_ bonds: Int) -> Int { bonds * (bonds - 1) / 2 * wide }

    /// Calls `body` with the bonds of each angle, counted from the center's first, and the angle's number.
    @inline(__always)
    func forEachAngle(_ bonds: Int, _ body: (Int, Int, Int) -> Void) {
        var angle = 0
        for a in 0..<bonds {
            for b in (a + 1)..<bonds {
                body(a, b, angle)
                angle += 1
            }
        }
    }

    /// T_1...T_K at x, or their derivatives.
    @inline(__always)
    func findFunctions(_ rows: AngleRows<T>, _ x: T, derivatives: Bool) {
        let count = rows.functions - rows.knotCount
        var (t, before): (T, T) = (x, 1)
        var (slope, slopeBefore): (T, T) = (1, 0)
        for k in 0..<count {
            functions[k] = derivatives ? slope : t
            (slope, slopeBefore) = ((t + t).addingProduct(x + x, slope) - slopeBefore, slope)
            (t, before) = ((x + x) * t - before, t)
        }
        let scale = T(1 / RadialFunction.kneeWidth)
        for knot in 0..<rows.knotCount {
            // As `RadialFunction`'s.
            let u = max(0, (x - rows.knots[knot]) * scale)
            let q = 1 / (1 + u)
            let v = u * q
            functions[count + knot] = derivatives ? 3 * scale * v * v * q * q : v * v * v
        }
    }

    /// z of every angle of a center.
    @inline(__always)
    func findArguments(_ rows: AngleRows<T>, _ bonds: Range<Int>) {
        let (lanes, channels) = (T.Vector.scalarCount, rows.channels)
        for bond in 0..<bonds.count {
            let source = rows.lengths + (bonds.lowerBound + bond) * 2 * channels
            copyNumbers(own + bond * wide, source, count: 2 * channels)
            copyNumbers(swapped + bond * wide, source + channels, count: channels)
            copyNumbers(swapped + bond * wide + channels, source, count: channels)
        }
        forEachAngle(bonds.count) { a, b, angle in
            findFunctions(rows, rows.cosine(bonds.lowerBound + a, bonds.lowerBound + b), derivatives: false)
            let (first, second, target) = (own + a * wide, swapped + b * wide, arguments + angle * wide)
            for column in stride(from: 0, to: 2 * channels, by: lanes) {
                var z: T.Vector = load(first + column)
                z += load(second + column)
                for k in 0..<rows.functions {
                    z = z.addingProduct(T.Vector(repeating: functions[k]), load(cosines + k * wide + column))
                }
                store(z, to: target + column)
            }
        }
    }

    @inline(__always)
    func clearSums(_ bonds: Int) {
        sums.update(repeating: 0, count: bonds * wide)
        swappedSums.update(repeating: 0, count: bonds * wide)
        weightSums.update(repeating: 0, count: bonds * wide)
        directionSums.update(repeating: 0, count: bonds * 3)
    }

    @inline(__always)
    func takeCotangents(_ g: UnsafePointer<T>, _ bonds: Int, _ channels: Int) {
        for bond in 0..<bonds {
            copyNumbers(cotangents + bond * wide, g + bond * channels, count: channels)
        }
    }

    /// The sum of a row.
    @inline(__always)
    func sumOfLanes(_ row: UnsafePointer<T>) -> T {
        var sum = T.Vector.zero
        for column in stride(from: 0, to: wide, by: T.Vector.scalarCount) { sum += load(row + column) }
        return total(T.self, sum)
    }
}

/// Copies a short row, without the call of a function where it has a vector.
@inline(__always)
func copyNumbers<T: KernelScalar>(_ target: UnsafeMutablePointer<T>, _ source: UnsafePointer<T>, count: Int) {
    let lanes = T.Vector.scalarCount
    guard count >= lanes else { return target.update(from: source, count: count) }
    var first = 0
    while first + lanes <= count {
        store(load(source + first), to: target + first)
        first += lanes
    }
    // The last vector overlaps the one before.
    store(load(source + (count - lanes)), to: target + (count - lanes))
}
