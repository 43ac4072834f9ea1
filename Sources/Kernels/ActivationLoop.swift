// One loop for all elementwise functions. What varies is a type, so that the compiler drops what a loop does not need.

/// Where a function's argument comes from: the vector at an element, which lies in the given column.
protocol ActivationArgument<Scalar> {
    associatedtype Scalar: KernelScalar
    func vector(at index: Int, column: Int) -> Scalar.Vector
    /// Where the argument is to be stored; nil if nobody wants it.
    var result: UnsafeMutablePointer<Scalar>? { get }
}

/// An array.
struct PlainArgument<Scalar: KernelScalar>: ActivationArgument {
    let x: UnsafePointer<Scalar>

    @inline(__always) var result: UnsafeMutablePointer<Scalar>? { nil }
    @inline(__always) func vector(at index: Int, column: Int) -> Scalar.Vector { load(x + index) }
}

/// The orders that a loop computes.
private protocol OrderSet {
    static var orders: (Bool, Bool, Bool, Bool) { get }
}
private enum ValueOnly: OrderSet {
    @inline(__always) static var orders: (Bool, Bool, Bool, Bool) { (true, false, false, false) }
}
private enum FirstOnly: OrderSet {
    @inline(__always) static var orders: (Bool, Bool, Bool, Bool) { (false, true, false, false) }
}
private enum ValueAndFirst: OrderSet {
    @inline(__always) static var orders: (Bool, Bool, Bool, Bool) { (true, true, false, false) }
}
private enum UpToSecond: OrderSet {
    @inline(__always) static var orders: (Bool, Bool, Bool, Bool) { (true, true, true, false) }
}
private enum AnyOrders: OrderSet {
    @inline(__always) static var orders: (Bool, Bool, Bool, Bool) { (true, true, true, true) }
}

/// The wanted orders of the function at the argument, for [rows, columns]; the argument itself as order 0 if there is
/// no function.
@inline(__always)
func applyFormula<Argument: ActivationArgument>(
    of function: Activation?, _ out: ActivationOutputs<Argument.Scalar>, _ x: Argument, rows: Int, columns: Int
) {
    switch function {
    case nil: loop(IdentityFormula.self, ValueOnly.self, out, x, rows, columns)
    case .tanh: map(TanhFormula.self, out, x, rows, columns)
    case .sigmoid: map(SigmoidFormula.self, out, x, rows, columns)
    case .softplus: map(SoftplusFormula.self, out, x, rows, columns)
    case .silu: map(SiluFormula.self, out, x, rows, columns)
    case .relu: map(ReluFormula.self, out, x, rows, columns)
    case .exponential: map(ExponentialFormula.self, out, x, rows, columns)
    case .logarithm: map(LogarithmFormula.self, out, x, rows, columns)
    case .reciprocal: map(ReciprocalFormula.self, out, x, rows, columns)
    case .squareRoot: map(SquareRootFormula.self, out, x, rows, columns)
    case .inverseSquareRoot: map(InverseSquareRootFormula.self, out, x, rows, columns)
    }
}

@inline(__always)
private func map<Argument: ActivationArgument, Formula: ActivationFormula>(
    _: Formula.Type, _ out: ActivationOutputs<Argument.Scalar>, _ x: Argument, _ rows: Int, _ columns: Int
) {
    switch (out.orders.0 != nil, out.orders.1 != nil, out.orders.2 != nil, out.orders.3 != nil) {
    case (true, false, false, false): loop(Formula.self, ValueOnly.self, out, x, rows, columns)
    case (false, true, false, false): loop(Formula.self, FirstOnly.self, out, x, rows, columns)
    case (true, true, false, false): loop(Formula.self, ValueAndFirst.self, out, x, rows, columns)
    case (true, true, true, false): loop(Formula.self, UpToSecond.self, out, x, rows, columns)
    default: loop(Formula.self, AnyOrders.self, out, x, rows, columns)
    }
}

@inline(never)
private func loop<Argument: ActivationArgument, Formula: ActivationFormula, Orders: OrderSet>(
    _: Formula.Type, _: Orders.Type, _ out: ActivationOutputs<Argument.Scalar>, _ x: Argument,
    _ rows: Int, _ columns: Int
) {
    typealias T = Argument.Scalar
    let lanes = T.Vector.scalarCount
    for row in 0..<rows {
        let (start, end) = (row * columns, (row + 1) * columns)
        var index = start
        while index + lanes <= end {
            let t = x.vector(at: index, column: index - start)
            if let result = x.result { store(t, to: result + index) }
            let values = Formula.orders(T.self, t)
            if Orders.orders.0, let a = out.orders.0 { store(values.0, to: a + index) }
            if Orders.orders.1, let b = out.orders.1 { store(values.1, to: b + index) }
            if Orders.orders.2, let c = out.orders.2 { store(values.2, to: c + index) }
            if Orders.orders.3, let d = out.orders.3 { store(values.3, to: d + index) }
            index += lanes
        }
        guard index < end else { continue }
        let t = x.vector(at: index, column: index - start)
        let rest = end - index
        if let result = x.result { storePartial(t, to: result + index, count: rest) }
        let values = Formula.orders(T.self, t)
        if Orders.orders.0, let a = out.orders.0 { storePartial(values.0, to: a + index, count: rest) }
        if Orders.orders.1, let b = out.orders.1 { storePartial(values.1, to: b + index, count: rest) }
        if Orders.orders.2, let c = out.orders.2 { storePartial(values.2, to: c + index, count: rest) }
        if Orders.orders.3, let d = out.orders.3 { storePartial(values.3, to: d + index, count: rest) }
    }
}
