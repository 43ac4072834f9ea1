import Autodiff
import Kernels

extension Variable {
    /// The mean over all elements, `[1]`, for a variable whose every planned row is in use.
    public func mean() -> Variable { Scalar(1) / Scalar(max(shape.count, 1)) * sum() }

    /// The mean of the squares of all elements, `[1]`, as `mean`.
    public var meanSquare: Variable { squared.mean() }

    /// The mean of squared differences from `target`, `[1]`.
    public func meanSquaredError(from target: Variable) -> Variable { (self - target).meanSquare }

    /// The mean of sqrt(d^2 + s^2) - s over differences d from `target`: quadratic below the scale s, linear above.
    public func smoothAbsoluteError(from target: Variable, scale: Scalar) -> Variable {
        (((self - target).squared + scale * scale).applying(.squareRoot) + -scale).mean()
    }
}
