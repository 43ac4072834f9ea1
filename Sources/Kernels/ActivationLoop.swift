// One loop for all elementwise functions. What varies is a type, so that the compiler drops what a loop does not need.

/// The orders that a loop computes, of which all are wanted.
private protocol OrderSet {
    static var orders: (Bool, Bool, Bool, Bool) { get }
}
private enum ValueOnly: OrderSet {
    @inline(__always) static var orders: (Bool, Bool, Bool, Bool) { (true, false, false, false) }
}
private enum FirstOnly: OrderSet {
    @inline(__always) static var orders: (Bool, Bool, Bool, Bool) { (false, true, false, false) }
}
private enum SecondOnly: OrderSet {
    @inline(__always) static var orders: (Bool, Bool, Bool, Bool) { (false, false, true, false) }
}
private enum ValueAndFirst: OrderSet {
    @inline(__always) static var orders: (Bool, Bool, Bool, Bool) { (true, true, false, false) }
}
private enum FirstAndSecond: OrderSet {
    @inline(__always) static var orders: (Bool, Bool, Bool, Bool) { (false, true, true, false) }
}
private enum UpToSecond: OrderSet {
    @inline(__always) static var orders: (Bool, Bool, Bool, Bool) { (true, true, true, false) }
}
private enum AllOrders: OrderSet {
    @inline(__always) static var orders: (Bool, Bool, Bool, Bool) { (true, true, true, true) }
}

/// Where an order goes: to its place in an array, or, where nobody wants it, always to the same vector.
private struct OrderTarget<Scalar: KernelScalar> {
    let pointer: UnsafeMutablePointer<Scalar>
    let mask: Int

    @inline(__always)
    init(_ wanted: UnsafeMutablePointer<Scalar>?, otherwise vector: UnsafeMutablePointer<Scalar>) {
        pointer = wanted ?? vector
        mask = wanted == nil ? 0 : -1
    }

    @inline(__always) func place(_ index: Int) -> UnsafeMutablePointer<Scalar> { pointer + (index & mask) }
}

/// The wanted orders of the function at x.
@inline(__always)
func applyFormula<T: KernelScalar>(
    of function: Activation, _ out: ActivationOutputs<T>, _ x: UnsafePointer<T>, count: Int
) {
    switch function {
    case .tanh: map(TanhFormula.self, out, x, count)
    case .sigmoid: map(SigmoidFormula.self, out, x, count)
    case .softplus: map(SoftplusFormula.self, out, x, count)
    case .silu: map(SiluFormula.self, out, x, count)
    case .relu: map(ReluFormula.self, out, x, count)
    case .exponential: map(ExponentialFormula.self, out, x, count)
    case .logarithm: map(LogarithmFormula.self, out, x, count)
    case .reciprocal: map(ReciprocalFormula.self, out, x, count)
    case .squareRoot: map(SquareRootFormula.self, out, x, count)
    case .inverseSquareRoot: map(InverseSquareRootFormula.self, out, x, count)
    }
}

@inline(__always)
private func map<T: KernelScalar, Formula: ActivationFormula>(
    _: Formula.Type, _ out: ActivationOutputs<T>, _ x: UnsafePointer<T>, _ count: Int
) {
    switch (out.orders.0 != nil, out.orders.1 != nil, out.orders.2 != nil, out.orders.3 != nil) {
    case (true, false, false, false): loop(Formula.self, ValueOnly.self, out, x, count)
    case (false, true, false, false): loop(Formula.self, FirstOnly.self, out, x, count)
    case (false, false, true, false): loop(Formula.self, SecondOnly.self, out, x, count)
    case (true, true, false, false): loop(Formula.self, ValueAndFirst.self, out, x, count)
    case (false, true, true, false): loop(Formula.self, FirstAndSecond.self, out, x, count)
    case (true, true, true, false): loop(Formula.self, UpToSecond.self, out, x, count)
    default: loop(Formula.self, AllOrders.self, out, x, count)
    }
}

@inline(never)
private func loop<T: KernelScalar, Formula: ActivationFormula, Orders: OrderSet>(
    _: Formula.Type, _: Orders.Type, _ out: ActivationOutputs<T>, _ x: UnsafePointer<T>, _ count: Int
) {
    let lanes = T.Vector.scalarCount
    withUnsafeTemporaryAllocation(of: T.self, capacity: lanes) { unwanted in
        guard let vector = unwanted.baseAddress else { return }
        // Not a question in the loop whether an order is wanted: the compiler would write the loop once for each answer.
        let targets = (
            OrderTarget(out.orders.0, otherwise: vector), OrderTarget(out.orders.1, otherwise: vector),
            OrderTarget(out.orders.2, otherwise: vector), OrderTarget(out.orders.3, otherwise: vector)
        )
        var index = 0
        while index < count {
            let values = Formula.orders(T.self, load(x + index))
            let rest = min(lanes, count - index)
            if Orders.orders.0 { store(values.0, to: targets.0.place(index), count: rest) }
            if Orders.orders.1 { store(values.1, to: targets.1.place(index), count: rest) }
            if Orders.orders.2 { store(values.2, to: targets.2.place(index), count: rest) }
            if Orders.orders.3 { store(values.3, to: targets.3.place(index), count: rest) }
            index += lanes
        }
    }
}

/// Stores a vector, or the first of its elements where fewer are left.
@inline(__always)
private func store<T: KernelScalar>(_ vector: T.Vector, to target: UnsafeMutablePointer<T>, count: Int) {
    if count == T.Vector.scalarCount { store(vector, to: target) } else { storePartial(vector, to: target, count: count) }
}
