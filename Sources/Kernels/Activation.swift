/// The elementwise functions of networks and losses, each with its derivatives up to the third, which gradients of
/// energy-derived forces need.
public enum Activation: String, Hashable, Sendable, CaseIterable {
    case tanh, sigmoid, silu, softplus, relu, exponential, logarithm, reciprocal, squareRoot, inverseSquareRoot

    /// The highest derivative that `applyActivation` computes.
    public static let maximumOrder = 3
}

/// Where to write a function (order 0) and its derivatives; nil for those that nobody wants.
public struct ActivationOutputs<Scalar: KernelScalar> {
    public var orders: (
        UnsafeMutablePointer<Scalar>?, UnsafeMutablePointer<Scalar>?, UnsafeMutablePointer<Scalar>?,
        UnsafeMutablePointer<Scalar>?
    ) = (nil, nil, nil, nil)

    public init() {}

    public subscript(order: Int) -> UnsafeMutablePointer<Scalar>? {
        get {
            switch order {
            case 0: orders.0
            case 1: orders.1
            case 2: orders.2
            default: orders.3
            }
        }
        set {
            switch order {
            case 0: orders.0 = newValue
            case 1: orders.1 = newValue
            case 2: orders.2 = newValue
            default: orders.3 = newValue
            }
        }
    }
}

/// out = the derivative of the given order (0...3) of the function at x, elementwise.
public func applyActivation<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, _ function: Activation, order: Int, count: Int
) {
    var outputs = ActivationOutputs<T>()
    outputs[order] = out
    applyActivation(outputs, x, function, count: count)
}

/// The function at x and those of its derivatives that are wanted, from one evaluation of what they share; each has
/// the bits of `applyActivation` of its order alone. An output may be x itself.
@specialized(where T == Float)
@specialized(where T == Double)
public func applyActivation<T: KernelScalar>(
    _ out: ActivationOutputs<T>, _ x: UnsafePointer<T>, _ function: Activation, count: Int
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

/// One loop for each set of orders that networks want, so that the compiler drops what a loop does not store.
@inline(__always)
private func map<T: KernelScalar, Formula: ActivationFormula>(
    _: Formula.Type, _ out: ActivationOutputs<T>, _ x: UnsafePointer<T>, _ count: Int
) {
    let wanted = (out.orders.0 != nil, out.orders.1 != nil, out.orders.2 != nil, out.orders.3 != nil)
    switch wanted {
    case (true, false, false, false): loop(Formula.self, out, x, count, true, false, false, false)
    case (false, true, false, false): loop(Formula.self, out, x, count, false, true, false, false)
    case (false, false, true, false): loop(Formula.self, out, x, count, false, false, true, false)
    case (true, true, false, false): loop(Formula.self, out, x, count, true, true, false, false)
    case (true, true, true, false): loop(Formula.self, out, x, count, true, true, true, false)
    default: loop(Formula.self, out, x, count, wanted.0, wanted.1, wanted.2, wanted.3)
    }
}

@inline(__always)
private func loop<T: KernelScalar, Formula: ActivationFormula>(
    _: Formula.Type, _ out: ActivationOutputs<T>, _ x: UnsafePointer<T>, _ count: Int,
    _ zeroth: Bool, _ first: Bool, _ second: Bool, _ third: Bool
) {
    let lanes = T.Vector.scalarCount
    var index = 0
    while index + lanes <= count {
        let values = Formula.orders(T.self, load(x + index))
        if zeroth, let a = out.orders.0 { store(values.0, to: a + index) }
        if first, let b = out.orders.1 { store(values.1, to: b + index) }
        if second, let c = out.orders.2 { store(values.2, to: c + index) }
        if third, let d = out.orders.3 { store(values.3, to: d + index) }
        index += lanes
    }
    guard index < count else { return }
    let values = Formula.orders(T.self, load(x + index))
    let rest = count - index
    if zeroth, let a = out.orders.0 { storePartial(values.0, to: a + index, count: rest) }
    if first, let b = out.orders.1 { storePartial(values.1, to: b + index, count: rest) }
    if second, let c = out.orders.2 { storePartial(values.2, to: c + index, count: rest) }
    if third, let d = out.orders.3 { storePartial(values.3, to: d + index, count: rest) }
}
