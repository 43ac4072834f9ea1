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
    if InstructionSet.vectorBytes == 64 {
        while outputs - column >= Panel4<T>.width {
            multiplyPanel(Panel4<T>.self, y, x, w, inputs, outputs, column, pairs, accumulating)
            column += Panel4<T>.width
        }
        if outputs - column >= Panel2<T>.width {
            multiplyPanel(Panel2<T>.self, y, x, w, inputs, outputs, column, pairs, accumulating)
            column += Panel2<T>.width
        }
    }
    while outputs - column >= Panel1<T>.width {
        multiplyPanel(Panel1<T>.self, y, x, w, inputs, outputs, column, pairs, accumulating)
        column += Panel1<T>.width
    }
    if column < outputs {
        multiplyPanel(PartialPanel<T>.self, y, x, w, inputs, outputs, column, pairs, accumulating)
    }
}

/// Rows of a panel that are summed together: as many as fit the registers beside a panel of weights and a factor.
@inline(__always)
private func rowsTogether<P: Panel>(_: P.Type) -> Int {
    if P.width == Panel4<P.Scalar>.width { return 6 }
    // Narrower vectors need two or four registers for a panel of one.
    return InstructionSet.vectorBytes == 64 ? 8 : InstructionSet.vectorBytes == 32 ? 6 : 2
}

@inline(__always)
private func multiplyPanel<P: Panel>(
    _: P.Type, _ y: UnsafeMutablePointer<P.Scalar>, _ x: UnsafePointer<P.Scalar>, _ w: UnsafePointer<P.Scalar>,
    _ inputs: Int, _ outputs: Int, _ column: Int, _ pairs: RowPairs, _ accumulating: Bool
) {
    let product = PanelProduct<P>(
        y: y + column, x: x, w: w + column, inputs: inputs, outputs: outputs, pairs: pairs, accumulating: accumulating,
        lanes: min(outputs - column, P.width))
    var pair = 0
    if rowsTogether(P.self) == 8 {
        while pair + 8 <= pairs.count {
            product.eight(pair)
            pair += 8
        }
    } else if rowsTogether(P.self) == 6 {
        while pair + 6 <= pairs.count {
            product.six(pair)
            pair += 6
        }
    }
    if rowsTogether(P.self) > 2 {
        while pair + 4 <= pairs.count {
            product.four(pair)
            pair += 4
        }
    }
    while pair + 2 <= pairs.count {
        product.two(pair)
        pair += 2
    }
    if pair < pairs.count { product.one(pair) }
}

/// The columns of one panel for some rows at a time.
private struct PanelProduct<P: Panel> {
    /// At the panel's first column.
    let y: UnsafeMutablePointer<P.Scalar>
    let x: UnsafePointer<P.Scalar>
    let w: UnsafePointer<P.Scalar>
    let inputs, outputs: Int
    let pairs: RowPairs
    let accumulating: Bool
    /// Columns of the panel that exist.
    let lanes: Int

    @inline(__always) private func start(_ pair: Int) -> P {
        accumulating ? P(loading: y + pairs.output(pair) * outputs, lanes: lanes) : P()
    }
    @inline(__always) private func finish(_ pair: Int, _ sum: P) {
        sum.store(to: y + pairs.output(pair) * outputs, lanes: lanes)
    }
    @inline(__always) private func row(_ pair: Int) -> UnsafePointer<P.Scalar> { x + pairs.input(pair) * inputs }

    @inline(__always) func eight(_ p: Int) {
        var (y0, y1, y2, y3) = (start(p), start(p + 1), start(p + 2), start(p + 3))
        var (y4, y5, y6, y7) = (start(p + 4), start(p + 5), start(p + 6), start(p + 7))
        let (x0, x1, x2, x3) = (row(p), row(p + 1), row(p + 2), row(p + 3))
        let (x4, x5, x6, x7) = (row(p + 4), row(p + 5), row(p + 6), row(p + 7))
        var weights = w
        for i in 0..<inputs {
            let panel = P(loading: weights)
            y0.add(x0[i], times: panel)
            y1.add(x1[i], times: panel)
            y2.add(x2[i], times: panel)
            y3.add(x3[i], times: panel)
            y4.add(x4[i], times: panel)
            y5.add(x5[i], times: panel)
            y6.add(x6[i], times: panel)
            y7.add(x7[i], times: panel)
            weights += outputs
        }
        finish(p, y0)
        finish(p + 1, y1)
        finish(p + 2, y2)
        finish(p + 3, y3)
        finish(p + 4, y4)
        finish(p + 5, y5)
        finish(p + 6, y6)
        finish(p + 7, y7)
    }

    @inline(__always) func six(_ p: Int) {
        var (y0, y1, y2) = (start(p), start(p + 1), start(p + 2))
        var (y3, y4, y5) = (start(p + 3), start(p + 4), start(p + 5))
        let (x0, x1, x2, x3, x4, x5) = (row(p), row(p + 1), row(p + 2), row(p + 3), row(p + 4), row(p + 5))
        var weights = w
        for i in 0..<inputs {
            let panel = P(loading: weights)
            y0.add(x0[i], times: panel)
            y1.add(x1[i], times: panel)
            y2.add(x2[i], times: panel)
            y3.add(x3[i], times: panel)
            y4.add(x4[i], times: panel)
            y5.add(x5[i], times: panel)
            weights += outputs
        }
        finish(p, y0)
        finish(p + 1, y1)
        finish(p + 2, y2)
        finish(p + 3, y3)
        finish(p + 4, y4)
        finish(p + 5, y5)
    }

    @inline(__always) func four(_ p: Int) {
        var (y0, y1, y2, y3) = (start(p), start(p + 1), start(p + 2), start(p + 3))
        let (x0, x1, x2, x3) = (row(p), row(p + 1), row(p + 2), row(p + 3))
        var weights = w
        for i in 0..<inputs {
            let panel = P(loading: weights)
            y0.add(x0[i], times: panel)
            y1.add(x1[i], times: panel)
            y2.add(x2[i], times: panel)
            y3.add(x3[i], times: panel)
            weights += outputs
        }
        finish(p, y0)
        finish(p + 1, y1)
        finish(p + 2, y2)
        finish(p + 3, y3)
    }

    @inline(__always) func two(_ p: Int) {
        var (y0, y1) = (start(p), start(p + 1))
        let (x0, x1) = (row(p), row(p + 1))
        var weights = w
        for i in 0..<inputs {
            let panel = P(loading: weights)
            y0.add(x0[i], times: panel)
            y1.add(x1[i], times: panel)
            weights += outputs
        }
        finish(p, y0)
        finish(p + 1, y1)
    }

    @inline(__always) func one(_ p: Int) {
        var sum = start(p)
        let factors = row(p)
        var weights = w
        for i in 0..<inputs {
            sum.add(factors[i], times: P(loading: weights))
            weights += outputs
        }
        finish(p, sum)
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
