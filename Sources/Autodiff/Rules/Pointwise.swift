import Kernels
import Tensor

/// y = the n-th derivative of f at a, elementwise; adjoint: g times the derivative of order n + 1.
struct Pointwise<Scalar: KernelScalar>: Operation {
    let function: Activation
    let order: Int

    func shape(of inputs: [Shape]) -> Shape { inputs[0] }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }
    var inPlaceInput: Int? { 0 }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        applyActivation(output.pointer, inputs[0].pointer, function, order: order, count: output.count)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        precondition(order < Activation.maximumOrder, "no derivative of order \(order + 1) of \(function)")
        if function == .relu && order > 0 { return [nil] }
        return [cotangent * inputs[0].applying(Pointwise(function: function, order: order + 1))]
    }
}

extension Variable {
    /// The function of every element.
    public func applying(_ function: Activation) -> Variable { applying(Pointwise(function: function, order: 0)) }
}
