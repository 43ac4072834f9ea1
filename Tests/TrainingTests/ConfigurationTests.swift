import Configuration
import NeuralNetworks
import Testing
@testable import Training

struct TrainingConfigurationTests {
    private func decode(_ text: String) throws -> TrainingConfiguration {
        try ConfigurationDocument(text: text, source: "test.json5").decode(TrainingConfiguration.self).value
    }

    private func keyOfError(_ text: String) -> String? {
        do {
            _ = try decode(text)
            return nil
        } catch {
            return (error as? ConfigurationError)?.keyPath ?? "\(error)"
        }
    }

    @Test func defaultsAreFilledIn() throws {
        let configuration = try decode("{steps: 100}")
        #expect(configuration.length == .steps(100))
        #expect(configuration.globalBatch == 32)
        #expect(configuration.microBatch == 1)
        #expect(configuration.optimizer == .adam)
        #expect(configuration.schedule == Schedule(peak: 1e-3, final: 0, warmup: 0, decay: .cosine))
        #expect(configuration.validation == nil)
    }

    @Test func everythingCanBeGiven() throws {
        let configuration = try decode("""
            {epochs: 2.5, globalBatch: 12, microBatch: 4, clip: 1, averaging: 0.999, seed: 7, precision: 'float64',
             optimizer: {kind: 'adamW', beta1: 0.8, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.1},
             schedule: {decay: 'exponential', peak: 0.01, final: 0.001, warmup: 20},
             validation: {every: 50, samples: 10, patience: 3, improvement: 0.01, keep: 'last'},
             checkpointEvery: 100, checkpointMinutes: 2.5, logEvery: 5}
            """)
        #expect(configuration.length == .epochs(2.5))
        #expect(configuration.steps(sampleCount: 100) == 21)
        #expect(configuration.optimizer == .adamW(beta1: 0.8, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.1))
        #expect(configuration.schedule == Schedule(peak: 0.01, final: 0.001, warmup: 20, decay: .exponential))
        #expect(configuration.validation?.patience == 3)
        #expect(configuration.validation?.keep == .last)
        #expect(configuration.precision == .float64)
        #expect(configuration.seed == 7)
    }

    @Test func soap() throws {
        #expect(try decode("{steps: 1, optimizer: {kind: 'soap'}}").optimizer == .soap(SOAP(
            beta1: 0.95, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.01, preconditionEvery: 10, largestSide: 512)))
        #expect(try decode("""
            {steps: 1, optimizer: {kind: 'soap', beta1: 0.9, beta2: 0.99, epsilon: 1e-6, weightDecay: 0,
             preconditionEvery: 5, largestSide: 64}}
            """).optimizer == .soap(SOAP(
                beta1: 0.9, beta2: 0.99, epsilon: 1e-6, weightDecay: 0, preconditionEvery: 5, largestSide: 64)))
    }

    @Test(arguments: [
        ("{}", "steps"), ("{steps: 1, epochs: 1}", "epochs"), ("{steps: 0}", "steps"),
        ("{steps: 1, globalBatch: 10, microBatch: 3}", "microBatch"), ("{steps: 1, averaging: 1}", "averaging"),
        ("{steps: 1, optimizer: {kind: 'adam', momentum: 0.9}}", "optimizer.momentum"),
        ("{steps: 1, optimizer: {kind: 'adam', weightDecay: 0.9}}", "optimizer.weightDecay"),
        ("{steps: 1, optimizer: {kind: 'soap', preconditionEvery: 0}}", "optimizer.preconditionEvery"),
        ("{steps: 1, optimizer: {kind: 'adamW', largestSide: 64}}", "optimizer.largestSide"),
        ("{steps: 1, schedule: {peak: 1e-3, final: 1}}", "schedule.final"),
        ("{steps: 1, validation: {every: 0}}", "validation.every"), ("{steps: 1, globalBtach: 2}", "globalBtach"),
    ])
    func mistakesNameTheirKey(text: String, key: String) {
        #expect(keyOfError(text) == key)
    }

    @Test func differencesNameTheirKey() throws {
        func root(_ text: String) throws -> ConfigurationValue {
            try ConfigurationDocument(text: text, source: "test").root
        }
        func difference(_ one: String, _ other: String) throws -> ConfigurationDifference? {
            .first(between: try root(one), and: try root(other), ignoring: TrainingConfiguration.resumableKeys)
        }
        let base = "{training: {steps: 10, seed: 1, schedule: {peak: 0.1}}, model: {kind: 'a'}, output: {model: 'x'}}"
        #expect(try difference(base, base) == nil)
        #expect(try difference(
            base, "{output: {model: 'y', more: 1}, model: {kind: 'a'}, training: {seed: 1, schedule: {peak: 1e-1}, steps: 20}}")
            == nil)
        #expect(try difference(base, "{training: {steps: 10, seed: 2, schedule: {peak: 0.1}}, model: {kind: 'a'}}")
            == ConfigurationDifference(key: "training.seed", first: "1", second: "2"))
        #expect(try difference(base, "{training: {steps: 10, seed: 1, schedule: {peak: 0.2}}, model: {kind: 'a'}}")?.key
            == "training.schedule.peak")
        #expect(try difference(base, "{training: {steps: 10, seed: 1, schedule: {peak: 0.1}, clip: 1}, model: {kind: 'a'}}")
            == ConfigurationDifference(key: "training.clip", first: "nothing", second: "1"))
    }
}

struct EarlyStopTests {
    @Test func patienceCountsFromTheBest() {
        var stop = EarlyStop(patience: 2, improvement: 0)
        for (step, loss, isBest, shouldStop) in [
            (1, 3.0, true, false), (2, 2, true, false), (3, 2, false, false), (4, 1.9, true, false),
            (5, 2, false, false), (6, 5, false, true),
        ] {
            #expect(stop.take(loss, step: step) == isBest)
            #expect(stop.shouldStop == shouldStop)
        }
        #expect(stop.bestLoss == 1.9 && stop.bestStep == 4)
    }

    @Test func smallImprovementsDoNotCount() {
        var stop = EarlyStop(patience: nil, improvement: 0.1)
        let taken = [-1.0, -1.05, -1.2].map { stop.take($0, step: 0) }
        #expect(taken == [true, false, true])
        #expect(!stop.shouldStop)
    }
}
