// One pass over the flat arenas; lengths are multiples of 16, so there are no tails.

/// The running mean of the weights: average <- average + (1 - decay) (w - average), with the new weights.
public struct WeightAverage<T: KernelScalar> {
    let average: UnsafeMutablePointer<T>
    let rest: T

    public init(_ average: UnsafeMutablePointer<T>, decay: T) { (self.average, rest) = (average, 1 - decay) }

    private init(_ average: UnsafeMutablePointer<T>, rest: T) { (self.average, self.rest) = (average, rest) }

    /// Of the weights from `offset` on, a multiple of 16.
    public func advanced(by offset: Int) -> WeightAverage { WeightAverage(average + offset, rest: rest) }

    @inline(__always) func take(_ weights: T.Vector, at index: Int) {
        let mean: T.Vector = load(average + index)
        store(mean.addingProduct(T.Vector(repeating: rest), weights - mean), to: average + index)
    }
}

/// The numbers of one step of `adamStep`.
public struct AdamCoefficients<T: KernelScalar> {
    let gradientScale, beta1, beta2, correction1, correction2, epsilon, weightDecay, rate: T

    public init(
        gradientScale: T, beta1: T, beta2: T, correction1: T, correction2: T, epsilon: T, weightDecay: T, rate: T
    ) {
        (self.gradientScale, self.beta1, self.beta2) = (gradientScale, beta1, beta2)
        (self.correction1, self.correction2) = (correction1, correction2)
        (self.epsilon, self.weightDecay, self.rate) = (epsilon, weightDecay, rate)
    }
}

/// m <- beta1 m + (1 - beta1) g; v <- beta2 v + (1 - beta2) g^2; w <- w - rate (m c1 / (sqrt(v c2) + e) + decay w).
///
/// - Precondition: `count` is a multiple of 16.
@specialized(where T == Float)
@specialized(where T == Double)
public func adamStep<T: KernelScalar>(
    _ w: UnsafeMutablePointer<T>, _ gradients: UnsafePointer<T>, _ m: UnsafeMutablePointer<T>,
    _ v: UnsafeMutablePointer<T>, _ coefficients: AdamCoefficients<T>, average: WeightAverage<T>?, count: Int
) {
    let scale = T.Vector(repeating: coefficients.gradientScale)
    let beta1 = T.Vector(repeating: coefficients.beta1)
    let beta2 = T.Vector(repeating: coefficients.beta2)
    let rest1 = T.Vector(repeating: 1 - coefficients.beta1)
    let rest2 = T.Vector(repeating: 1 - coefficients.beta2)
    let correction1 = T.Vector(repeating: coefficients.correction1)
    let correction2 = T.Vector(repeating: coefficients.correction2)
    let epsilon = T.Vector(repeating: coefficients.epsilon)
    let decay = T.Vector(repeating: coefficients.weightDecay)
    let rate = T.Vector(repeating: coefficients.rate)
    for index in stride(from: 0, to: count, by: T.Vector.scalarCount) {
        let g = load(gradients + index) * scale
        let first = (rest1 * g).addingProduct(beta1, load(m + index))
        let second = (rest2 * g * g).addingProduct(beta2, load(v + index))
        store(first, to: m + index)
        store(second, to: v + index)
        let weights = load(w + index)
        let direction = first * correction1 / ((second * correction2).squareRoot() + epsilon)
        let updated = weights - rate * direction.addingProduct(decay, weights)
        store(updated, to: w + index)
        average?.take(updated, at: index)
    }
}

/// v <- momentum v + g; w <- w - rate v.
///
/// - Precondition: `count` is a multiple of 16.
@specialized(where T == Float)
@specialized(where T == Double)
public func momentumStep<T: KernelScalar>(
    _ w: UnsafeMutablePointer<T>, _ gradients: UnsafePointer<T>, _ v: UnsafeMutablePointer<T>,
    gradientScale: T, momentum: T, rate: T, average: WeightAverage<T>?, count: Int
) {
    let scale = T.Vector(repeating: gradientScale)
    let momentum = T.Vector(repeating: momentum)
    let rate = T.Vector(repeating: rate)
    for index in stride(from: 0, to: count, by: T.Vector.scalarCount) {
        let velocity = (load(gradients + index) * scale).addingProduct(momentum, load(v + index))
        store(velocity, to: v + index)
        let updated = load(w + index) - rate * velocity
        store(updated, to: w + index)
        average?.take(updated, at: index)
    }
}
