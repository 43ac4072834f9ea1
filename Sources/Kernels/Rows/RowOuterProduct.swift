// Sums of outer products of rows: the weight gradient of `multiplyRows`.

/// w[i, o] = sum over pairs p of x[input(p), i] g[output(p), o], in the order of the pairs.
///
/// - Parameters:
///   - w: [I, O], overwritten.
///   - x: [rows, I]; up to five elements behind a row's end are read.
///   - g: [rows, O]; up to one vector behind its end is read.
@specialized(where T == Float)
@specialized(where T == Double)
public func outerProductOfRows<T: KernelScalar>(
    _ w: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, _ g: UnsafePointer<T>,
    inputs: Int, outputs: Int, pairs: RowPairs
) {
    var column = 0
    while outputs - column >= Panel4<T>.width {
        outerPanel(Panel4<T>.self, w, x, g, inputs, outputs, column, pairs)
        column += Panel4<T>.width
    }
    if outputs - column >= Panel2<T>.width {
        outerPanel(Panel2<T>.self, w, x, g, inputs, outputs, column, pairs)
        column += Panel2<T>.width
    }
    if outputs - column >= Panel1<T>.width {
        outerPanel(Panel1<T>.self, w, x, g, inputs, outputs, column, pairs)
        column += Panel1<T>.width
    }
    if column < outputs { outerLastColumns(w, x, g, inputs, outputs, column, pairs) }
}

@inline(__always)
private func outerPanel<P: Panel>(
    _: P.Type, _ w: UnsafeMutablePointer<P.Scalar>, _ x: UnsafePointer<P.Scalar>, _ g: UnsafePointer<P.Scalar>,
    _ inputs: Int, _ outputs: Int, _ column: Int, _ pairs: RowPairs
) {
    var i = 0
    while i + 6 <= inputs {
        var w0 = P(), w1 = P(), w2 = P(), w3 = P(), w4 = P(), w5 = P()
        for pair in 0..<pairs.count {
            let row = P(loading: g + pairs.output(pair) * outputs + column)
            let factors = x + pairs.input(pair) * inputs + i
            w0.add(factors[0], times: row)
            w1.add(factors[1], times: row)
            w2.add(factors[2], times: row)
            w3.add(factors[3], times: row)
            w4.add(factors[4], times: row)
            w5.add(factors[5], times: row)
        }
        let target = w + i * outputs + column
        w0.store(to: target)
        w1.store(to: target + outputs)
        w2.store(to: target + 2 * outputs)
        w3.store(to: target + 3 * outputs)
        w4.store(to: target + 4 * outputs)
        w5.store(to: target + 5 * outputs)
        i += 6
    }
    while i < inputs {
        var sum = P()
        for pair in 0..<pairs.count {
            sum.add(
                x[pairs.input(pair) * inputs + i], times: P(loading: g + pairs.output(pair) * outputs + column))
        }
        sum.store(to: w + i * outputs + column)
        i += 1
    }
}

@inline(__always)
private func outerLastColumns<T: KernelScalar>(
    _ w: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, _ g: UnsafePointer<T>,
    _ inputs: Int, _ outputs: Int, _ column: Int, _ pairs: RowPairs
) {
    for i in 0..<inputs {
        var sum = T.Vector.zero
        for pair in 0..<pairs.count {
            let factor = T.Vector(repeating: x[pairs.input(pair) * inputs + i])
            sum = sum.addingProduct(factor, load(g + pairs.output(pair) * outputs + column))
        }
        storePartial(sum, to: w + i * outputs + column, count: outputs - column)
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
