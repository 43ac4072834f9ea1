// Sums of outer products of rows: the weight gradient of `multiplyRows`.
//
// Notation as there. Every w[i, o] is summed over the pairs in their order with fused multiply-adds, whatever its
// tile and however the pairs are cut into chunks.

/// w[i, o] = sum over pairs p of x[input(p), i] g[output(p), o], in the order of the pairs.
///
/// - Parameters:
///   - w: [I, O], overwritten.
///   - x: [rows, I]; up to one vector behind its end is read.
///   - g: [rows, O]; up to one vector behind its end is read.
///   - inputRange: the rows of w to compute; all if nil.
@specialized(where T == Float)
@specialized(where T == Double)
public func outerProductOfRows<T: KernelScalar>(
    _ w: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, _ g: UnsafePointer<T>,
    inputs: Int, outputs: Int, pairs: RowPairs, inputRange: Range<Int>? = nil
) {
    let inputRange = inputRange ?? 0..<inputs
    (w + inputRange.lowerBound * outputs).update(repeating: 0, count: inputRange.count * outputs)
    // The rows of a chunk stay in the first cache while all tiles of w pass over them.
    let chunk = max(16, 24 * 1024 / (MemoryLayout<T>.stride * max(inputs + outputs, 1)) / 8 * 8)
    var first = 0
    while first < pairs.count {
        let count = min(chunk, pairs.count - first)
        addOuterProducts(w, x, g, inputs, outputs, inputRange, first..<(first + count), pairs)
        first += count
    }
}

@inline(__always)
private func addOuterProducts<T: KernelScalar>(
    _ w: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, _ g: UnsafePointer<T>,
    _ inputs: Int, _ outputs: Int, _ inputRange: Range<Int>, _ range: Range<Int>, _ pairs: RowPairs
) {
    var column = 0
    if InstructionSet.vectorBytes == 64 {
        while outputs - column >= Panel2<T>.width {
            outerPanel(Panel2<T>.self, w, x, g, inputs, outputs, column, inputRange, range, pairs)
            column += Panel2<T>.width
        }
    }
    while outputs - column >= Panel1<T>.width {
        outerPanel(Panel1<T>.self, w, x, g, inputs, outputs, column, inputRange, range, pairs)
        column += Panel1<T>.width
    }
    if outputs - column >= HalfPanel<T>.width {
        outerPanel(HalfPanel<T>.self, w, x, g, inputs, outputs, column, inputRange, range, pairs)
        column += HalfPanel<T>.width
    }
    guard column < outputs else { return }
    if outputs - column < min(inputs, 8) {
        // A few columns and many inputs: vectors along the inputs.
        while column < outputs {
            let together = min(outputs - column, 2)
            var i = inputRange.lowerBound
            while i < inputRange.upperBound {
                outerColumns(w, x, g, inputs, outputs, column, together, i..<inputRange.upperBound, range, pairs)
                i += 2 * T.Vector.scalarCount
            }
            column += together
        }
    } else {
        outerPanel(PartialPanel<T>.self, w, x, g, inputs, outputs, column, inputRange, range, pairs)
    }
}

@inline(__always)
private func outerPanel<P: Panel>(
    _: P.Type, _ w: UnsafeMutablePointer<P.Scalar>, _ x: UnsafePointer<P.Scalar>, _ g: UnsafePointer<P.Scalar>,
    _ inputs: Int, _ outputs: Int, _ column: Int, _ inputRange: Range<Int>, _ range: Range<Int>, _ pairs: RowPairs
) {
    let outer = PanelOuterProduct<P>(
        w: w + column, x: x, g: g + column, inputs: inputs, outputs: outputs, pairs: pairs, range: range,
        lanes: min(outputs - column, P.width))
    var i = inputRange.lowerBound
    let end = inputRange.upperBound
    if InstructionSet.vectorBytes == 64 {
        while i + 8 <= end {
            outer.eight(i)
            i += 8
        }
    }
    if InstructionSet.vectorBytes >= 32 {
        while i + 4 <= end {
            outer.four(i)
            i += 4
        }
    }
    while i + 2 <= end {
        outer.two(i)
        i += 2
    }
    if i < end { outer.one(i) }
}

/// The columns of one panel for some inputs at a time.
private struct PanelOuterProduct<P: Panel> {
    /// At the panel's first column.
    let w: UnsafeMutablePointer<P.Scalar>
    let x: UnsafePointer<P.Scalar>
    let g: UnsafePointer<P.Scalar>
    let inputs, outputs: Int
    let pairs: RowPairs
    let range: Range<Int>
    /// Columns of the panel that exist.
    let lanes: Int

    @inline(__always) private func start(_ i: Int) -> P { P(loading: w + i * outputs, lanes: lanes) }
    @inline(__always) private func finish(_ i: Int, _ sum: P) { sum.store(to: w + i * outputs, lanes: lanes) }

