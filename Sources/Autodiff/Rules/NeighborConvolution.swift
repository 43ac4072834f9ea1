import Kernels
import Tensor

/// y[r] = sum over k of x[n(r, k)] w[k], the convolution over occupied cells only: x [rows, I], w [K, I, O].
///
/// Adjoint: the same convolution of the cotangent with the mirrored, transposed weights (n(r, k) = s exactly if
/// n(s, K-1-k) = r), and the outer products. Each output is summed over k, then i, in ascending order on every
/// decomposition.
struct NeighborConvolution<Scalar: KernelScalar>: RowProducing {
    let topology: NeighborTopology

    func shape(of inputs: [Shape]) -> Shape {
        let (x, w) = (inputs[0], inputs[1])
        precondition(
            w.rank == 3 && w[0] == topology.offsets && w[1] == x.columns && x.rows == topology.domain.capacity,
            "neighbor convolution of \(inputs) with \(topology.offsets) offsets")
        return x.withColumns(w.columns)
    }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { topology.domain }

    /// A block of rows goes on to the operations behind while it is hot. The scatter form has its own order of pairs.
    func division(of inputs: [Shape]) -> Division { topology.form == .scatter ? .none : .rows(shared: [0, 1]) }
    var ghosts: (input: Int, topology: NeighborTopology)? { (0, topology) }

    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        evaluate(inputs, into: output, epilogue: nil)
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(
        _ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>, epilogue: RowEpilogue<Scalar>?
    ) {
        let (x, w, columns) = (inputs[0], inputs[1], output.columns)
        // Neighbors count rows from the first of all, which need not be in memory.
        let y = output.pointer - output.firstRow * columns
        let rows = output.firstRow..<(output.firstRow + output.rows)
        if topology.hasRuns {
            topology.forEachRun(rows) { run, links in
                multiplyRows(
                    y + run.lowerBound * columns, x.pointer, w.pointer, inputs: x.columns, outputs: columns,
                    rows: run.count, links: links,
                    epilogue: epilogue?.advanced(by: (run.lowerBound - rows.lowerBound) * columns))
            }
            return
        }
        fill(output.pointer, with: 0, count: output.count)
        let areAllRows = rows.count == topology.domain.count
        for k in 0..<topology.offsets {
            let pairs = areAllRows ? topology.pairs(k) : topology.pairs(k, rows: rows)
            guard pairs.count > 0 else { continue }
            multiplyRows(
                y, x.pointer, w.pointer + k * x.columns * columns, inputs: x.columns, outputs: columns, pairs: pairs,
                accumulating: true)
        }
        if let epilogue { applyEpilogue(epilogue, output.pointer, rows: rows.count, columns: columns) }
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        [
            wanted[0] ? cotangent.neighborConvolution(inputs[1].mirrorTransposed(), topology) : nil,
            wanted[1] ? inputs[0].applying(NeighborOuterProduct(topology: topology), cotangent) : nil,
        ]
    }
}

/// w[k] = sum over r of x[n(r, k)]^T g[r]: the weight gradient [K, I, O] over this rank's rows.
///
/// Adjoint for a cotangent h: the convolutions of g with the mirrored, transposed h and of x with h.
struct NeighborOuterProduct<Scalar: KernelScalar>: Operation {
    let topology: NeighborTopology

    func shape(of inputs: [Shape]) -> Shape {
        precondition(inputs[0].rows == inputs[1].rows, "neighbor outer product of \(inputs)")
        return [topology.offsets, inputs[0].columns, inputs[1].columns]
    }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { nil }
    func division(of inputs: [Shape]) -> Division {
        .pieces(topology.offsets * OuterProductPieces.count(inputs: inputs[0].columns))
    }

    var ghosts: (input: Int, topology: NeighborTopology)? { (0, topology) }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(
        piece: Int, of pieces: Int, pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>,
        into output: Operand<Scalar>
    ) {
        let (x, g) = (inputs[0], inputs[1])
        let (range, k) = (piece / topology.offsets, piece % topology.offsets)
        outerProductOfRows(
            output.pointer + k * x.columns * g.columns, x.pointer, g.pointer, inputs: x.columns, outputs: g.columns,
            pairs: topology.pairs(k), inputRange: OuterProductPieces.range(range, inputs: x.columns))
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        [
            wanted[0] ? inputs[1].neighborConvolution(cotangent.mirrorTransposed(), topology) : nil,
            wanted[1] ? inputs[0].neighborConvolution(cotangent, topology) : nil,
        ]
    }
}

extension Variable {
    /// The convolution over occupied cells with `weights` [K, columns, outputs].
    public func neighborConvolution(_ weights: Variable, _ topology: NeighborTopology) -> Variable {
        applying(NeighborConvolution(topology: topology), weights)
    }
}
