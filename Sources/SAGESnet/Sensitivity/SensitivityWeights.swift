import Autodiff
import Kernels

// Attention to the cells and atoms that matter (004, "Potential challenges").

extension SAGESnetModel {
    /// How much a step does: the sum of squared deviations from ballistic motion, in units of what that misses. [1]
    func volatility<Scalar>(_ deviation: Deviation<Scalar>) -> Variable<Scalar> {
        let displacement = Scalar(1 / normalization.displacement) * deviation.displacement
        let velocityChange = Scalar(1 / normalization.kick) * deviation.velocityChange
        return displacement.squared.sum() + velocityChange.squared.sum()
    }
}

extension Variable {
    /// These weights of squared errors, more of them where a number is sensitive: w (1 - a + a s / mean s), where s is the
    /// length of the number's derivative by a row. Their sum stays what it is; they count as constants in gradients.
    ///
    /// - Parameters:
    ///   - number: [1]
    ///   - state: what it is derived by, with a row for each of these weights.
    ///   - amount: a, from 0 to 1.
    ///   - total: the sum of these weights.
    func weighted(
        bySensitivityOf number: Variable, to state: Variable, amount: Double, total: Double
    ) -> Variable {
        let derivative = tape.gradients(of: number, withRespectTo: [state])[0].detached
        // So little more than nothing that a step that is sensitive to nothing has weights, too.
        let sensitivity = (derivative.rowDot(derivative) + Scalar(1e-24)).applying(.squareRoot)
        let mean = Scalar(1 / total) * scaledByColumn(sensitivity).sum()
        let relative = sensitivity * mean.applying(.reciprocal).spread(like: sensitivity)
        return scaledByColumn(Scalar(amount) * relative + Scalar(1 - amount))
    }
}
