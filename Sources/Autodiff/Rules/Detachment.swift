import Kernels
import Tensor

/// y = a, taken as a constant: no derivative passes.
struct Detachment<Scalar: KernelScalar>: Operation {
    func shape(of inputs: [Shape]) -> Shape { inputs[0] }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }
    var inPlaceInput: Int? { 0 }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        affine(output.pointer, inputs[0].pointer, factor: 1, offset: 0, count: output.count)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] { [nil] }
}

extension Variable {
    /// The same numbers, through which no derivative passes.
    public var detached: Variable { applying(Detachment()) }
}
