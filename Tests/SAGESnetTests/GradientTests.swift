import SAGESnetTestSupport
import Tensor
import Testing
@testable import SAGESnet
@testable import Training

/// The gradient of the whole loss by every parameter against central differences, in double precision.
@Suite(.serialized) struct SAGESnetGradientTests {
    @Test(arguments: [
        "predictor: \"energy\"",
        "predictor: \"energy\", cells: \"dense\"",
        "predictor: \"energy\", cells: \"dense\", convolution: \"winograd\"",
        "predictor: \"energy\", form: \"scatter\", rollout: 2, environment: [\"temperature\"]",
        "predictor: \"energy\", blocks: 2, slots: 4, cell: 1.3, origin: \"corner\", positionNoise: 0.02",
        "predictor: \"increment\", codecWeight: 0.5",
        "predictor: \"increment\", cells: \"dense\", rollout: 2, environment: [\"temperature\"]",
        "predictor: \"increment\", slots: 8, cell: 2, origin: \"random\", activation: \"tanh\", rollout: 3",
    ])
    func agreesWithDifferences(_ members: String) throws {
        let scratch = try Scratch()
        let path = try scratch.lattice("crystal") { $0.frames = 6 }
        let configuration = try modelConfiguration(
            members, defaults: ["cell": "1", "channels": "3", "blocks": "1"])
        let task = try SAGESnetTask<Double>(configuration, training: [path], validation: [])
        try task.expectGradientAgreesWithDifferences(at: task.someWeights())
    }
}

extension TrainingTask where Scalar == Double {
    /// The gradient of the loss of two samples by every parameter, and what finds its central difference by one weight.
    func gradientAndDifferences(
        at weights: Buffer<Double>
    ) throws -> (gradient: [[Double]], difference: (_ index: Int) throws -> Double) {
        let (_, gradient, recorded) = try lossAndGradient(weights, samples: [0, 2])
        func loss(movingBy step: Double, _ index: Int) throws -> Double {
            let kept = weights.pointer[index]
            weights.pointer[index] += step
            defer { weights.pointer[index] = kept }
            try recorded.program.run()
            return recorded.figure(0)
        }
        let step = 1e-5
        return (gradient, { try (loss(movingBy: step, $0) - loss(movingBy: -step, $0)) / (2 * step) })
    }

    /// Compares the gradient of the loss of two samples by some weights of every parameter with central differences.
    func expectGradientAgreesWithDifferences(at weights: Buffer<Double>) throws {
        let (gradient, difference) = try gradientAndDifferences(at: weights)
        var random = Philox(seed: 3)
        for (parameter, values) in zip(layout.parameters, gradient) {
            let scale = max(values.map(abs).max() ?? 0, 1e-4)
            for _ in 0..<3 {
                let index = random.nextIndex(below: values.count)
                let difference = try difference(parameter.offset + index)
                #expect(
                    abs(values[index] - difference) < 1e-6 * scale + 1e-9,
                    "\(parameter.name)[\(index)]: \(values[index]), by differences \(difference)")
            }
        }
        // A gradient that is zero everywhere would pass for nothing.
        #expect(gradient.flatMap { $0 }.filter { abs($0) > 1e-8 }.count > gradient.count)
    }
}
