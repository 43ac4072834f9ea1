/// What becomes of the rows of a product while they are in the first cache:
/// t = (sum + bias) factor + addend, and a function of t with its derivatives.
///
/// Pointers are to the first row of all that are computed; nil for what does not take part. Each operation rounds on its
/// own, so the bits are those of the operations one after the other.
public struct RowEpilogue<Scalar: KernelScalar> {
    /// [columns].
    public var bias: UnsafePointer<Scalar>?
    /// [rows, columns].
    public var factor: UnsafePointer<Scalar>?
    /// [rows, columns].
    public var addend: UnsafePointer<Scalar>?
    /// Where t goes beside its function, [rows, columns].
    public var result: UnsafeMutablePointer<Scalar>?
    /// The function; without one, t itself is order 0 of the outputs.
    public var activation: Activation?
    /// [rows, columns] each.
    public var outputs = ActivationOutputs<Scalar>()

    public init() {}

    /// From another row on, so many elements behind.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func advanced(by elements: Int) -> RowEpilogue {
        var moved = self
        if let factor { moved.factor = factor + elements }
        if let addend { moved.addend = addend + elements }
        if let result { moved.result = result + elements }
        if let a = outputs.orders.0 { moved.outputs.orders.0 = a + elements }
        if let b = outputs.orders.1 { moved.outputs.orders.1 = b + elements }
        if let c = outputs.orders.2 { moved.outputs.orders.2 = c + elements }
        if let d = outputs.orders.3 { moved.outputs.orders.3 = d + elements }
        return moved
    }
}

/// t from sums of products.
private struct EpilogueArgument<Scalar: KernelScalar>: ActivationArgument {
    let sums: UnsafePointer<Scalar>
    let bias, factor, addend: UnsafePointer<Scalar>?
    let result: UnsafeMutablePointer<Scalar>?

    @inline(__always)
    func vector(at index: Int, column: Int) -> Scalar.Vector {
        var t: Scalar.Vector = load(sums + index)
        if let bias { t += load(bias + column) }
        if let factor { t *= load(factor + index) }
        if let addend { t += load(addend + index) }
        return t
    }
}

/// Applies an epilogue to sums [rows, columns], which may be one of its outputs; no other operand may be an output.
@specialized(where T == Float)
@specialized(where T == Double)
public func applyEpilogue<T: KernelScalar>(
    _ epilogue: RowEpilogue<T>, _ sums: UnsafePointer<T>, rows: Int, columns: Int
) {
    let argument = EpilogueArgument(
        sums: sums, bias: epilogue.bias, factor: epilogue.factor, addend: epilogue.addend, result: epilogue.result)
    // Without a bias all rows are one.
    let isOneRow = epilogue.bias == nil
    applyFormula(
        of: epilogue.activation, epilogue.outputs, argument, rows: isOneRow ? 1 : rows,
        columns: isOneRow ? rows * columns : columns)
}
