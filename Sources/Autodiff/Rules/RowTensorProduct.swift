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

/// z[r, c] = sum over m of y[r, m, c] a[r, m], or z[r, m] = sum over c of y[r, m, c] b[r, c]; adjoint for a cotangent g: the
/// tensor product of g and the factors, and y contracted with g.
struct RowContraction<Scalar: KernelScalar>: Operation {
    enum Index: Hashable { case first, second }
    /// That is summed over.
    let index: Index

    func shape(of inputs: [Shape]) -> Shape {
        precondition(
            inputs[0].rows == inputs[1].rows && inputs[0].columns % inputs[1].columns == 0, "contraction of \(inputs)")
        return inputs[0].withColumns(inputs[0].columns / inputs[1].columns)
    }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        let (y, factors) = (inputs[0], inputs[1])
        switch index {
        case .first:
            contractFirst(
                output.pointer, y.pointer, factors.pointer, rows: output.rows, first: factors.columns,
                second: output.columns)
        case .second:
            contractSecond(
                output.pointer, y.pointer, factors.pointer, rows: output.rows, first: output.columns,
                second: factors.columns)
        }
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        let (y, factors) = (inputs[0], inputs[1])
        switch index {
        case .first:
            return [
                wanted[0] ? factors.tensorProduct(cotangent) : nil,
                wanted[1] ? y.contractedOverSecond(with: cotangent) : nil,
            ]
        case .second:
            return [
                wanted[0] ? cotangent.tensorProduct(factors) : nil,
                wanted[1] ? y.contractedOverFirst(with: cotangent) : nil,
            ]
        }
    }
}

extension Variable {
    /// self[r, m] other[r, c] for every m and c: `[..., M C]`.
    public func tensorProduct(_ other: Variable) -> Variable { applying(RowTensorProduct(), other) }
    /// The sum over m of self[r, m, c] factors[r, m], for factors `[..., M]`: `[..., C]`.
    public func contractedOverFirst(with factors: Variable) -> Variable {
        applying(RowContraction(index: .first), factors)
    }
    /// The sum over c of self[r, m, c] factors[r, c], for factors `[..., C]`: `[..., M]`.
    public func contractedOverSecond(with factors: Variable) -> Variable {
        applying(RowContraction(index: .second), factors)
    }
}
