// Products of rows with a small matrix: the 1x1x1 convolution, and the convolution over occupied cells only, which
// is one such product for each offset of the kernel.
//
// Notation: x [rows, I] input, w [I, O] weights (O fastest), y [rows, O] output; p counts pairs of an output row and
// an input row. Each output is summed over i in ascending order with fused multiply-adds, starting from what y held
// (or zero), whatever the tile it falls into: the same row gives the same bits in any batch.

/// A list of (output row, input row) pairs; nil lists mean row p itself.
public struct RowPairs {
    public var outputRows: UnsafePointer<Int32>?
    public var inputRows: UnsafePointer<Int32>?
    public var count: Int

    /// Pairs by index lists. An output row occurs at most once.
    public init(outputRows: UnsafePointer<Int32>?, inputRows: UnsafePointer<Int32>?, count: Int) {
        self.outputRows = outputRows
        self.inputRows = inputRows
        self.count = count
    }

    /// Row p with row p, for the rows in `0..<count`.
    public init(identity count: Int) { self.init(outputRows: nil, inputRows: nil, count: count) }

    @inline(__always) func output(_ pair: Int) -> Int { outputRows.map { Int($0[pair]) } ?? pair }
    @inline(__always) func input(_ pair: Int) -> Int { inputRows.map { Int($0[pair]) } ?? pair }
}

/// y[output(p)] (+)= x[input(p)] w for every pair p.
///
/// - Parameters:
///   - y: [rows, O]; with `accumulating` its content is added to, else overwritten (in the rows of the pairs).
///   - x: [rows, I].
///   - w: [I, O]; up to one vector behind its end is read.
@specialized(where T == Float)
@specialized(where T == Double)
public func multiplyRows<T: KernelScalar>(
    _ y: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, _ w: UnsafePointer<T>,
    inputs: Int, outputs: Int, pairs: RowPairs, accumulating: Bool
) {
    let pattern = PairPattern(pairs: pairs)
    var column = 0
    if InstructionSet.vectorBytes == 64 {
        while outputs - column >= Panel4<T>.width {
            multiplyPanel(Panel4<T>.self, y, x, w, inputs, outputs, column, 0..<pairs.count, pattern, accumulating)
            column += Panel4<T>.width
        }
        if outputs - column >= Panel2<T>.width {
            multiplyPanel(Panel2<T>.self, y, x, w, inputs, outputs, column, 0..<pairs.count, pattern, accumulating)
            column += Panel2<T>.width
        }
    }
    while outputs - column >= Panel1<T>.width {
        multiplyPanel(Panel1<T>.self, y, x, w, inputs, outputs, column, 0..<pairs.count, pattern, accumulating)
        column += Panel1<T>.width
    }
    if outputs - column >= HalfPanel<T>.width {
        multiplyPanel(HalfPanel<T>.self, y, x, w, inputs, outputs, column, 0..<pairs.count, pattern, accumulating)
        column += HalfPanel<T>.width
    }
    if column < outputs {
        multiplyPanel(PartialPanel<T>.self, y, x, w, inputs, outputs, column, 0..<pairs.count, pattern, accumulating)
    }
}

/// Pairs: one term.
private struct PairPattern: RowPattern {
    let pairs: RowPairs

    @inline(__always) var terms: Int { 1 }
    @inline(__always) func output(_ row: Int) -> Int { pairs.output(row) }
    @inline(__always) func input(_ row: Int, _: Int) -> Int { pairs.input(row) }
    @inline(__always) func slab(_: Int) -> Int { 0 }
}

/// The reference for `multiplyRows`, in plain loops.
public func multiplyRowsReference<T: KernelScalar>(
    _ y: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, _ w: UnsafePointer<T>,
    inputs: Int, outputs: Int, pairs: RowPairs, accumulating: Bool
) {
    for pair in 0..<pairs.count {
        for o in 0..<outputs {
            var sum = accumulating ? y[pairs.output(pair) * outputs + o] : 0
            for i in 0..<inputs { sum.addProduct(x[pairs.input(pair) * inputs + i], w[i * outputs + o]) }
            y[pairs.output(pair) * outputs + o] = sum
        }
    }
}
