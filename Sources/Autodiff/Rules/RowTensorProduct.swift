import Kernels
import Tensor

/// y[r, m, c] = a[r, m] b[r, c]; adjoint: the cotangent contracted with the other factor.
struct RowTensorProduct<Scalar: KernelScalar>: Operation {
    func shape(of inputs: [Shape]) -> Shape {
        precondition(inputs[0].rows == inputs[1].rows, "tensor product of \(inputs)")
        return inputs[0].withColumns(inputs[0].columns * inputs[1].columns)
    }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        multiplyTensors(
            output.pointer, inputs[0].pointer, inputs[1].pointer, rows: output.rows, first: inputs[0].columns,
            second: inputs[1].columns)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        [
            wanted[0] ? cotangent.contractedOverSecond(with: inputs[1]) : nil,
            wanted[1] ? cotangent.contractedOverFirst(with: inputs[0]) : nil,
        ]
    }
}

/// z[r, c] = sum over m of y[r, m, c] a[r, m]; adjoint for a cotangent g: a times g as tensors, and y contracted with g.
struct FirstContraction<Scalar: KernelScalar>: Operation {
    func shape(of inputs: [Shape]) -> Shape {
        precondition(
            inputs[0].rows == inputs[1].rows && inputs[0].columns % inputs[1].columns == 0, "contraction of \(inputs)")
        return inputs[0].withColumns(inputs[0].columns / inputs[1].columns)
    }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        contractFirst(
            output.pointer, inputs[0].pointer, inputs[1].pointer, rows: output.rows, first: inputs[1].columns,
            second: output.columns)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        [
            wanted[0] ? inputs[1].tensorProduct(cotangent) : nil,
            wanted[1] ? inputs[0].contractedOverSecond(with: cotangent) : nil,
        ]
    }
}

/// z[r, m] = sum over c of y[r, m, c] b[r, c]; adjoint for a cotangent g: g times b as tensors, and y contracted with g.
struct SecondContraction<Scalar: KernelScalar>: Operation {
    func shape(of inputs: [Shape]) -> Shape {
        precondition(
            inputs[0].rows == inputs[1].rows && inputs[0].columns % inputs[1].columns == 0, "contraction of \(inputs)")
        return inputs[0].withColumns(inputs[0].columns / inputs[1].columns)
    }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        contractSecond(
            output.pointer, inputs[0].pointer, inputs[1].pointer, rows: output.rows, first: output.columns,
            second: inputs[1].columns)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        [
            wanted[0] ? cotangent.tensorProduct(inputs[1]) : nil,
            wanted[1] ? inputs[0].contractedOverFirst(with: cotangent) : nil,
        ]
    }
}

extension Variable {
    /// self[r, m] other[r, c] for every m and c: `[..., M C]`.
    public func tensorProduct(_ other: Variable) -> Variable { applying(RowTensorProduct(), other) }
    /// The sum over m of self[r, m, c] factors[r, m], for factors `[..., M]`: `[..., C]`.
    public func contractedOverFirst(with factors: Variable) -> Variable { applying(FirstContraction(), factors) }
    /// The sum over c of self[r, m, c] factors[r, c], for factors `[..., C]`: `[..., M]`.
    public func contractedOverSecond(with factors: Variable) -> Variable { applying(SecondContraction(), factors) }
}
