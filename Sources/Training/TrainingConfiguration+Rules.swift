import Configuration
import NeuralNetworks

/// The section `training.optimizer`.
struct OptimizerConfiguration: Configurable {
    enum Kind: String, CaseIterable, ConfigurationChoice {
        case adam, adamW, soap, sgd
    }

    let optimizer: Optimizer

    init(from section: ConfigurationSection) throws {
        let kind = try section.value("kind", default: Kind.adam, "the rule")
        switch kind {
        case .adam, .adamW:
            let beta1 = try section.value("beta1", default: 0.9, in: .from(0, below: 1), "decay of the mean gradient")
            let beta2 = try section.value("beta2", default: 0.999, in: .from(0, below: 1),
                                          "decay of the mean squared gradient")
            let epsilon = try section.value("epsilon", default: 1e-8, in: .above(0),
                                            "added to the root of the mean squared gradient")
            let weightDecay = kind == .adam ? 0
                : try section.value("weightDecay", default: 0.01, in: .atLeast(0),
                                    "weights shrink by this times the learning rate in each step")
            optimizer = .adamW(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay)
        case .soap:
            let usual = SOAP()
            optimizer = .soap(SOAP(
                beta1: try section.value("beta1", default: usual.beta1, in: .from(0, below: 1),
                                         "decay of the mean gradient"),
                beta2: try section.value("beta2", default: usual.beta2, in: .from(0, below: 1),
                                         "decay of the mean squared gradient and of the matrices of its products"),
                epsilon: try section.value("epsilon", default: usual.epsilon, in: .above(0),
                                           "added to the root of the mean squared gradient"),
                weightDecay: try section.value("weightDecay", default: usual.weightDecay, in: .atLeast(0),
                                               "weights shrink by this times the learning rate in each step"),
                preconditionEvery: try section.value("preconditionEvery", default: usual.preconditionEvery,
                                                     in: .atLeast(1), unit: "steps",
                                                     "how often the bases follow the matrices"),
                largestSide: try section.value("largestSide", default: usual.largestSide, in: .atLeast(1),
                                               "a longer axis of a parameter is not preconditioned")))
        case .sgd:
            optimizer = .sgd(momentum: try section.value("momentum", default: 0, in: .from(0, below: 1),
                                                         "part of the last change that is kept"))
        }
    }
}

extension Schedule.Decay: ConfigurationChoice {}

/// The section `training.schedule`.
struct ScheduleConfiguration: Configurable {
    let schedule: Schedule

    init(from section: ConfigurationSection) throws {
        let decay = try section.value("decay", default: Schedule.Decay.cosine, "how the rate falls after warm-up")
        let peak = try section.value("peak", default: 1e-3, in: .above(0), "the learning rate after warm-up")
        let final = try section.value(
            "final", default: decay == .exponential ? peak / 100 : 0, in: .atLeast(0),
            "the learning rate of the last step; unused where decay is constant")
        try section.require(final <= peak, "final", "it must not exceed peak (\(peak))")
        try section.require(decay != .exponential || final > 0, "final", "an exponential decay never reaches 0")
        let warmup = try section.value("warmup", default: 0, in: .atLeast(0), unit: "steps",
                                       "over which the rate rises in equal parts")
        schedule = Schedule(peak: peak, final: final, warmup: warmup, decay: decay)
    }
}
