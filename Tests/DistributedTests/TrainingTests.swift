import Autodiff
import Foundation
import MPI
import NeuralNetworks
import Tensor
@testable import Training

private let fewRanks: Set<Int> = [1, 2, 3, 4]

/// A configuration that uses everything: averaging, clipping, validation on an uneven number of samples.
private func configuration(
    steps: Int = 30, globalBatch: Int = 10, microBatch: Int = 1, patience: Int? = nil, optimizer: Optimizer = .adam
) -> TrainingConfiguration {
    TrainingConfiguration(
        length: .steps(steps), globalBatch: globalBatch, microBatch: microBatch, optimizer: optimizer,
        schedule: Schedule(peak: 0.02, final: 0.001, warmup: 3), clip: 0.5, averaging: 0.9, seed: 11,
        validation: ValidationConfiguration(every: 4, patience: patience), logEvery: 5)
}

/// The fingerprint of a whole training on each number of ranks up to all; they must be equal.
private func expectSameBits(_ communicator: Communicator, _ configuration: TrainingConfiguration) throws {
    var reference: [UInt64] = []
    for size in 1...communicator.size {
        let mine = try onFirst(size, of: communicator) { part in
            let trainer = try Trainer(
                task: RegressionTask(), configuration: configuration, communicator: part, bucketElements: 40)
            _ = try trainer.run()
            return trainer.fingerprint
        }
        if size == 1 { reference = try shared(mine, communicator) }
        if let mine { try expect(mine == reference, "\(size) ranks: \(mine), one rank: \(reference)") }
    }
}

