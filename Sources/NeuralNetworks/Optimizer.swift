import Kernels
import Tensor

/// A rule for changing parameters by their gradients, as data.
public enum Optimizer: Hashable, Sendable {
    /// w <- w - rate v, with v <- momentum v + g.
    case sgd(momentum: Double)
    /// Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019): m and v are running means
    /// of g and g^2; w <- w - rate (m' / (sqrt(v') + epsilon) + decay w), m' and v' corrected for their start at 0.
    case adamW(beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double)

    /// Adam with its usual constants and no weight decay.
    public static let adam = Optimizer.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0)

    /// How many arenas of state it keeps.
    public var stateCount: Int {
        switch self {
        case .sgd: 1
        case .adamW: 2
        }
    }

    /// Changes `parameters` in place in one pass over the arenas.
    ///
    /// - Parameters:
    ///   - gradientScale: multiplies every gradient first (averaging, clipping).
    ///   - state: `stateCount` arenas of `count` elements, zero before the first step.
    ///   - step: counted from 0.
    ///   - average: the running mean of the parameters, which takes in the new ones in the same pass; nil for none.
    public func update<Scalar: KernelScalar>(
        _ parameters: UnsafeMutablePointer<Scalar>, gradients: UnsafePointer<Scalar>, gradientScale: Double,
        state: [Buffer<Scalar>], rate: Double, step: Int, average: WeightAverage<Scalar>? = nil, count: Int
    ) {
        switch self {
        case .sgd(let momentum):
            momentumStep(
                parameters, gradients, state[0].pointer, gradientScale: Scalar(gradientScale),
                momentum: Scalar(momentum), rate: Scalar(rate), average: average, count: count)
        case .adamW(let beta1, let beta2, let epsilon, let weightDecay):
            adamStep(
                parameters, gradients, state[0].pointer, state[1].pointer,
                AdamCoefficients(
                    gradientScale: Scalar(gradientScale), beta1: Scalar(beta1), beta2: Scalar(beta2),
                    correction1: Scalar(1 / (1 - power(beta1, step + 1))),
                    correction2: Scalar(1 / (1 - power(beta2, step + 1))),
                    epsilon: Scalar(epsilon), weightDecay: Scalar(weightDecay), rate: Scalar(rate)),
                average: average, count: count)
        }
    }
}

/// base^exponent by repeated squaring: the same bits wherever it is computed.
private func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, factor, remaining) = (1.0, base, exponent)
    while remaining > 0 {
        if remaining & 1 == 1 { result *= factor }
        factor *= factor
        remaining >>= 1
    }
    return result
}
