/// The elementwise functions of networks and losses, each with its derivatives up to the third, which gradients of
/// energy-derived forces need.
public enum Activation: String, Hashable, Sendable, CaseIterable {
    case tanh, sigmoid, silu, softplus, relu, exponential, logarithm, reciprocal, squareRoot, inverseSquareRoot

    /// The highest derivative that `applyActivation` computes.
    public static let maximumOrder = 3
}

/// out = the derivative of the given order (0...3) of the function at x, elementwise.
@specialized(where T == Float)
@specialized(where T == Double)
public func applyActivation<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, _ function: Activation, order: Int, count: Int
) {
    let one = T.Vector(repeating: 1)
    switch function {
    case .tanh:
        mapOrders(out, x, order, count) { x in
            T.tanh(x)
        } first: { x in
            let t = T.tanh(x)
            return one - t * t
        } second: { x in
            let t = T.tanh(x)
            return T.Vector(repeating: -2) * t * (one - t * t)
        } third: { x in
            let t = T.tanh(x)
            let square = t * t
            return (one - square) * (T.Vector(repeating: 6) * square - T.Vector(repeating: 2))
        }
    case .sigmoid:
        mapOrders(out, x, order, count, value: T.sigmoid, first: sigmoid1, second: sigmoid2, third: sigmoid3)
    case .softplus:
        // The value is max(x, 0) + log(1 + e^-|x|), which does not overflow.
        mapOrders(out, x, order, count) { x in
            let zero = T.Vector.zero
            let positive = zero.replacing(with: x, where: x .> zero)
            let magnitude = x.replacing(with: zero - x, where: x .< zero)
            return positive + T.log(one + T.exp(zero - magnitude))
        } first: { T.sigmoid($0) } second: { sigmoid1($0) } third: { sigmoid2($0) }
    case .silu:
        mapOrders(out, x, order, count) { x in
            x * T.sigmoid(x)
        } first: { x in
            let s = T.sigmoid(x)
            return s.addingProduct(x, s * (one - s))
        } second: { x in
            (T.Vector(repeating: 2) * sigmoid1(x)).addingProduct(x, sigmoid2(x))
        } third: { x in
            (T.Vector(repeating: 3) * sigmoid2(x)).addingProduct(x, sigmoid3(x))
        }
    case .relu:
        let zero = T.Vector.zero
        mapOrders(out, x, order, count) { x in
            zero.replacing(with: x, where: x .> zero)
        } first: { x in
            zero.replacing(with: one, where: x .> zero)
        } second: { _ in zero } third: { _ in zero }
    case .exponential:
        mapOrders(out, x, order, count, value: T.exp, first: T.exp, second: T.exp, third: T.exp)
    case .logarithm:
        mapOrders(out, x, order, count) { T.log($0) } first: { one / $0 } second: { x in
            T.Vector(repeating: -1) / (x * x)
        } third: { x in
            T.Vector(repeating: 2) / (x * x * x)
        }
    case .reciprocal:
        mapOrders(out, x, order, count) { one / $0 } first: { x in
            T.Vector(repeating: -1) / (x * x)
        } second: { x in
            T.Vector(repeating: 2) / (x * x * x)
        } third: { x in
            T.Vector(repeating: -6) / (x * x * (x * x))
        }
    case .squareRoot:
        mapOrders(out, x, order, count) { $0.squareRoot() } first: { x in
            T.Vector(repeating: 0.5) / x.squareRoot()
        } second: { x in
            T.Vector(repeating: -0.25) / (x * x.squareRoot())
        } third: { x in
            T.Vector(repeating: 0.375) / (x * x * x.squareRoot())
        }
    case .inverseSquareRoot:
        mapOrders(out, x, order, count) { one / $0.squareRoot() } first: { x in
            T.Vector(repeating: -0.5) / (x * x.squareRoot())
        } second: { x in
            T.Vector(repeating: 0.75) / (x * x * x.squareRoot())
        } third: { x in
            T.Vector(repeating: -1.875) / (x * x * (x * x.squareRoot()))
        }
    }

    @inline(__always) func sigmoid1(_ x: T.Vector) -> T.Vector {
        let s = T.sigmoid(x)
        return s * (one - s)
    }
    @inline(__always) func sigmoid2(_ x: T.Vector) -> T.Vector {
        let s = T.sigmoid(x)
        return s * (one - s) * (one - s - s)
    }
    @inline(__always) func sigmoid3(_ x: T.Vector) -> T.Vector {
        let s = T.sigmoid(x)
        let product = s * (one - s)
        return product * (one - T.Vector(repeating: 6) * product)
    }
}

@inline(__always)
private func mapOrders<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, _ order: Int, _ count: Int,
    value: (T.Vector) -> T.Vector, first: (T.Vector) -> T.Vector, second: (T.Vector) -> T.Vector,
    third: (T.Vector) -> T.Vector
) {
    switch order {
    case 0: map(out, x, count, value)
    case 1: map(out, x, count, first)
    case 2: map(out, x, count, second)
    default: map(out, x, count, third)
    }
}

@inline(__always)
private func map<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, _ count: Int, _ value: (T.Vector) -> T.Vector
) {
    let lanes = T.Vector.scalarCount
    var index = 0
    while index + lanes <= count {
        store(value(load(x + index)), to: out + index)
        index += lanes
    }
    if index < count { storePartial(value(load(x + index)), to: out + index, count: count - index) }
}
