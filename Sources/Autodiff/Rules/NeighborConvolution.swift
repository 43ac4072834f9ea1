import Kernels
import Tensor

/// y[r] = sum over k of x[n(r, k)] w[k], the convolution over occupied cells only: x [rows, I], w [K, I, O].
///
/// Adjoint: the same convolution of the cotangent with the mirrored, transposed weights (n(r, k) = s exactly if
/// n(s, K-1-k) = r), and the outer products. Each output is summed over k, then i, in ascending order on every
/// decomposition; rows without ghosts among their neighbors are computed while the exchange is under way.
struct NeighborConvolution<Scalar: KernelScalar>: Operation {
    let topology: NeighborTopology

    func shape(of inputs: [Shape]) -> Shape {
        let (x, w) = (inputs[0], inputs[1])
        precondition(
            w.rank == 3 && w[0] == topology.offsets && w[1] == x.columns && x.rows == topology.domain.capacity,
            "neighbor convolution of \(inputs) with \(topology.offsets) offsets")
        return x.withColumns(w.columns)
    }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { topology.domain }

    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) throws {
        let (x, w) = (inputs[0], inputs[1])
        try topology.exchange?.start(rows: x.pointer, channels: x.columns)
        fill(output.pointer, with: 0, count: output.count)
        accumulate(.interior, x, w, output)
        try topology.exchange?.finish(rows: x.pointer, channels: x.columns)
        accumulate(.boundary, x, w, output)
    }

    private func accumulate(
        _ part: NeighborTopology.Part, _ x: Operand<Scalar>, _ w: Operand<Scalar>, _ output: Operand<Scalar>
    ) {
        for k in 0..<topology.offsets {
            let pairs = topology.pairs(k, part)
            guard pairs.count > 0 else { continue }
            multiplyRows(
                output.pointer, x.pointer, w.pointer + k * x.columns * output.columns, inputs: x.columns,
                outputs: output.columns, pairs: pairs, accumulating: true)
        }
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

    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) throws {
        let (x, g) = (inputs[0], inputs[1])
        try topology.exchange?.start(rows: x.pointer, channels: x.columns)
        try topology.exchange?.finish(rows: x.pointer, channels: x.columns)
        for k in 0..<topology.offsets {
            outerProductOfRows(
                output.pointer + k * x.columns * g.columns, x.pointer, g.pointer, inputs: x.columns,
                outputs: g.columns, pairs: topology.pairs(k, .all))
        }
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
