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
    for r in 0..<rows {
        let left = a + r * columns
        let right = b + r * columns
        var sum = T.Vector.zero
        var column = 0
        while column + lanes <= columns {
            sum = sum.addingProduct(load(left + column), load(right + column))
            column += lanes
        }
        var total = sum.sum()
        while column < columns {
            total.addProduct(left[column], right[column])
            column += 1
        }
        out[r] = total
    }
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
        var total = sum.sum()
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