let trainingTests: [DistributedTest] = [
    DistributedTest("training.sameBits.unevenShares", ranks: [2, 3, 4]) { communicator in
        try expectSameBits(communicator, configuration())
    },
    DistributedTest("training.sameBits.ranksWithoutMicroBatches", ranks: [2, 3, 4]) { communicator in
        try expectSameBits(communicator, configuration(globalBatch: 4, microBatch: 4))
        try expectSameBits(communicator, configuration(globalBatch: 6, microBatch: 2))
    },
    DistributedTest("training.sameBits.momentum", ranks: [3]) { communicator in
        try expectSameBits(communicator, configuration(globalBatch: 50, microBatch: 5, optimizer: .sgd(momentum: 0.8)))
    },
    DistributedTest("training.sameBits.soap", ranks: [2, 3, 4]) { communicator in
        let soap = Optimizer.soap(SOAP(preconditionEvery: 3))
        try expectSameBits(communicator, configuration(steps: 12, globalBatch: 9, optimizer: soap))
        try expectSameBits(communicator, configuration(steps: 12, globalBatch: 6, microBatch: 3, optimizer: soap))
    },
    DistributedTest("training.sameBits.earlyStop", ranks: [2, 3, 4]) { communicator in
        // A learning rate far too large: validation does not improve for long.
        var configuration = configuration(steps: 500, patience: 3)
        configuration.schedule = Schedule(peak: 0.5, warmup: 0, decay: .constant)
        let trainer = try Trainer(task: RegressionTask(), configuration: configuration, communicator: communicator)
        try expect(try trainer.run() == .stoppedEarly, "it did not stop")
        try expect(trainer.step < 500 && trainer.step % 4 == 0, "stopped at step \(trainer.step)")
        try expect(trainer.step == trainer.earlyStop.bestStep + 12, "best at \(trainer.earlyStop.bestStep)")
        try expectSameBits(communicator, configuration)
    },
    DistributedTest("training.learns", ranks: fewRanks) { communicator in
        let task = RegressionTask(samples: 200, validationSamples: 50)
        let trainer = try Trainer(
            task: task, configuration: configuration(steps: 1500, globalBatch: 20, microBatch: 5),
            communicator: communicator)
        _ = try trainer.run()
        // The variance of the targets is about 1.1.
        try expect(trainer.earlyStop.bestLoss < 0.05, "validation loss \(trainer.earlyStop.bestLoss)")
        try expect(trainer.calibrations <= 3, "\(trainer.calibrations) calibrations")
    },
    DistributedTest("training.sums.areTheDoubleSums", ranks: fewRanks) { communicator in
        try expectSumsOfKnownGradients(communicator)
    },
    DistributedTest("training.sums.rangeIsLeftAndFound", ranks: fewRanks) { communicator in
        // Targets leap by 10^6 for the samples of one epoch, and back: too large for the scale, then far below it.
        var reference: [UInt64] = []
        for size in 1...communicator.size {
            let mine = try onFirst(size, of: communicator) { part in
                let task = RegressionTask(samples: 20)
                task.targetScale = { $0.epoch == 5 ? 1e6 : 1 }
                let trainer = try Trainer(task: task, configuration: configuration(), communicator: part)
                _ = try trainer.run()
                try expect(trainer.calibrations >= 3, "\(trainer.calibrations) calibrations")
                return trainer.fingerprint
            }
            if size == 1 { reference = try shared(mine, communicator) }
            if let mine { try expect(mine == reference, "\(size) ranks") }
        }
    },
    DistributedTest("training.notFinite.isNamedOnEveryRank", ranks: fewRanks) { communicator in
        let task = RegressionTask()
        task.targetScale = { $0.sample == 13 && $0.epoch == 1 ? .infinity : 1 }
        let trainer = try Trainer(task: task, configuration: configuration(microBatch: 2), communicator: communicator)
        let error = try expectError(TrainingError.self, "an infinite target") { _ = try trainer.run() }
        guard case .notFinite(let step, "loss", let samples, .training) = error else {
            try expect(false, "\(error)")
            return
        }
        try expect(samples.contains(13) && samples.count == 2, "samples \(samples)")
        try expect((2...4).contains(step) && error.exitStatus == .internal, "\(error)")
        let text = try communicator.broadcast("\(error)", root: 0)
        try expect(text == "\(error)", "rank 0 says: \(text); this one: \(error)")
    },
    DistributedTest("training.notFinite.inValidation", ranks: fewRanks) { communicator in
        let task = RegressionTask()
        // The weights become huge, the training loss of the same step is still finite.
        task.beforeFill = { draws, purpose in
            if purpose == .validation && draws.contains(where: { $0.sample == 5 }) {
                task.poison()
            }
        }
        let trainer = try Trainer(task: task, configuration: configuration(microBatch: 2), communicator: communicator)
        task.poison = { [weak trainer] in trainer?.average?.pointer[0] = .nan }
        let error = try expectError(TrainingError.self, "a weight that is not a number") { _ = try trainer.run() }
        try expect(
            error == .notFinite(step: 4, quantity: "loss", samples: error.samples, purpose: .validation), "\(error)")
        try expect(error.samples.contains(4) || error.samples.contains(5), "samples \(error.samples)")
    },
    DistributedTest("training.fillThatIsNotReproducible", ranks: fewRanks) { communicator in
        let task = RegressionTask()
        var uses: [SampleDraw: Float] = [:]
        task.targetScale = { draw in
            // The first pass finds that the scale is unknown, the second one finds it, the third one leaves it.
            defer { uses[draw] = (uses[draw] ?? 1) * 1e5 }
            return uses[draw] ?? 1
        }
        let trainer = try Trainer(task: task, configuration: configuration(), communicator: communicator)
        let error = try expectError(TrainingError.self, "other data at each call") { _ = try trainer.run() }
        try expect(error == .notReproducible(step: trainer.step), "\(error)")
    },
    DistributedTest("training.noSamples", ranks: fewRanks) { communicator in
        let empty = try expectError(TrainingError.self, "no samples") {
            _ = try Trainer(task: RegressionTask(samples: 0), configuration: configuration(), communicator: communicator)
        }
        try expect(empty == .noSamples, "\(empty)")
        let untested = try expectError(TrainingError.self, "no validation samples") {
            _ = try Trainer(
                task: RegressionTask(validationSamples: 0), configuration: configuration(), communicator: communicator)
        }
        try expect(untested == .noValidationSamples, "\(untested)")
    },
    DistributedTest("training.soap.largeMatricesAllocateNothing", ranks: [1]) { _ in
        var layout = ParameterLayout()
        for shape: Shape in [[200, 96], [27, 24, 32], [40], [600, 8]] {
            _ = layout.add("p\(shape)", shape, .scaledNormal(fanIn: 1, gain: 1))
        }
        let state = OptimizerState<Float>(.soap(SOAP(preconditionEvery: 2)), layout: layout)
        let (weights, gradients) = (
            Buffer<Float>(repeating: 0, count: layout.count), Buffer<Float>(repeating: 0, count: layout.count))
        func step(_ step: Int) throws {
            layout.initialize(gradients.pointer, seed: UInt64(step))
            try state.update(weights.pointer, gradients: gradients.pointer, gradientScale: 1, rate: 0.01, step: step)
        }
        for number in 0..<3 { try step(number) }
        let generating = countAllocations { layout.initialize(gradients.pointer, seed: 1) }
        let allocations = try countAllocations { for number in 3..<7 { try step(number) } }
        try expect(allocations == 4 * generating, "\(allocations) allocations, \(generating) for each gradient")
    },
    DistributedTest("training.steadyStateAllocatesNothing", ranks: fewRanks) { communicator in
        // In any three steps, bases are found anew.
        for optimizer in [Optimizer.adam, .soap(SOAP(preconditionEvery: 3))] {
            let trainer = try Trainer(
                task: RegressionTask(samples: 7),
                configuration: configuration(steps: 100, microBatch: 2, optimizer: optimizer),
                communicator: communicator, bucketElements: 40)
            for _ in 0..<10 { try trainer.takeStep() }
            // Four epochs pass, so that shuffling is counted too.
            let allocations = try countAllocations {
                for _ in 0..<3 { try trainer.takeStep() }
            }
            try expect(allocations == 0, "\(optimizer): \(allocations) allocations in 3 steps")
            try expect(trainer.reducer.bucketCount > 2, "\(trainer.reducer.bucketCount) buckets")
            try expect(trainer.calibrations == 1, "\(trainer.calibrations) calibrations")
        }
    },
]

