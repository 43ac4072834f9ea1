import Autodiff
import Foundation
import ODE
import Tensor
import Testing

@Suite struct RungeKuttaTests {
    /// A pendulum that is driven: nonlinear, two unknowns, and time enters.
    private func derivative(_ time: Double, _ y: [Double]) -> [Double] { [y[1], -sin(y[0]) + 0.3 * cos(time)] }

    private func solution(_ method: ButcherTableau, steps: Int) -> (state: [Double], error: Double) {
        var (state, error) = ([1.0, 0.2], 0.0)
        let step = 2.0 / Double(steps)
        for index in 0..<steps {
            let (next, derivatives) = method.step(
                from: state, at: Double(index) * step, by: step,
                sum: { y, terms in
                    terms.reduce(y) { sum, term in zip(sum, term.derivative).map { $0 + term.factor * $1 } }
                }, derivative)
            if let weights = method.errorWeights {
                error = max(error, abs(step * zip(weights, derivatives).reduce(0) { $0 + $1.0 * $1.1[0] }))
            }
            state = next
        }
        return (state, error)
    }

    /// Half the step, and the error falls by two to the power of the order; the estimate of each step's by two to that of the lower one's
    /// local error.
    @Test(arguments: ButcherTableau.all) func ordersAreWhatTheyAreSaidToBe(_ method: ButcherTableau) {
        let exact = solution(.dormandPrince, steps: 4000).state
        func error(_ steps: Int) -> Double {
            zip(solution(method, steps: steps).state, exact).map { abs($0 - $1) }.max() ?? 0
        }
        let steps = method.order > 3 ? 20 : 80
        let observed = log2(error(steps) / error(2 * steps))
        #expect(abs(observed - Double(method.order)) < 0.25, "\(method.name): \(observed)")
        if method.errorWeights != nil {
            let estimated = log2(solution(method, steps: steps).error / solution(method, steps: 2 * steps).error)
            #expect(abs(estimated - Double(method.order)) < 0.5, "\(method.name): \(estimated)")
        }
    }

    @Test(arguments: ButcherTableau.all) func tableausAreConsistent(_ method: ButcherTableau) {
        #expect(abs(method.weights.reduce(0, +) - 1) < 1e-14)
        for (index, stage) in method.stages.enumerated() { #expect(stage.count == index) }
        #expect(abs(method.errorWeights?.reduce(0, +) ?? 0) < 1e-14)
        #expect(method.isFirstSameAsLast == ["Bogacki-Shampine", "Dormand-Prince"].contains(method.name))
    }

    /// Through three steps of dz/dt = tanh(z W) for rows of states, by the states and by W.
    @Test(arguments: ButcherTableau.all) func gradientsGoThroughSteps(_ method: ButcherTableau) throws {
        let points = [Tensor<Double>([4, 3], normal: 1, seed: 3), Tensor<Double>([3, 3], normal: 0.7, seed: 4)]
        let check = try GradientCheck(at: points) { inputs in
            (0..<3).reduce(inputs[0]) { state, index in
                method.step(
                    from: state, at: 0.2 * Double(index), by: 0.2,
                    sum: { y, terms in terms.reduce(y) { $0 + $1.factor * $1.derivative } }
                ) { _, place in place.rowProduct(inputs[1]).applying(.tanh) }.state
            }
        }
        #expect(check.firstOrderError < 1e-8 && check.secondOrderError < 1e-7 && check.forwardModeError < 1e-12)
    }
}
