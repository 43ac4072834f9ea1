import Kernels
import Tensor

/// y[r, n] = the derivative of the given order of function n at x[r]; adjoint: the inner product of the cotangent's row
/// with the derivatives of order + 1.
struct RadialExpansion<Scalar: KernelScalar>: Operation {
    let function: RadialFunction
    let order: Int

    func shape(of inputs: [Shape]) -> Shape {
        precondition(inputs[0].columns == 1, "\(function) of \(inputs[0])")
        return inputs[0].withColumns(function.count)
    }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        expandRadially(output.pointer, inputs[0].pointer, function, order: order, rows: output.rows)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        precondition(order < RadialFunction.maximumOrder, "no derivative of order \(order + 1) of \(function)")
        return [cotangent.rowDot(inputs[0].applying(RadialExpansion(function: function, order: order + 1)))]
    }
}

extension Variable {
    /// The functions of a family at each row of this column: `[rows, count]`.
    public func expanded(in function: RadialFunction) -> Variable {
        applying(RadialExpansion(function: function, order: 0))
    }
}
