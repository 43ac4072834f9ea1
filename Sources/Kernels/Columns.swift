// Moves between tables of different width.

/// out[r, c] = a[r, first + c] for c in 0..<columns.
@specialized(where T == Float)
@specialized(where T == Double)
public func sliceColumns<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, rows: Int, columns: Int, first: Int, total: Int
) {
    for r in 0..<rows { (out + r * columns).update(from: a + r * total + first, count: columns) }
}

/// out[r, first + c] = a[r, c], and zero in the other columns of `total`.
@specialized(where T == Float)
@specialized(where T == Double)
public func padColumns<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, rows: Int, columns: Int, first: Int, total: Int
) {
    out.update(repeating: 0, count: rows * total)
    for r in 0..<rows { (out + r * total + first).update(from: a + r * columns, count: columns) }
}

/// out[r, first + c] = a[r, c]; the other columns stay.
@specialized(where T == Float)
@specialized(where T == Double)
public func placeColumns<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, rows: Int, columns: Int, first: Int, total: Int
) {
    for r in 0..<rows { (out + r * total + first).update(from: a + r * columns, count: columns) }
}

/// out = value.
@specialized(where T == Float)
@specialized(where T == Double)
public func fill<T: KernelScalar>(_ out: UnsafeMutablePointer<T>, with value: T, count: Int) {
    out.update(repeating: value, count: count)
}

/// out = a.
@specialized(where T == Float)
@specialized(where T == Double)
public func copy<T: KernelScalar>(_ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, count: Int) {
    out.update(from: a, count: count)
}