extension TrainingError {
    fileprivate var samples: [Int] {
        if case .notFinite(_, _, let samples, _) = self { samples } else { [] }
    }
}

/// Gradients that are known numbers: loss = sum of w x has the gradient x. Sums over ranks and micro-batches are
/// compared with sums in Double: two parameters, whose magnitudes differ by 10^12.
private func expectSumsOfKnownGradients(_ communicator: Communicator) throws {
    let count = 50
    var layout = ParameterLayout()
    let small = layout.add("small", [count], .constant(1))
    let large = layout.add("large", [count], .constant(1))
    let tape = Tape<Float>()
    let x = tape.input("x", [count])
    let y = tape.input("y", [count])
    let loss = (tape.parameter(small) * x).sum() + (tape.parameter(large) * y).sum()
    let gradients = tape.gradients(of: loss, withRespectTo: [tape.parameter(small), tape.parameter(large)])
    let arena = Buffer<Float>(repeating: 0, count: layout.count)
    let means = Buffer<Float>(repeating: 0, count: layout.count)
    let program = Program(computing: [loss] + gradients, parameters: arena.pointer)
    let microBatches = 13
    let reducer = GradientReducer(
        layout: layout, gradients: gradients, program: program, figureCount: 1, microBatches: microBatches,
        communicator: communicator, bucketElements: 8)

    func value(_ step: Int, _ microBatch: Int, _ index: Int) -> Float {
        var generator = Philox(seed: 5, stream: UInt64((step * microBatches + microBatch) * 2 * count + index))
        let magnitude: Double = index < count ? 1e-9 : 1e3
        return Float(magnitude * generator.nextNormal())
    }
    let share = share(of: microBatches, part: communicator.rank, parts: communicator.size)
    for step in 0..<4 {
        func pass(calibrating: Bool) throws {
            reducer.begin(calibrating: calibrating)
            for microBatch in share {
                for index in 0..<count {
                    program.pointer(to: x)[index] = value(step, microBatch, index)
                    program.pointer(to: y)[index] = value(step, microBatch, count + index)
                }
                reducer.beginMicroBatch(microBatch, of: share)
                try program.run { try reducer.advance(after: $0) }
                reducer.addFigure(0, Float(microBatch))
            }
        }
        try pass(calibrating: false)
        try reducer.finish()
        try expect(reducer.needsCalibration == (step == 0), "step \(step): calibration")
        if reducer.needsCalibration {
            try pass(calibrating: true)
            try reducer.finishCalibration()
            try pass(calibrating: false)
            try reducer.finish()
        }
        reducer.writeMeans(to: means.pointer)
        try expect(reducer.figure(0) == 6, "mean of 0...12: \(reducer.figure(0))")
        for index in 0..<(2 * count) {
            let parameter = index < count ? small : large
            let mean = means[parameter.offset + index % count]
            let exact = (0..<microBatches).reduce(0.0) { $0 + Double(value(step, $1, index)) } / Double(microBatches)
            // The stated bound for 13 micro-batches and r below 4 deviations, and the one rounding to Float.
            let bound = 0x1p-22 * 4 * (index < count ? 1e-9 : 1e3) + 0x1p-24 * exact.magnitude
            try expect(abs(Double(mean) - exact) <= bound, "step \(step) element \(index): \(mean), not \(exact)")
        }
    }
}
