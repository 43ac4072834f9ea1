/// Which rows a product's rows are made of: each is the sum over terms, in their order, of a row of x times a slab of w.
protocol RowPattern {
    var terms: Int { get }
    /// The row of y.
    func output(_ row: Int) -> Int
    /// The row of x.
    func input(_ row: Int, _ term: Int) -> Int
    /// The slab of w, [I, O].
    func slab(_ term: Int) -> Int
}

/// Rows of a panel that are summed together: as many as fit the registers beside a panel of weights and a factor.
@inline(__always)
func rowsTogether<P: Panel>(_: P.Type) -> Int {
    if P.width == Panel4<P.Scalar>.width { return 6 }
    if P.width == HalfPanel<P.Scalar>.width && InstructionSet.vectorBytes >= 32 { return 8 }
    // Narrower vectors need two or four registers for a panel of one.
    return InstructionSet.vectorBytes == 64 ? 8 : InstructionSet.vectorBytes == 32 ? 6 : 2
}

/// One panel of columns of the given rows of a pattern.
@inline(__always)
func multiplyPanel<P: Panel, Pattern: RowPattern>(
    _: P.Type, _ y: UnsafeMutablePointer<P.Scalar>, _ x: UnsafePointer<P.Scalar>, _ w: UnsafePointer<P.Scalar>,
    _ inputs: Int, _ outputs: Int, _ column: Int, _ rows: Range<Int>, _ pattern: Pattern, _ accumulating: Bool
) {
    let product = PanelProduct<P, Pattern>(
        y: y + column, x: x, w: w + column, inputs: inputs, outputs: outputs, pattern: pattern,
        terms: pattern.terms, accumulating: accumulating, lanes: min(outputs - column, P.width))
    var row = rows.lowerBound
    let end = rows.upperBound
    if rowsTogether(P.self) == 8 {
        while row + 8 <= end {
            product.eight(row)
            row += 8
        }
    } else if rowsTogether(P.self) == 6 {
        while row + 6 <= end {
            product.six(row)
            row += 6
        }
    }
    if rowsTogether(P.self) > 2 {
        while row + 4 <= end {
            product.four(row)
            row += 4
        }
    }
    while row + 2 <= end {
        product.two(row)
        row += 2
    }
    if row < end { product.one(row) }
}

/// The columns of one panel for some rows at a time.
private struct PanelProduct<P: Panel, Pattern: RowPattern> {
    /// At the panel's first column.
    let y: UnsafeMutablePointer<P.Scalar>
    let x: UnsafePointer<P.Scalar>
    let w: UnsafePointer<P.Scalar>
    let inputs, outputs: Int
    let pattern: Pattern
    let terms: Int
    let accumulating: Bool
    /// Columns of the panel that exist.
    let lanes: Int

    @inline(__always) private func start(_ row: Int) -> P {
        accumulating ? P(loading: y + pattern.output(row) * outputs, lanes: lanes) : P()
    }
    @inline(__always) private func finish(_ row: Int, _ sum: P) {
        sum.store(to: y + pattern.output(row) * outputs, lanes: lanes)
    }
    @inline(__always) private func row(_ row: Int, _ term: Int) -> UnsafePointer<P.Scalar> {
        x + pattern.input(row, term) * inputs
    }
    @inline(__always) private func panelWeights(_ term: Int) -> UnsafePointer<P.Scalar> {
        w + pattern.slab(term) * inputs * outputs
    }

    @inline(__always) func eight(_ p: Int) {
        var (y0, y1, y2, y3) = (start(p), start(p + 1), start(p + 2), start(p + 3))
        var (y4, y5, y6, y7) = (start(p + 4), start(p + 5), start(p + 6), start(p + 7))
        for term in 0..<terms {
            let (x0, x1, x2, x3) = (row(p, term), row(p + 1, term), row(p + 2, term), row(p + 3, term))
            let (x4, x5, x6, x7) = (row(p + 4, term), row(p + 5, term), row(p + 6, term), row(p + 7, term))
            var weights = panelWeights(term)
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
        for term in 0..<terms {
            let (x0, x1, x2) = (row(p, term), row(p + 1, term), row(p + 2, term))
            let (x3, x4, x5) = (row(p + 3, term), row(p + 4, term), row(p + 5, term))
            var weights = panelWeights(term)
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
        for term in 0..<terms {
            let (x0, x1, x2, x3) = (row(p, term), row(p + 1, term), row(p + 2, term), row(p + 3, term))
            var weights = panelWeights(term)
            for i in 0..<inputs {
                let panel = P(loading: weights)
                y0.add(x0[i], times: panel)
                y1.add(x1[i], times: panel)
                y2.add(x2[i], times: panel)
                y3.add(x3[i], times: panel)
                weights += outputs
            }
        }
        finish(p, y0)
        finish(p + 1, y1)
        finish(p + 2, y2)
        finish(p + 3, y3)
    }

    @inline(__always) func two(_ p: Int) {
        var (y0, y1) = (start(p), start(p + 1))
        for term in 0..<terms {
            let (x0, x1) = (row(p, term), row(p + 1, term))
            var weights = panelWeights(term)
            for i in 0..<inputs {
                let panel = P(loading: weights)
                y0.add(x0[i], times: panel)
                y1.add(x1[i], times: panel)
                weights += outputs
            }
        }
        finish(p, y0)
        finish(p + 1, y1)
    }

    @inline(__always) func one(_ p: Int) {
        var y0 = start(p)
        for term in 0..<terms {
            let x0 = row(p, term)
            var weights = panelWeights(term)
            for i in 0..<inputs {
                let panel = P(loading: weights)
                y0.add(x0[i], times: panel)
                weights += outputs
            }
        }
        finish(p, y0)
    }
}
