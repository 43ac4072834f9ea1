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
    applyFormula(of: function, out, x, count: count)
}
