import Kernels
import Tensor

/// y[r, c] = a[r, first + c]; adjoint: the cotangent padded with zero columns.
struct ColumnSlice<Scalar: KernelScalar>: Operation {
    let columns: Range<Int>

    func shape(of inputs: [Shape]) -> Shape {
        precondition(columns.lowerBound >= 0 && columns.upperBound <= inputs[0].columns, "\(columns) of \(inputs[0])")
        return inputs[0].withColumns(columns.count)
    }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        sliceColumns(
            output.pointer, inputs[0].pointer, rows: output.rows, columns: columns.count, first: columns.lowerBound,
            total: inputs[0].columns)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        [cotangent.applying(ColumnPadding(first: columns.lowerBound, total: inputs[0].columns))]
    }
}

/// y[r, first + c] = a[r, c], zero elsewhere in `total` columns; adjoint: the slice of the cotangent.
struct ColumnPadding<Scalar: KernelScalar>: Operation {
    let first: Int
    let total: Int

    func shape(of inputs: [Shape]) -> Shape {
        precondition(first >= 0 && first + inputs[0].columns <= total, "\(inputs[0]) in \(total) columns at \(first)")
        return inputs[0].withColumns(total)
    }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        padColumns(
            output.pointer, inputs[0].pointer, rows: output.rows, columns: inputs[0].columns, first: first,
            total: total)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] { [cotangent[columns: first..<(first + inputs[0].columns)]] }
}

/// y = the inputs side by side; adjoint: the slices of the cotangent.
struct Concatenation<Scalar: KernelScalar>: Operation {
    func shape(of inputs: [Shape]) -> Shape {
        precondition(inputs.allSatisfy { $0.rows == inputs[0].rows }, "concatenation of \(inputs)")
        return inputs[0].withColumns(inputs.reduce(0) { $0 + $1.columns })
    }
    func division(of inputs: [Shape]) -> Division { .rows(shared: []) }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        var first = 0
        for input in inputs {
            placeColumns(
                output.pointer, input.pointer, rows: output.rows, columns: input.columns, first: first,
                total: output.columns)
            first += input.columns
        }
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        var first = 0
        return zip(inputs, wanted).map { input, wanted in
            defer { first += input.columns }
            return wanted ? cotangent[columns: first..<(first + input.columns)] : nil
        }
    }
}

extension Variable {
    /// The given columns of every row.
    public subscript(columns range: Range<Int>) -> Variable {
        range == 0..<columns ? self : applying(ColumnSlice(columns: range))
    }
    /// The rows of the variables side by side.
    public static func concatenating(_ parts: [Variable]) -> Variable {
        precondition(!parts.isEmpty, "nothing to concatenate")
        return parts.count == 1 ? parts[0] : parts[0].tape.record(Concatenation(), parts)
    }
}
