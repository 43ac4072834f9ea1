import Kernels
import Tensor

/// What an optimizer remembers of the steps before, and the step itself.
///
/// A step is a function of the bits of weights, gradients and state alone, and allocates nothing (SOAP's first one
/// aside). `moments`, `statistics` and `bases` are the whole state: a copy goes on as if nothing had happened.
public final class OptimizerState<Scalar: KernelScalar> {
    public let optimizer: Optimizer
    /// Arenas of the parameters' layout: the velocity of SGD; mean gradient and mean squared gradient of the others.
    public let moments: [Buffer<Scalar>]
    private let count: Int
    private let preconditioning: Preconditioning<Scalar>?

    /// - Parameter layout: of the weights that it is to change.
    public init(_ optimizer: Optimizer, layout: ParameterLayout) {
        self.optimizer = optimizer
        count = layout.count
        moments = (0..<optimizer.momentCount).map { _ in Buffer(repeating: 0, count: layout.count) }
        if case .soap(let rule) = optimizer {
            preconditioning = Preconditioning(rule, layout: layout)
        } else {
            preconditioning = nil
        }
    }

    /// SOAP's matrices, the upper triangles, one behind the other; nil for other rules.
    public var statistics: Buffer<Double>? { preconditioning?.statistics }

    /// SOAP's eigenvectors, in the rows of matrices with the same places as those of `statistics`; nil for other rules.
    public var bases: Buffer<Double>? { preconditioning?.bases }

    /// Changes `weights` in place.
    ///
    /// - Parameters:
    ///   - gradientScale: multiplies every gradient first (averaging, clipping).
    ///   - step: counted from 0, when the state is zero.
    ///   - average: the running mean of the weights, which takes in the new ones; nil for none.
    /// - Throws: `OptimizerError` if gradients are too large for double precision.
    public func update(
        _ weights: UnsafeMutablePointer<Scalar>, gradients: UnsafePointer<Scalar>, gradientScale: Double, rate: Double,
        step: Int, average: WeightAverage<Scalar>? = nil
    ) throws {
        switch optimizer {
        case .sgd(let momentum):
            momentumStep(
                weights, gradients, moments[0].pointer, gradientScale: Scalar(gradientScale),
                momentum: Scalar(momentum), rate: Scalar(rate), average: average, count: count)
        case .adamW(let beta1, let beta2, let epsilon, let weightDecay):
            adamStep(
                weights, gradients, moments[0].pointer, moments[1].pointer,
                AdamCoefficients(
                    gradientScale: gradientScale, beta1: beta1, beta2: beta2, epsilon: epsilon,
                    weightDecay: weightDecay, rate: rate, updates: step + 1),
                average: average, count: count)
        case .soap:
            try preconditioning?.update(
                weights, gradients: gradients, mean: moments[0].pointer, meanSquare: moments[1].pointer,
                gradientScale: gradientScale, rate: rate, step: step, average: average)
        }
    }
}

extension AdamCoefficients {
    /// - Parameter updates: how many there are with this one, for the correction of the means' start at 0.
    init(
        gradientScale: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double, rate: Double,
        updates: Int
    ) {
        self.init(
            gradientScale: T(gradientScale), beta1: T(beta1), beta2: T(beta2),
            correction1: T(startCorrection(beta1, updates: updates)),
            correction2: T(startCorrection(beta2, updates: updates)),
            epsilon: T(epsilon), weightDecay: T(weightDecay), rate: T(rate))
    }
}

/// What a running mean of decay `beta` that started at 0 is multiplied by: 1 / (1 - beta^updates).
///
/// The power by repeated squaring: the same bits wherever it is computed.
func startCorrection(_ beta: Double, updates: Int) -> Double {
    var (result, factor, remaining) = (1.0, beta, updates)
    while remaining > 0 {
        if remaining & 1 == 1 { result *= factor }
        factor *= factor
        remaining >>= 1
    }
    return 1 / (1 - result)
}
