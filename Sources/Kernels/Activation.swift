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
    case .tanh: map(out, x, count) { tanhOrders(T.self, $0) }
    case .sigmoid:
        map(out, x, count) { x in
            let s = SigmoidOrders<T>(x)
            return (s.value, s.first, s.second, s.third)
        }
    case .softplus:
        map(out, x, count) { x in
            let s = SigmoidOrders<T>(x)
            return (softplus(T.self, x), s.value, s.first, s.second)
        }
    case .silu:
        map(out, x, count) { x in
            let s = SigmoidOrders<T>(x)
            return (
                x * s.value, s.value.addingProduct(x, s.first),
                (T.Vector(repeating: 2) * s.first).addingProduct(x, s.second),
                (T.Vector(repeating: 3) * s.second).addingProduct(x, s.third)
            )
        }
    case .relu:
        map(out, x, count) { x in
            let zero = T.Vector.zero
            let isPositive = x .> zero
            return (
                zero.replacing(with: x, where: isPositive),
                zero.replacing(with: T.Vector(repeating: 1), where: isPositive), zero, zero
            )
        }
    case .exponential:
        map(out, x, count) { x in
            let e = T.exp(x)
            return (e, e, e, e)
        }
    case .logarithm:
        map(out, x, count) { x in
            (T.log(x), T.Vector(repeating: 1) / x, T.Vector(repeating: -1) / (x * x), T.Vector(repeating: 2) / (x * x * x))
        }
    case .reciprocal:
        map(out, x, count) { x in
            (T.Vector(repeating: 1) / x, T.Vector(repeating: -1) / (x * x), T.Vector(repeating: 2) / (x * x * x),
             T.Vector(repeating: -6) / (x * x * (x * x)))
        }
    case .squareRoot:
        map(out, x, count) { x in
            let root = x.squareRoot()
            return (root, T.Vector(repeating: 0.5) / root, T.Vector(repeating: -0.25) / (x * root),
                    T.Vector(repeating: 0.375) / (x * x * root))
        }
    case .inverseSquareRoot:
        map(out, x, count) { x in
            let root = x.squareRoot()
            return (T.Vector(repeating: 1) / root, T.Vector(repeating: -0.5) / (x * root),
                    T.Vector(repeating: 0.75) / (x * x * root), T.Vector(repeating: -1.875) / (x * x * (x * root)))
        }
    }
}

/// 1 / (1 + e^-x) and its derivatives.
private struct SigmoidOrders<T: KernelScalar> {
    let value, first, second, third: T.Vector

    @inline(__always) init(_ x: T.Vector) {
        let one = T.Vector(repeating: 1)
        value = T.sigmoid(x)
        first = value * (one - value)
        second = first * (one - value - value)
        third = first * (one - T.Vector(repeating: 6) * first)
    }
}

@inline(__always)
private func tanhOrders<T: KernelScalar>(_: T.Type, _ x: T.Vector) -> (T.Vector, T.Vector, T.Vector, T.Vector) {
    let t = T.tanh(x)
    let square = t * t
    let first = T.Vector(repeating: 1) - square
    return (
        t, first, T.Vector(repeating: -2) * t * first,
        first * (T.Vector(repeating: 6) * square - T.Vector(repeating: 2))
    )
}

/// max(x, 0) + log(1 + e^-|x|), which does not overflow.
@inline(__always)
private func softplus<T: KernelScalar>(_: T.Type, _ x: T.Vector) -> T.Vector {
    let zero = T.Vector.zero
    let positive = zero.replacing(with: x, where: x .> zero)
    let magnitude = x.replacing(with: zero - x, where: x .< zero)
    return positive + T.log(T.Vector(repeating: 1) + T.exp(zero - magnitude))
}

/// One loop for each set of orders that networks want, so that the compiler drops what a loop does not store.
@inline(__always)
private func map<T: KernelScalar>(
    _ out: ActivationOutputs<T>, _ x: UnsafePointer<T>, _ count: Int,
    _ orders: (T.Vector) -> (T.Vector, T.Vector, T.Vector, T.Vector)
) {
    switch out.orders {
    case (let a?, nil, nil, nil):
        forEach(x, count) { index, lanes, x in put(orders(x).0, a + index, lanes) }
    case (nil, let b?, nil, nil):
        forEach(x, count) { index, lanes, x in put(orders(x).1, b + index, lanes) }
    case (nil, nil, let c?, nil):
        forEach(x, count) { index, lanes, x in put(orders(x).2, c + index, lanes) }
    case (let a?, let b?, nil, nil):
        forEach(x, count) { index, lanes, x in
            let values = orders(x)
            put(values.0, a + index, lanes)
            put(values.1, b + index, lanes)
        }
    case (let a?, let b?, let c?, nil):
        forEach(x, count) { index, lanes, x in
            let values = orders(x)
            put(values.0, a + index, lanes)
            put(values.1, b + index, lanes)
            put(values.2, c + index, lanes)
        }
    default:
        forEach(x, count) { index, lanes, x in
            let values = orders(x)
            if let a = out.orders.0 { put(values.0, a + index, lanes) }
            if let b = out.orders.1 { put(values.1, b + index, lanes) }
            if let c = out.orders.2 { put(values.2, c + index, lanes) }
            if let d = out.orders.3 { put(values.3, d + index, lanes) }
        }
    }
}

/// Calls `body` with each place, how many lanes count there, and the vector of x.
@inline(__always)
private func forEach<T: KernelScalar>(
    _ x: UnsafePointer<T>, _ count: Int, _ body: (_ index: Int, _ lanes: Int, _ x: T.Vector) -> Void
) {
    let lanes = T.Vector.scalarCount
    var index = 0
    while index + lanes <= count {
        body(index, lanes, load(x + index))
        index += lanes
    }
    if index < count { body(index, count - index, load(x + index)) }
}

@inline(__always)
private func put<T: KernelScalar>(_ vector: T.Vector, _ pointer: UnsafeMutablePointer<T>, _ lanes: Int) {
    if lanes == T.Vector.scalarCount { store(vector, to: pointer) } else { storePartial(vector, to: pointer, count: lanes) }
}
