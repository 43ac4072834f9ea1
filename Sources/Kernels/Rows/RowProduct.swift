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
    var column = 0
    while outputs - column >= Panel4<T>.width {
        multiplyPanel(Panel4<T>.self, y, x, w, inputs, outputs, column, pairs, accumulating)
        column += Panel4<T>.width
    }
    if outputs - column >= Panel2<T>.width {
        multiplyPanel(Panel2<T>.self, y, x, w, inputs, outputs, column, pairs, accumulating)
        column += Panel2<T>.width
    }
    if outputs - column >= Panel1<T>.width {
        multiplyPanel(Panel1<T>.self, y, x, w, inputs, outputs, column, pairs, accumulating)
        column += Panel1<T>.width
    }
    if column < outputs { multiplyLastColumns(y, x, w, inputs, outputs, column, pairs, accumulating) }
}

@inline(__always)
private func multiplyPanel<P: Panel>(
    _: P.Type, _ y: UnsafeMutablePointer<P.Scalar>, _ x: UnsafePointer<P.Scalar>, _ w: UnsafePointer<P.Scalar>,
    _ inputs: Int, _ outputs: Int, _ column: Int, _ pairs: RowPairs, _ accumulating: Bool
) {
    @inline(__always) func start(_ pair: Int) -> P {
        accumulating ? P(loading: y + pairs.output(pair) * outputs + column) : P()
    }
    var pair = 0
    // Six rows of four vectors, four of weights and one broadcast factor fill 29 of the 32 registers.
    while pair + 6 <= pairs.count {
        var y0 = start(pair), y1 = start(pair + 1), y2 = start(pair + 2)
        var y3 = start(pair + 3), y4 = start(pair + 4), y5 = start(pair + 5)
        let x0 = x + pairs.input(pair) * inputs, x1 = x + pairs.input(pair + 1) * inputs
        let x2 = x + pairs.input(pair + 2) * inputs, x3 = x + pairs.input(pair + 3) * inputs
        let x4 = x + pairs.input(pair + 4) * inputs, x5 = x + pairs.input(pair + 5) * inputs
        var weights = w + column
        for i in 0..<inputs {
            let row = P(loading: weights)
            y0.add(x0[i], times: row)
            y1.add(x1[i], times: row)
            y2.add(x2[i], times: row)
            y3.add(x3[i], times: row)
            y4.add(x4[i], times: row)
            y5.add(x5[i], times: row)
            weights += outputs
        }
        y0.store(to: y + pairs.output(pair) * outputs + column)
        y1.store(to: y + pairs.output(pair + 1) * outputs + column)
        y2.store(to: y + pairs.output(pair + 2) * outputs + column)
        y3.store(to: y + pairs.output(pair + 3) * outputs + column)
        y4.store(to: y + pairs.output(pair + 4) * outputs + column)
        y5.store(to: y + pairs.output(pair + 5) * outputs + column)
        pair += 6
    }
    while pair < pairs.count {
        var sum = start(pair)
        let factors = x + pairs.input(pair) * inputs
        var weights = w + column
        for i in 0..<inputs {
            sum.add(factors[i], times: P(loading: weights))
            weights += outputs
        }
        sum.store(to: y + pairs.output(pair) * outputs + column)
        pair += 1
    }
}

/// The columns that do not fill a vector: the same sums in the low lanes of one.
@inline(__always)
private func multiplyLastColumns<T: KernelScalar>(
    _ y: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, _ w: UnsafePointer<T>,
    _ inputs: Int, _ outputs: Int, _ column: Int, _ pairs: RowPairs, _ accumulating: Bool
) {
    let lanes = outputs - column
    for pair in 0..<pairs.count {
        let target = y + pairs.output(pair) * outputs + column
        var sum = T.Vector.zero
        if accumulating { for lane in 0..<lanes { sum[lane] = target[lane] } }
        let factors = x + pairs.input(pair) * inputs
        var weights = w + column
        for i in 0..<inputs {
            sum = sum.addingProduct(T.Vector(repeating: factors[i]), load(weights))
            weights += outputs
        }
        storePartial(sum, to: target, count: lanes)
    }
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
