import Kernels
import Tensor

/// v[k, o, i] = w[K-1-k, i, o], or the transpose of a matrix; adjoint: the same of the cotangent.
///
/// Recorded once for each weight however many convolutions share it.
struct MirrorTransposition<Scalar: KernelScalar>: Operation {
    func shape(of inputs: [Shape]) -> Shape {
        let shape = inputs[0]
        precondition(shape.rank >= 2, "\(shape) has no two axes to exchange")
        var extents = shape.extents
        extents.swapAt(shape.rank - 1, shape.rank - 2)
        return Shape(extents)
    }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { nil }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        let shape = inputs[0].shape
        let (rows, columns) = (shape[shape.rank - 2], shape.columns)
        mirrorTranspose(
            output.pointer, inputs[0].pointer, offsets: shape.count / max(rows * columns, 1), inputs: rows,
            outputs: columns)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] { [cotangent.mirrorTransposed()] }
}

extension Variable {
    /// Kernel weights with opposite offsets and exchanged channels: those of the adjoint convolution.
    public func mirrorTransposed() -> Variable { applying(MirrorTransposition()) }
}
