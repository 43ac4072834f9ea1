// Elementwise kernels. Tails are computed in a full vector and stored in part, so an element's bits do not depend on
// its place; buffers have the readable margin that the last load may touch.
//
// What a loop computes is a type, not a closure: the compiler calls closures of generic functions vector by vector.

private protocol BinaryRule {
    static func apply<T: KernelScalar>(_: T.Type, _ a: T.Vector, _ b: T.Vector) -> T.Vector
}

private enum Sum: BinaryRule {
    @inline(__always) static func apply<T: KernelScalar>(_: T.Type, _ a: T.Vector, _ b: T.Vector) -> T.Vector { a + b }
}

private enum Difference: BinaryRule {
    @inline(__always) static func apply<T: KernelScalar>(_: T.Type, _ a: T.Vector, _ b: T.Vector) -> T.Vector { a - b }
}

private enum Product: BinaryRule {
    @inline(__always) static func apply<T: KernelScalar>(_: T.Type, _ a: T.Vector, _ b: T.Vector) -> T.Vector { a * b }
}

@inline(__always)
private func combine<T: KernelScalar, Rule: BinaryRule>(
    _: Rule.Type, _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ count: Int
) {
    let lanes = T.Vector.scalarCount
    var index = 0
    while index + lanes <= count {
        store(Rule.apply(T.self, load(a + index), load(b + index)), to: out + index)
        index += lanes
    }
    if index < count {
        storePartial(Rule.apply(T.self, load(a + index), load(b + index)), to: out + index, count: count - index)
    }
}

/// out = a + b.
@specialized(where T == Float)
@specialized(where T == Double)
public func add<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, count: Int
) {
    combine(Sum.self, out, a, b, count)
}

/// out = a - b.
@specialized(where T == Float)
@specialized(where T == Double)
public func subtract<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, count: Int
) {
    combine(Difference.self, out, a, b, count)
}

/// out = a b.
@specialized(where T == Float)
@specialized(where T == Double)
public func multiply<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, count: Int
) {
    combine(Product.self, out, a, b, count)
}

/// out = factor a + offset.
@specialized(where T == Float)
@specialized(where T == Double)
public func affine<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, factor: T, offset: T, count: Int
) {
    let factor = T.Vector(repeating: factor)
    let offset = T.Vector(repeating: offset)
    let lanes = T.Vector.scalarCount
    var index = 0
    while index + lanes <= count {
        store(offset.addingProduct(factor, load(a + index)), to: out + index)
        index += lanes
    }
    if index < count { storePartial(offset.addingProduct(factor, load(a + index)), to: out + index, count: count - index) }
}

/// out[r, c] = a[r, c] + row[c].
@specialized(where T == Float)
@specialized(where T == Double)
public func addRow<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, _ row: UnsafePointer<T>, rows: Int, columns: Int
) {
    for r in 0..<rows { combine(Sum.self, out + r * columns, a + r * columns, row, columns) }
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
    let lanes = T.Vector.scalarCount
    if columns < lanes { return scaleShortRows(out, a, column, rows, columns) }
    for r in 0..<rows {
        let factor = T.Vector(repeating: column[r])
        let (source, target) = (a + r * columns, out + r * columns)
        var index = 0
        while index + lanes <= columns {
            store(load(source + index) * factor, to: target + index)
            index += lanes
        }
        if index < columns { storePartial(load(source + index) * factor, to: target + index, count: columns - index) }
    }
}

/// Rows of less than a vector are stored as a whole one, for what is too much is that of rows that are stored after it;
/// not so where `out` is `a`, whose rows are yet to be read.
@inline(__always)
private func scaleShortRows<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ a: UnsafePointer<T>, _ column: UnsafePointer<T>, _ rows: Int, _ columns: Int
) {
    // Rows from here on end within a vector of the last one's end.
    let last = UnsafePointer(out) == a ? 0 : max(rows - T.Vector.scalarCount / columns - 1, 0)
    for r in 0..<last {
        store(load(a + r * columns) * T.Vector(repeating: column[r]), to: out + r * columns)
    }
    for r in last..<rows {
        let (source, target) = (a + r * columns, out + r * columns)
        for index in 0..<columns { target[index] = source[index] * column[r] }
    }
}
