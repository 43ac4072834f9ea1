/// The coefficients of an explicit Runge-Kutta method.
///
///     k_i = f(t + c_i h, y + h sum over j < i of a_ij k_j),    y(t + h) = y + h sum over i of b_i k_i
public struct ButcherTableau: Hashable, Sendable {
    public let name: String
    /// Of local errors h^(order + 1).
    public let order: Int
    /// a: for each stage the weights of those before it.
    public let stages: [[Double]]
    /// b.
    public let weights: [Double]
    /// b minus the weights of the embedded method of a lower order: what it sums to estimates the error; nil without one.
    public let errorWeights: [Double]?

    /// c: each stage's part of the step, the sum of its weights.
    public var times: [Double] { stages.map { $0.reduce(0, +) } }

    init(_ name: String, order: Int, stages: [[Double]], weights: [Double], embedded: [Double]? = nil) {
        (self.name, self.order, self.stages, self.weights) = (name, order, stages, weights)
        errorWeights = embedded.map { zip(weights, $0).map { $0 - $1 } }
    }

    public static let euler = ButcherTableau("Euler", order: 1, stages: [[]], weights: [1])
    public static let heun = ButcherTableau("Heun", order: 2, stages: [[], [1]], weights: [1.0 / 2, 1.0 / 2], embedded: [1, 0])
    /// Bogacki and Shampine 1989.
    public static let bogackiShampine = ButcherTableau(
        "Bogacki-Shampine", order: 3, stages: [[], [1.0 / 2], [0, 3.0 / 4], [2.0 / 9, 1.0 / 3, 4.0 / 9]],
        weights: [2.0 / 9, 1.0 / 3, 4.0 / 9, 0], embedded: [7.0 / 24, 1.0 / 4, 1.0 / 3, 1.0 / 8])
    /// The classical one.
    public static let rungeKutta4 = ButcherTableau(
        "Runge-Kutta 4", order: 4, stages: [[], [1.0 / 2], [0, 1.0 / 2], [0, 0, 1]],
        weights: [1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6])
    /// Dormand and Prince 1980.
    public static let dormandPrince = ButcherTableau(
        "Dormand-Prince", order: 5,
        stages: [
            [], [1.0 / 5], [3.0 / 40, 9.0 / 40], [44.0 / 45, -56.0 / 15, 32.0 / 9],
            [19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729],
            [9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656],
            [35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84],
        ],
        weights: [35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84, 0],
        embedded: [
            5179.0 / 57600, 0, 7571.0 / 16695, 393.0 / 640, -92097.0 / 339200, 187.0 / 2100, 1.0 / 40,
        ])

    public static let all = [euler, heun, bogackiShampine, rungeKutta4, dormandPrince]

    /// Whether the last stage is the derivative at the end of the step, which is the first of the next step.
    public var isFirstSameAsLast: Bool { stages.count > 1 && stages[stages.count - 1] == Array(weights.dropLast()) }

    /// One step, for states of any kind: numbers, arrays, or variables of a tape, through which gradients then go.
    ///
    /// - Parameters:
    ///   - sum: y plus the sum of the given multiples of derivatives; no multiple is 0.
    ///   - derivative: f.
    /// - Returns: the state at the end of the step, and the derivatives of the stages.
    public func step<State>(
        from state: State, at time: Double, by step: Double, sum: (State, [(factor: Double, derivative: State)]) -> State,
        _ derivative: (Double, State) throws -> State
    ) rethrows -> (state: State, derivatives: [State]) {
        func combination(_ weights: [Double], _ derivatives: [State]) -> State {
            sum(state, zip(weights, derivatives).filter { $0.0 != 0 }.map { (factor: step * $0, derivative: $1) })
        }
        var derivatives: [State] = []
        for (weights, part) in zip(stages, times) {
            let place = weights.isEmpty ? state : combination(weights, derivatives)
            derivatives.append(try derivative(time + part * step, place))
        }
        return (combination(weights, derivatives), derivatives)
    }
}
