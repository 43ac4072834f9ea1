/// A function of a vector and its first three derivatives.
protocol ActivationFormula {
    static func orders<T: KernelScalar>(_: T.Type, _ x: T.Vector) -> (T.Vector, T.Vector, T.Vector, T.Vector)
}

enum TanhFormula: ActivationFormula {
    @inline(__always)
    static func orders<T: KernelScalar>(_: T.Type, _ x: T.Vector) -> (T.Vector, T.Vector, T.Vector, T.Vector) {
        let t = T.tanh(x)
        let square = t * t
        let first = T.Vector(repeating: 1) - square
        return (
            t, first, T.Vector(repeating: -2) * t * first,
            first * (T.Vector(repeating: 6) * square - T.Vector(repeating: 2))
        )
    }
}

/// s = 1 / (1 + e^-x).
enum SigmoidFormula: ActivationFormula {
    @inline(__always)
    static func orders<T: KernelScalar>(_: T.Type, _ x: T.Vector) -> (T.Vector, T.Vector, T.Vector, T.Vector) {
        let one = T.Vector(repeating: 1)
        let s = T.sigmoid(x)
        let first = s * (one - s)
        return (s, first, first * (one - s - s), first * (one - T.Vector(repeating: 6) * first))
    }
}

/// max(x, 0) + log(1 + e^-|x|), which does not overflow; its derivative is the sigmoid.
enum SoftplusFormula: ActivationFormula {
    @inline(__always)
    static func orders<T: KernelScalar>(_: T.Type, _ x: T.Vector) -> (T.Vector, T.Vector, T.Vector, T.Vector) {
        let zero = T.Vector.zero
        let positive = zero.replacing(with: x, where: x .> zero)
        let magnitude = x.replacing(with: zero - x, where: x .< zero)
        let value = positive + T.log(T.Vector(repeating: 1) + T.exp(zero - magnitude))
        let s = SigmoidFormula.orders(T.self, x)
        return (value, s.0, s.1, s.2)
    }
}

/// x s(x), with the sigmoid s.
enum SiluFormula: ActivationFormula {
    @inline(__always)
    static func orders<T: KernelScalar>(_: T.Type, _ x: T.Vector) -> (T.Vector, T.Vector, T.Vector, T.Vector) {
        let s = SigmoidFormula.orders(T.self, x)
        return (
            x * s.0, s.0.addingProduct(x, s.1), (T.Vector(repeating: 2) * s.1).addingProduct(x, s.2),
            (T.Vector(repeating: 3) * s.2).addingProduct(x, s.3)
        )
    }
}

enum ReluFormula: ActivationFormula {
    @inline(__always)
    static func orders<T: KernelScalar>(_: T.Type, _ x: T.Vector) -> (T.Vector, T.Vector, T.Vector, T.Vector) {
        let zero = T.Vector.zero
        let isPositive = x .> zero
        return (
            zero.replacing(with: x, where: isPositive),
            zero.replacing(with: T.Vector(repeating: 1), where: isPositive), zero, zero
        )
    }
}

enum ExponentialFormula: ActivationFormula {
    @inline(__always)
    static func orders<T: KernelScalar>(_: T.Type, _ x: T.Vector) -> (T.Vector, T.Vector, T.Vector, T.Vector) {
        let e = T.exp(x)
        return (e, e, e, e)
    }
}

enum LogarithmFormula: ActivationFormula {
    @inline(__always)
    static func orders<T: KernelScalar>(_: T.Type, _ x: T.Vector) -> (T.Vector, T.Vector, T.Vector, T.Vector) {
        let square = x * x
        return (
            T.log(x), T.Vector(repeating: 1) / x, T.Vector(repeating: -1) / square,
            T.Vector(repeating: 2) / (square * x)
        )
    }
}

enum ReciprocalFormula: ActivationFormula {
    @inline(__always)
    static func orders<T: KernelScalar>(_: T.Type, _ x: T.Vector) -> (T.Vector, T.Vector, T.Vector, T.Vector) {
        let square = x * x
        return (
            T.Vector(repeating: 1) / x, T.Vector(repeating: -1) / square, T.Vector(repeating: 2) / (square * x),
            T.Vector(repeating: -6) / (square * square)
        )
    }
}

enum SquareRootFormula: ActivationFormula {
    @inline(__always)
    static func orders<T: KernelScalar>(_: T.Type, _ x: T.Vector) -> (T.Vector, T.Vector, T.Vector, T.Vector) {
        let root = x.squareRoot()
        return (
            root, T.Vector(repeating: 0.5) / root, T.Vector(repeating: -0.25) / (x * root),
            T.Vector(repeating: 0.375) / (x * x * root)
        )
    }
}

enum InverseSquareRootFormula: ActivationFormula {
    @inline(__always)
    static func orders<T: KernelScalar>(_: T.Type, _ x: T.Vector) -> (T.Vector, T.Vector, T.Vector, T.Vector) {
        let root = x.squareRoot()
        return (
            T.Vector(repeating: 1) / root, T.Vector(repeating: -0.5) / (x * root),
            T.Vector(repeating: 0.75) / (x * x * root), T.Vector(repeating: -1.875) / (x * x * (x * root))
        )
    }
}
