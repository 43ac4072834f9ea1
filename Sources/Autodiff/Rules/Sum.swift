import Kernels
import Tensor

/// y = the sum of all elements, `[1]`, accumulated in double precision; adjoint: the cotangent everywhere.
struct TotalSum<Scalar: KernelScalar>: Operation {
    func shape(of inputs: [Shape]) -> Shape { [1] }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { nil }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        output.pointer[0] = Kernels.sum(inputs[0].pointer, count: inputs[0].count)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        [cotangent.applying(Spread(result: inputs[0].shape, rowDomain: DomainIdentity(domain: inputs[0].domain)))]
    }
}

/// y = the one element of a, everywhere; adjoint: the sum of the cotangent.
struct Spread<Scalar: KernelScalar>: Operation {
    let result: Shape
    let rowDomain: DomainIdentity

    func shape(of inputs: [Shape]) -> Shape {
        precondition(inputs[0].count == 1, "\(inputs[0]) is not one element")
        return result
    }
    func division(of inputs: [Shape]) -> Division { .rows(shared: [0]) }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { rowDomain.domain }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        fill(output.pointer, with: inputs[0].pointer[0], count: output.count)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] { [cotangent.sum()] }
}

extension Variable {
    /// The sum of all elements, `[1]`.
    public func sum() -> Variable { applying(TotalSum()) }
    /// The one element of this variable in every place of a variable like `other`.
    public func spread(like other: Variable) -> Variable {
        applying(Spread(result: other.shape, rowDomain: DomainIdentity(domain: other.domain)))
    }
}
