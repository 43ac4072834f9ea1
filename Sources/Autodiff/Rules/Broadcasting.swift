import Kernels
import Tensor

/// y[r, c] = a[r, c] + row[c]; adjoint: g, and g summed over rows.
struct RowAddition<Scalar: KernelScalar>: Operation {
    func shape(of inputs: [Shape]) -> Shape {
        precondition(inputs[1].count == inputs[0].columns, "a row \(inputs[1]) added to \(inputs[0])")
        return inputs[0]
    }
    func division(of inputs: [Shape]) -> Division { .rows(shared: [1]) }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { inputs[0] }
    var inPlaceInput: Int? { 0 }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        addRow(
            output.pointer, inputs[0].pointer, inputs[1].pointer, rows: output.rows, columns: output.columns)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] { [cotangent, wanted[1] ? cotangent.summedOverRows(as: inputs[1].shape) : nil] }
}

/// y[c] = sum over r of a[r, c]; adjoint: the cotangent repeated for every row.
struct RowSum<Scalar: KernelScalar>: Operation {
    let result: Shape

    func shape(of inputs: [Shape]) -> Shape {
        precondition(result.count == inputs[0].columns, "rows of \(inputs[0]) summed to \(result)")
        return result
    }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { nil }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        sumRows(output.pointer, inputs[0].pointer, rows: inputs[0].rows, columns: inputs[0].columns)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] { [cotangent.repeatedOverRows(like: inputs[0])] }
}

/// y[r, c] = row[c]; adjoint: the cotangent summed over rows.
struct RowRepetition<Scalar: KernelScalar>: Operation {
    let result: Shape
    let rowDomain: DomainIdentity

    func shape(of inputs: [Shape]) -> Shape {
        precondition(inputs[0].count == result.columns, "\(inputs[0]) repeated to \(result)")
        return result
    }
    func division(of inputs: [Shape]) -> Division { .rows(shared: [0]) }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { rowDomain.domain }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        repeatRow(output.pointer, inputs[0].pointer, rows: output.rows, columns: output.columns)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] { [cotangent.summedOverRows(as: inputs[0].shape)] }
}

/// A row domain compared by identity, so that operations that hold one are hashable.
struct DomainIdentity: Hashable {
    let domain: RowDomain?
    static func == (left: DomainIdentity, right: DomainIdentity) -> Bool { left.domain === right.domain }
    func hash(into hasher: inout Hasher) { hasher.combine(domain.map { ObjectIdentifier($0) }) }
}

/// y[r, c] = a[r, c] column[r]; adjoint: g scaled by the column, and the row sums of g a.
struct RowScaling<Scalar: KernelScalar>: Operation {
    func shape(of inputs: [Shape]) -> Shape {
        precondition(inputs[1].columns == 1 && inputs[1].rows == inputs[0].rows, "\(inputs[0]) scaled by \(inputs[1])")
        return inputs[0]
    }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }
    var inPlaceInput: Int? { 0 }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        scaleRows(
            output.pointer, inputs[0].pointer, inputs[1].pointer, rows: output.rows, columns: output.columns)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        [
            wanted[0] ? cotangent.scaledByColumn(inputs[1]) : nil,
            wanted[1] ? cotangent.applying(RowDot(), inputs[0]) : nil,
        ]
    }
}

/// y[r] = sum over c of a[r, c] b[r, c]; adjoint: each factor scaled by the cotangent's rows.
struct RowDot<Scalar: KernelScalar>: Operation {
    func shape(of inputs: [Shape]) -> Shape { commonShape(inputs, "row products").withColumns(1) }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        dotRows(
            output.pointer, inputs[0].pointer, inputs[1].pointer, rows: inputs[0].rows, columns: inputs[0].columns)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        [
            wanted[0] ? inputs[1].scaledByColumn(cotangent) : nil,
            wanted[1] ? inputs[0].scaledByColumn(cotangent) : nil,
        ]
    }
}

/// y[r] = sum over c of a[r, c]; adjoint: the cotangent repeated in every column.
struct ColumnSum<Scalar: KernelScalar>: Operation {
    func shape(of inputs: [Shape]) -> Shape { inputs[0].withColumns(1) }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        sumColumns(output.pointer, inputs[0].pointer, rows: inputs[0].rows, columns: inputs[0].columns)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] { [inputs[0].tape.constant(1, like: inputs[0]).scaledByColumn(cotangent)] }
}

extension Variable {
    /// self[r, c] + row[c], as for a bias.
    public func addingRow(_ row: Variable) -> Variable { applying(RowAddition(), row) }
    /// The sum over all rows, as `[columns]` or another shape of as many elements.
    public func summedOverRows(as shape: Shape? = nil) -> Variable {
        applying(RowSum(result: shape ?? [columns]))
    }
    /// This row repeated over the rows of `other`.
    public func repeatedOverRows(like other: Variable) -> Variable {
        applying(RowRepetition(result: other.shape, rowDomain: DomainIdentity(domain: other.domain)))
    }
    /// self[r, c] column[r], for a column `[..., 1]`.
    public func scaledByColumn(_ column: Variable) -> Variable { applying(RowScaling(), column) }
    /// The inner product of each row with the same row of `other`: `[..., 1]`.
    public func rowDot(_ other: Variable) -> Variable { applying(RowDot(), other) }
    /// The sum of each row: `[..., 1]`.
    public func summedOverColumns() -> Variable { applying(ColumnSum()) }
}
