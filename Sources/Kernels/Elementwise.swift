// Elementwise kernels. Tails are computed in a full vector and stored in part, so an element's bits do not depend on
// its place; buffers have the readable margin that the last load may touch.

@inline(__always)
private func forEachVector<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ count: Int, _ value: (Int) -> T.Vector
) {
    let lanes = T.Vector.scalarCount
    var index = 0
    while index + lanes <= count {
        store(value(index), to: out + index)
        index += lanes
    }
    if index < count { storePartial(value(index), to: out + index, count: count - index) }
}

/// out = a + b.
@specialized(where T == Float)
@specialized(where T == Double)
public func add<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, count: Int
) {
    forEachVector(out, count) { load(a + $0) + load(b + $0) }
}

/// out = a - b.
@specialized(where T == Float)
@specialized(where T == Double)
public func subtract<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, count: Int
) {
    forEachVector(out, count) { load(a + $0) - load(b + $0) }
}

/// out = a b.
@specialized(where T == Float)
@specialized(where T == Double)
public func multiply<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, count: Int
) {
    forEachVector(out, count) { load(a + $0) * load(b + $0) }
}

/// out = factor a + offset.
@specialized(where T == Float)
@specialized(where T == Double)
public func affine<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, factor: T, offset: T, count: Int
) {
    let factor = T.Vector(repeating: factor)
    let offset = T.Vector(repeating: offset)
    forEachVector(out, count) { offset.addingProduct(factor, load(a + $0)) }
}

/// out[r, c] = a[r, c] + row[c].
@specialized(where T == Float)
@specialized(where T == Double)
public func addRow<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, _ row: UnsafePointer<T>, rows: Int, columns: Int
) {
    for r in 0..<rows {
        let source = a + r * columns
        forEachVector(out + r * columns, columns) { load(source + $0) + load(row + $0) }
    }
}

/// out[r, c] = row[c].
@specialized(where T == Float)
@specialized(where T == Double)
public func repeatRow<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ row: UnsafePointer<T>, rows: Int, columns: Int
) {
    for r in 0..<rows { (out + r * columns).update(from: row, count: columns) }
}

/// out[r, c] = a[r, c] column[r].
@specialized(where T == Float)
@specialized(where T == Double)
public func scaleRows<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, _ column: UnsafePointer<T>, rows: Int, columns: Int
) {
    for r in 0..<rows {
        let factor = T.Vector(repeating: column[r])
        let source = a + r * columns
        forEachVector(out + r * columns, columns) { load(source + $0) * factor }
    }
}
