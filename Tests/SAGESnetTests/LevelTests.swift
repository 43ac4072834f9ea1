import Autodiff
import Grid
import NeuralNetworks
import SAGESnetTestSupport
import Tensor
import Testing
@testable import SAGESnet
@testable import Training

/// Coarse levels: blocks, scale transformers, and the levels' own training.
@Suite(.serialized) struct LevelTests {
    static func small(_ members: String) -> String {
        "\(members), \(members.contains("channels") ? "" : "channels: 6, ")blocks: 1, slots: 4"
    }

    /// Blocks hold the cells that they are made of, and give them back; each way is the other's adjoint.
    @Test func foldingIsExact() throws {
        let (extents, factors) = (Extent3(z: 2, y: 1, x: 3), Extent3(z: 2, y: 3, x: 1))
        let blocks = RowDomain("blocks", capacity: 12, count: 12)
        let cells = RowDomain("cells", capacity: 72, count: 72)
        let folding = BlockFolding(cells: cells, blocks: blocks, extents: extents, factors: factors, samples: 2)
        let tape = Tape<Double>()
        let x = tape.input("x", [72, 2], over: cells)
        let folded = folding.fold(x)
        let back = folding.unfold(folded)
        let program = Program(computing: [folded, back])
        let values = Tensor<Double>([72, 2], normal: 1, seed: 4)
        program.set(x, values)
        try program.run()
        let given = program.value(of: back)
        #expect((0..<values.count).allSatisfy { given[$0] == values[$0] })
        // Second sample, block (1, 0, 2), its cell (1, 2, 0): cell (3, 2, 2) of 4x3x3.
        let cell = 36 + (3 * 3 + 2) * 3 + 2
        let place = 1 * 3 + 2
        #expect(program.value(of: folded)[(6 + 5) * 12 + 2 * place + 1] == values[2 * cell + 1])
        let check = try GradientCheck(at: [values], over: cells) { folding.unfold(folding.fold($0[0]).squared) * $0[0] }
        #expect(check.firstOrderError < 1e-8 && check.secondOrderError < 1e-6, "\(check)")
    }

    @Test func principalComponents() throws {
        // A line in three dimensions, and a little of another.
        var moments = VectorMoments(length: 3)
        var random = Philox(seed: 5)
        for _ in 0..<4000 {
            let (a, b) = (2 * random.nextNormal(), 0.1 * random.nextNormal())
            moments.add([1 + 0.6 * a, -0.8 * a + 0 * b, 3 + b])
        }
        let components = try #require(PrincipalComponents(covariance: moments.covariance, length: 3))
        #expect(abs(components.variances[0] - 4) < 0.3 && abs(components.variances[1] - 0.01) < 1e-3)
        #expect(abs(components.variances[2]) < 1e-12)
        // The largest component is the positive one.
        #expect(abs(components.axes[0] + 0.6) < 1e-3 && abs(components.axes[1] - 0.8) < 1e-3)
        #expect(abs(PrincipalComponents.effectiveRank(of: [1, 1, 1, 1]) - 4) < 1e-12)
        #expect(PrincipalComponents.effectiveRank(of: [1, 0, 0]) == 1)
        #expect(PrincipalComponents.effectiveRank(of: components.variances) < 1.1)
        #expect(PrincipalComponents(covariance: [.nan, 0, 0, 1], length: 2) == nil)

        let white = try #require(ScaleTransformer(moments, codes: 2))
        let code = white.code([1 + 0.6 * 2, -0.8 * 2, 3])
        #expect(abs(abs(code[0]) - 1) < 0.1 && abs(code[1]) < 0.1, "\(code)")
        let mean = white.code(moments.mean)
        #expect(mean.allSatisfy { abs($0) < 1e-12 })
    }

    /// The first blocks are filled alike; codes as long as what they are of give everything back.
    @Test(arguments: ["increment", "energy"]) func codesGiveAtomsBack(_ predictor: String) throws {
        let scratch = try Scratch()
        let path = try scratch.lattice("crystal") { $0.frames = 8 }
        let configuration = try levelConfiguration(
            "base: \"atoms\", predictor: \"\(predictor)\", channels: 64, blocks: 1, slots: 4")
        let task = try LevelTask<Double>(configuration, training: [path], validation: [])
        let weights = Buffer<Double>(repeating: 0, count: task.layout.count)
        task.initialize(weights.pointer, seed: 1)
        let evaluation = try LevelEvaluation(
            task.model, parameters: weights, path: path, levelZero: nil, communicator: .selfOnly)
        #expect(evaluation.samples == 5 && evaluation.horizon == 2)
        #expect(evaluation.reconstruction.position < 1e-5 && evaluation.reconstruction.velocity < 1e-2, "\(evaluation)")
        #expect(evaluation.ballistic.position > 0.001)
        #expect(evaluation.spread.codes == 48 && !evaluation.spread.isCollapsed)
    }

