// Rows taken from, or added up into, rows of another table.
//
// A row's last vector is stored whole where the rows behind it are stored later and put right what is too much.

/// out[r] = x[rows[r]] for each of `count` rows of `columns` numbers.
@specialized(where T == Float)
@specialized(where T == Double)
public func gatherRows<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, rows: UnsafePointer<Int32>, count: Int, columns: Int
) {
    let lanes = T.Vector.scalarCount
    let whole = max(count - (lanes + columns - 1) / columns, 0)
    for row in 0..<whole {
        let source = x + Int(rows[row]) * columns
        let target = out + row * columns
        var column = 0
        while column < columns {
            store(load(source + column), to: target + column)
            column += lanes
        }
    }
    for row in whole..<count {
        (out + row * columns).update(from: x + Int(rows[row]) * columns, count: columns)
    }
}

/// out[r] = the sum of x[order[p]] over p in starts[r]..<starts[r + 1], in that order; zero for an empty range.
@specialized(where T == Float)
@specialized(where T == Double)
public func collectRows<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, order: UnsafePointer<Int32>, starts: UnsafePointer<Int32>,
    count: Int, columns: Int
) {
    let lanes = T.Vector.scalarCount
    let whole = max(count - (lanes + columns - 1) / columns, 0)
    for row in 0..<count {
        let (first, end) = (Int(starts[row]), Int(starts[row + 1]))
        let target = out + row * columns
        var column = 0
        while column < columns {
            var sum = T.Vector.zero
            var place = first
            while place < end {
                sum += load(x + Int(order[place]) * columns + column)
                place += 1
            }
            if row < whole || column + lanes <= columns {
                store(sum, to: target + column)
            } else {
                storePartial(sum, to: target + column, count: columns - column)
            }
            column += lanes
        }
    }
}
