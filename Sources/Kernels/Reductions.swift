// Sums in one fixed order.

/// out[c] = sum over r of a[r, c], r ascending.
@specialized(where T == Float)
@specialized(where T == Double)
public func sumRows<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, rows: Int, columns: Int
) {
    let lanes = T.Vector.scalarCount
    var column = 0
    while column < columns {
        var sum = T.Vector.zero
        for r in 0..<rows { sum += load(a + r * columns + column) }
        storePartial(sum, to: out + column, count: min(lanes, columns - column))
        column += lanes
    }
}

/// out[r] = sum over c of a[r, c] b[r, c]: lanes in order, then the lanes' sums.
@specialized(where T == Float)
@specialized(where T == Double)
public func dotRows<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, rows: Int, columns: Int
) {
    let lanes = T.Vector.scalarCount
    if columns < lanes { return dotShortRows(out, a, b, rows, columns) }
    for r in 0..<rows {
        let left = a + r * columns
        let right = b + r * columns
        var sum = T.Vector.zero
        var column = 0
        while column + lanes <= columns {
            sum = sum.addingProduct(load(left + column), load(right + column))
            column += lanes
        }
        var total = total(T.self, sum)
        while column < columns {
            total.addProduct(left[column], right[column])
            column += 1
        }
        out[r] = total
    }
}

/// Rows of less than a vector.
@inline(__always)
private func dotShortRows<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ rows: Int, _ columns: Int
) {
    if columns == 3 {
        for r in 0..<rows {
            let (left, right) = (a + 3 * r, b + 3 * r)
            out[r] = (left[0] * right[0]).addingProduct(left[1], right[1]).addingProduct(left[2], right[2])
        }
        return
    }
    var isInRow = SIMDMask<T.Vector.MaskStorage>(repeating: false)
    for column in 0..<columns { isInRow[column] = true }
    for r in 0..<rows {
        let product: T.Vector = load(a + r * columns) * load(b + r * columns)
        out[r] = total(T.self, T.Vector.zero.replacing(with: product, where: isInRow))
    }
}

/// The sum of the lanes, by halves.
@inline(__always)
func total<T: KernelScalar>(_: T.Type, _ vector: T.Vector) -> T {
    let halves = unsafeBitCast(vector, to: (T.HalfVector, T.HalfVector).self)
    let quarters = unsafeBitCast(halves.0 + halves.1, to: (T.QuarterVector, T.QuarterVector).self)
    let quarter = quarters.0 + quarters.1
    let pair = quarter[0] + quarter[1]
    return T.QuarterVector.scalarCount == 4 ? pair + (quarter[2] + quarter[3]) : pair
}

/// out[r] = sum over c of a[r, c].
@specialized(where T == Float)
@specialized(where T == Double)
public func sumColumns<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, rows: Int, columns: Int
) {
    let lanes = T.Vector.scalarCount
    for r in 0..<rows {
        let row = a + r * columns
        var sum = T.Vector.zero
        var column = 0
        while column + lanes <= columns {
            sum += load(row + column)
            column += lanes
        }
        var total = total(T.self, sum)
        while column < columns {
            total += row[column]
            column += 1
        }
        out[r] = total
    }
}

/// The sum of all elements, accumulated in double precision in ascending order.
@specialized(where T == Float)
@specialized(where T == Double)
public func sum<T: KernelScalar>(_ a: UnsafePointer<T>, count: Int) -> T {
    // Eight interleaved sums hide the latency of the addition.
    var sums = SIMD8<Double>.zero
    var index = 0
    while index + 8 <= count {
        for lane in 0..<8 { sums[lane] += Double(a[index + lane]) }
        index += 8
    }
    var total = sums.sum()
    while index < count {
        total += Double(a[index])
        index += 1
    }
    return T(total)
}