    /// Calls `body` with the factors from input i on and the panel of each pair.
    @inline(__always) private func forEachPair(_ i: Int, _ body: (UnsafePointer<P.Scalar>, P) -> Void) {
        for pair in range {
            body(x + pairs.input(pair) * inputs + i, P(loading: g + pairs.output(pair) * outputs))
        }
    }

    @inline(__always) func eight(_ i: Int) {
        var (w0, w1, w2, w3) = (start(i), start(i + 1), start(i + 2), start(i + 3))
        var (w4, w5, w6, w7) = (start(i + 4), start(i + 5), start(i + 6), start(i + 7))
        forEachPair(i) { factors, panel in
            w0.add(factors[0], times: panel)
            w1.add(factors[1], times: panel)
            w2.add(factors[2], times: panel)
            w3.add(factors[3], times: panel)
            w4.add(factors[4], times: panel)
            w5.add(factors[5], times: panel)
            w6.add(factors[6], times: panel)
            w7.add(factors[7], times: panel)
        }
        finish(i, w0)
        finish(i + 1, w1)
        finish(i + 2, w2)
        finish(i + 3, w3)
        finish(i + 4, w4)
        finish(i + 5, w5)
        finish(i + 6, w6)
        finish(i + 7, w7)
    }

    @inline(__always) func four(_ i: Int) {
        var (w0, w1, w2, w3) = (start(i), start(i + 1), start(i + 2), start(i + 3))
        forEachPair(i) { factors, panel in
            w0.add(factors[0], times: panel)
            w1.add(factors[1], times: panel)
            w2.add(factors[2], times: panel)
            w3.add(factors[3], times: panel)
        }
        finish(i, w0)
        finish(i + 1, w1)
        finish(i + 2, w2)
        finish(i + 3, w3)
    }

    @inline(__always) func two(_ i: Int) {
        var (w0, w1) = (start(i), start(i + 1))
        forEachPair(i) { factors, panel in
            w0.add(factors[0], times: panel)
            w1.add(factors[1], times: panel)
        }
        finish(i, w0)
        finish(i + 1, w1)
    }

    @inline(__always) func one(_ i: Int) {
        var sum = start(i)
        forEachPair(i) { factors, panel in sum.add(factors[0], times: panel) }
        finish(i, sum)
    }
}

/// One or two columns of w for the first two vectors of a range of inputs.
@inline(__always)
private func outerColumns<T: KernelScalar>(
    _ w: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, _ g: UnsafePointer<T>, _ inputs: Int, _ outputs: Int,
    _ column: Int, _ columns: Int, _ inputRange: Range<Int>, _ range: Range<Int>, _ pairs: RowPairs
) {
    let lanes = T.Vector.scalarCount
    let i = inputRange.lowerBound
    let (low, high) = (min(inputRange.count, lanes), min(max(inputRange.count - lanes, 0), lanes))
    // Where there is no second vector or column, the first is computed twice.
    let secondVector = high > 0 ? lanes : 0
    let secondColumn = columns - 1
    var (a0, a1, b0, b1) = (T.Vector.zero, T.Vector.zero, T.Vector.zero, T.Vector.zero)
    for lane in 0..<low {
        a0[lane] = w[(i + lane) * outputs + column]
        b0[lane] = w[(i + lane) * outputs + column + secondColumn]
    }
    for lane in 0..<high {
        a1[lane] = w[(i + lanes + lane) * outputs + column]
        b1[lane] = w[(i + lanes + lane) * outputs + column + secondColumn]
    }
    for pair in range {
        let row = x + pairs.input(pair) * inputs + i
        let factors = g + pairs.output(pair) * outputs + column
        let (x0, x1) = (load(row) as T.Vector, load(row + secondVector) as T.Vector)
        let (f, h) = (T.Vector(repeating: factors[0]), T.Vector(repeating: factors[secondColumn]))
        a0 = a0.addingProduct(f, x0)
        a1 = a1.addingProduct(f, x1)
        b0 = b0.addingProduct(h, x0)
        b1 = b1.addingProduct(h, x1)
    }
    for lane in 0..<low {
        w[(i + lane) * outputs + column] = a0[lane]
        w[(i + lane) * outputs + column + secondColumn] = b0[lane]
    }
    for lane in 0..<high {
        w[(i + lanes + lane) * outputs + column] = a1[lane]
        w[(i + lanes + lane) * outputs + column + secondColumn] = b1[lane]
    }
}

/// The reference for `outerProductOfRows`, in plain loops.
public func outerProductOfRowsReference<T: KernelScalar>(
    _ w: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, _ g: UnsafePointer<T>,
    inputs: Int, outputs: Int, pairs: RowPairs
) {
    for i in 0..<inputs {
        for o in 0..<outputs {
            var sum: T = 0
            for pair in 0..<pairs.count {
                sum.addProduct(x[pairs.input(pair) * inputs + i], g[pairs.output(pair) * outputs + o])
            }
            w[i * outputs + o] = sum
        }
    }
}
