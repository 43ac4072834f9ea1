// The elementwise parts of SOAP, on one parameter. Its rotated spaces are in double precision, its state in the
// parameter's own; one scalar at a time, which the compiler turns into vectors.

/// m <- beta1 m + (1 - beta1) g, with g the scaled gradient; m and g also in double precision, to be rotated.
@specialized(where T == Float)
@specialized(where T == Double)
public func meanGradientStep<T: KernelScalar>(
    _ moment: UnsafeMutablePointer<Double>, _ gradient: UnsafeMutablePointer<Double>, _ m: UnsafeMutablePointer<T>,
    _ gradients: UnsafePointer<T>, gradientScale: Double, beta1: Double, count: Int
) {
    for index in 0..<count {
        let g = Double(gradients[index]) * gradientScale
        let mean = beta1 * Double(m[index]) + (1 - beta1) * g
        m[index] = T(mean)
        moment[index] = mean
        gradient[index] = g
    }
}

/// v <- beta2 v + (1 - beta2) g^2; m <- m c1 / (sqrt(v c2) + e), with rotated g and m.
@specialized(where T == Float)
@specialized(where T == Double)
public func adamDirection<T: KernelScalar>(
    _ m: UnsafeMutablePointer<Double>, _ v: UnsafeMutablePointer<T>, _ g: UnsafePointer<Double>, beta2: Double,
    correction1: Double, correction2: Double, epsilon: Double, count: Int
) {
    for index in 0..<count {
        let second = beta2 * Double(v[index]) + (1 - beta2) * g[index] * g[index]
        v[index] = T(second)
        m[index] = m[index] * correction1 / ((second * correction2).squareRoot() + epsilon)
    }
}

/// w <- w - rate (direction + decay w).
@specialized(where T == Float)
@specialized(where T == Double)
public func directionStep<T: KernelScalar>(
    _ w: UnsafeMutablePointer<T>, _ direction: UnsafePointer<Double>, rate: Double, weightDecay: Double,
    average: WeightAverage<T>?, count: Int
) {
    for index in 0..<count {
        let weight = Double(w[index])
        w[index] = T(weight - rate * (direction[index] + weightDecay * weight))
    }
    guard let average else { return }
    // In whole vectors: the elements behind a parameter are zero, here and in the average, and stay so.
    for index in stride(from: 0, to: count, by: T.Vector.scalarCount) { average.take(load(w + index), at: index) }
}

/// Reorders an array [outer, length, inner] along its middle axis: a[o, i, :] <- a[o, order[i], :].
///
/// - Parameter scratch: length * inner elements.
@specialized(where T == Float)
@specialized(where T == Double)
public func permuteAxis<T: KernelScalar>(
    _ a: UnsafeMutablePointer<T>, _ scratch: UnsafeMutablePointer<T>, order: UnsafePointer<Int>, outer: Int,
    length: Int, inner: Int
) {
    for slice in 0..<outer {
        let block = a + slice * length * inner
        for place in 0..<length {
            let source = block + order[place] * inner
            for index in 0..<inner { scratch[place * inner + index] = source[index] }
        }
        for index in 0..<(length * inner) { block[index] = scratch[index] }
    }
}