    /// For an energy, the last time is in the pairs alone, and other codes tell what they leave open of the times before.
    @Test func pairsAreOfTheLastTime() throws {
        // Two times of one number and its rate: x1 = x0 + v0 + a/2, v1 = v0 + a.
        var moments = VectorMoments(length: 4)
        var random = Philox(seed: 6)
        for _ in 0..<4000 {
            let (x, v) = (3 + random.nextNormal(), 2 * random.nextNormal())
            let a = -0.3 * (x - 3) + 0.2 * random.nextNormal()
            moments.add([x, v, x + v + a / 2, v + a])
        }
        let transformer = try #require(
            ScaleTransformer(moments, codes: 4, pairs: 1, columns: [.history, .history, .offset, .velocity]))
        let (one, other) = (transformer.code([3, 1, 4.2, 1.5]), transformer.code([5, -1, 4.2, 1.5]))
        #expect(one[0] == other[0] && one[1] == other[1] && abs(one[2] - other[2]) > 0.1)
        for (block, code) in [([3, 1, 4.2, 1.5], one), ([5, -1, 4.2, 1.5], other)] {
            for row in 0..<4 {
                let back = (0..<4).reduce(transformer.decoderOffset[row]) { $0 + code[$1] * transformer.decoder[$1 * 4 + row] }
                // Motion has one freedom more than the pair: three numbers tell four but for the residuals.
                #expect(abs(back - block[row]) < (row < 2 ? 2 : 1e-9), "\(row): \(back)")
            }
        }
        let exact = transformer.code(moments.mean)
        #expect(exact.allSatisfy { abs($0) < 1e-9 })
    }

    /// A rollout keeps the momentum and the center of mass's motion, whatever the weights are; codes beyond all that was
    /// seen end it with an error that names step and level. (Principal components leave out what hardly spreads, and that part
    /// of the momentum, hence their tolerance.)
    @Test(arguments: [("increment", 1.0), ("energy", 1e-4)])
    func conservesAndNoticesDivergence(_ predictor: String, _ tolerance: Double) throws {
        let scratch = try Scratch()
        // As many blocks as tell all directions in which one may differ.
        let path = try scratch.lattice("crystal") { ($0.frames, $0.sites) = (16, SIMD3(8, 8, 8)) }
        let configuration = try levelConfiguration(
            "base: \"atoms\", predictor: \"\(predictor)\", channels: 64, width: 8, blocks: 1, slots: 4")
        let task = try LevelTask<Double>(configuration, training: [path], validation: [])
        let weights = Buffer<Double>(repeating: 0, count: task.layout.count)
        task.initialize(weights.pointer, seed: 1)
        let blocks = try AtomBlocks(path, for: configuration)
        func simulator() throws -> LevelSimulator<Double> {
            let simulator = try LevelSimulator<Double>(
                model: task.model, parameters: weights, blocks: blocks.blocks, boundaries: blocks.boundaries,
                communicator: .selfOnly)
            try simulator.start(from: blocks, frame: 0)
            try simulator.settle()
            return simulator
        }
        let steady = try simulator()
        let atoms = LevelAtoms(steady, blocks)
        func momentum() throws -> SIMD3<Double> {
            var sum = SIMD3<Double>()
            try steady.decode()
            atoms.forEach(step: 1) { atom, _, velocity in sum += blocks.run.masses[atom] * velocity }
            return sum
        }
        let before = try momentum()
        for _ in 0..<3 { try steady.advance() }
        let change = try momentum() - before
        #expect((change * change).sum().squareRoot() < tolerance, "\(change)")
        #expect(steady.conservation.largestVelocityCorrection > 0)
        let wild = try simulator()
        for index in wild.codes.indices where index % 7 == 0 { wild.codes[index] = 1 }
        for parameter in task.layout.parameters where parameter.name.hasSuffix("bias") || parameter.name.hasSuffix("weights") {
            for index in 0..<parameter.shape.count { weights.pointer[parameter.offset + index] *= 40 }
        }
        var failure: SAGESnetError?
        do { for _ in 0..<20 { try wild.advance() } } catch let error as SAGESnetError { failure = error }
        guard case .divergedLevel(let step, level: 1, _, _) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(step >= 1 && "\(failure.map { "\($0)" } ?? "")".contains("step \(step) of level 1"))
    }

    /// The gradient of the whole loss by every parameter against central differences, in double precision.
    @Test(arguments: [
        ("base: \"atoms\", predictor: \"increment\", rollout: 2, noise: 0.1", 1, .predictor),
        ("base: \"atoms\", predictor: \"increment\", timeReversal: true", 1, .joint),
        ("base: \"atoms\", predictor: \"energy\", kicks: 3", 1, .predictor),
        ("base: \"atoms\", predictor: \"energy\", kicks: 5, channels: 28, width: 6", 1, .joint),
        ("base: \"atoms\", predictor: \"energy\", kicks: 3, channels: 30, width: 4", 2, .predictor),
        ("base: \"atoms\", predictor: \"increment\"", 2, .joint),
        ("base: \"grid\", steps: 1", 1, .joint),
        ("base: \"grid\", steps: 2", 2, .predictor),
    ] as [(String, Int, LevelStage)]) func gradientAgreesWithDifferences(_ members: String, _ level: Int, _ stage: LevelStage) throws {
        let scratch = try Scratch()
        let path = members.contains("grid")
            ? try scratch.automaton("cells", "4555", Extent3(z: 8, y: 4, x: 4)) { $0.frames = 12 }
            : try scratch.lattice("crystal") {
                // Long codes want more blocks than they have numbers.
                ($0.frames, $0.sites) = (12, members.contains("channels") ? SIMD3(8, 8, 8) : SIMD3(4, 4, 4))
            }
        let models = LevelModels(in: scratch.path, LevelTests.small(members), data: path)
        let task = try models.task(level: level, stage: stage, as: Double.self)
        let weights = Buffer<Double>(repeating: 0, count: task.layout.count)
        task.initialize(weights.pointer, seed: 2)
        var random = Philox(seed: 9)
        for parameter in task.layout.parameters where !parameter.name.hasPrefix("transformer") {
            for index in 0..<parameter.shape.count {
                weights.pointer[parameter.offset + index] += 0.03 * random.nextNormal()
            }
        }
        let (gradient, difference) = try task.gradientAndDifferences(at: weights)
        for (parameter, values) in zip(task.layout.parameters, gradient) {
            let scale = max(values.map(abs).max() ?? 0, 1e-4)
            for _ in 0..<2 {
                let index = random.nextIndex(below: values.count)
                let difference = try difference(parameter.offset + index)
                #expect(
                    abs(values[index] - difference) < 2e-6 * scale + 1e-8,
                    "\(parameter.name)[\(index)]: \(values[index]), by differences \(difference)")
            }
        }
        #expect(gradient.flatMap { $0 }.filter { abs($0) > 1e-8 }.count > gradient.count)
        #expect(task.layout.parameters.contains { $0.name.hasPrefix("transformer") } == (stage == .joint))
    }

    /// A harmonic crystal is linear: a level learns it, far below uniform motion, and a rollout stays.
    @Test(arguments: ["increment", "energy"]) func learns(_ predictor: String) throws {
        let scratch = try Scratch()
        let path = try scratch.lattice("crystal") { ($0.frames, $0.sites) = (40, SIMD3(8, 8, 8)) }
        let configuration = try levelConfiguration(
            "base: \"atoms\", predictor: \"\(predictor)\", channels: 48, blocks: 1, slots: 4, rollout: 1")
        let task = try LevelTask<Float>(configuration, training: [path], validation: [])
        let trainer = try Trainer(
            task: task,
            configuration: TrainingConfiguration(
                length: .steps(300), globalBatch: 2, microBatch: 1,
                optimizer: .adamW(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0),
                schedule: Schedule(peak: 5e-3, final: 1e-4, warmup: 10), clip: 1),
            communicator: .selfOnly)
        while trainer.step < 300 { try trainer.takeStep() }
        let weights = Buffer<Float>(repeating: 0, count: task.layout.count)
        for (index, weight) in trainer.parameters.enumerated() { weights.pointer[index] = weight }
        let test = try scratch.lattice("test") { ($0.frames, $0.seed, $0.sites) = (12, 7, SIMD3(8, 8, 8)) }
        let evaluation = try LevelEvaluation(
            task.model, parameters: weights, path: test, levelZero: nil, communicator: .selfOnly)
        #expect(evaluation.model.position < 0.5 * evaluation.ballistic.position, "\(evaluation)")
        #expect(evaluation.model.velocity < 0.5 * evaluation.ballistic.velocity, "\(evaluation)")
    }

    @Test func mistakesAreNamed() throws {
        let scratch = try Scratch()
        let path = try scratch.lattice("crystal") { $0.frames = 5 }
        let long = try scratch.lattice("long") { $0.frames = 9 }
        func failure(_ members: String, _ data: String? = nil) -> String {
            do {
                _ = try LevelTask<Float>(try levelConfiguration(members), training: [data ?? path], validation: [])
                return "none"
            } catch { return "\(error)" }
        }
        #expect(failure("base: \"atoms\"").contains("model.slots"))
        #expect(failure("base: \"atoms\", slots: 4, rollout: 2").contains("no 6 frames follow one another"))
        #expect(failure("base: \"atoms\", slots: 4, factors: [3, 2, 2]").contains("whole blocks of 3"))
        #expect(failure("base: \"atoms\", slots: 4, level: 2").contains("level 2 needs the model file of level 1"))
        #expect(failure("base: \"atoms\", slots: 4, stage: \"joint\"").contains("start"))
        #expect(failure("base: \"atoms\", predictor: \"energy\", kicks: 4").contains("odd in number"))
        #expect(failure("base: \"grid\", predictor: \"energy\"").contains("offsets and velocities"))
        #expect(failure("base: \"atoms\", slots: 4, level: 2, below: \"\(scratch.path)/none.h5\"", long).contains("none.h5"))
        let other = try scratch.lattice("other") { ($0.frames, $0.sites) = (5, SIMD3(4, 4, 8)) }
        #expect(throws: SAGESnetError.self) {
            try LevelTask<Float>(
                try levelConfiguration("base: \"atoms\", slots: 4"), training: [path, other], validation: [])
        }
    }
}
