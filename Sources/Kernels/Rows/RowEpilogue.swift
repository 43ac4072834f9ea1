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

/// Applies an epilogue to sums [rows, columns], which become t where it is not asked for elsewhere, and may be one of the
/// outputs; no other operand may be an output.
@specialized(where T == Float)
@specialized(where T == Double)
public func applyEpilogue<T: KernelScalar>(
    _ epilogue: RowEpilogue<T>, _ sums: UnsafeMutablePointer<T>, rows: Int, columns: Int
) {
    let t = epilogue.result ?? sums
    if epilogue.bias != nil {
        for row in 0..<rows { writeArguments(t, epilogue, sums, (row * columns)..<((row + 1) * columns)) }
    } else if epilogue.factor != nil || epilogue.addend != nil || t != sums {
        writeArguments(t, epilogue, sums, 0..<(rows * columns))
    }
    if let activation = epilogue.activation {
        applyActivation(epilogue.outputs, t, activation, count: rows * columns)
    } else if let output = epilogue.outputs.orders.0, output != t {
        output.update(from: t, count: rows * columns)
    }
}

/// t of a row, or of many without a bias. In a pass of its own over the first cache, so that there is one such loop, not one
/// for each function and its derivatives.
@inline(__always)
private func writeArguments<T: KernelScalar>(
    _ t: UnsafeMutablePointer<T>, _ epilogue: RowEpilogue<T>, _ sums: UnsafePointer<T>, _ elements: Range<Int>
) {
    let lanes = T.Vector.scalarCount
    @inline(__always)
    func argument(_ index: Int) -> T.Vector {
        var t: T.Vector = load(sums + index)
        if let bias = epilogue.bias { t += load(bias + (index - elements.lowerBound)) }
        if let factor = epilogue.factor { t *= load(factor + index) }
        if let addend = epilogue.addend { t += load(addend + index) }
        return t
    }
    var index = elements.lowerBound
    while index + lanes <= elements.upperBound {
        store(argument(index), to: t + index)
        index += lanes
    }
    if index < elements.upperBound { storePartial(argument(index), to: t + index, count: elements.upperBound - index) }
}
