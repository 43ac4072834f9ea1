import Autodiff
import Foundation
import Grid
import Kernels
import NeuralNetworks
import SAGESnetTestSupport
import Tensor
import Testing
@testable import SAGESnet
@testable import Training

extension Scratch {
    /// The path of an automaton's frames.
    func automaton(
        _ name: String, _ rule: String, _ cells: Extent3, _ change: (inout AutomatonSeries) -> Void = { _ in }
    ) throws -> String {
        var series = AutomatonSeries(rule, cells)
        change(&series)
        try series.write(to: "\(path)/\(name).h5")
        return "\(path)/\(name).h5"
    }
}

/// Models of grids whose cells hold numbers.
@Suite(.serialized) struct GridModelTests {
    /// Automata to learn within seconds, and how many of the cells that change may be wrong afterwards.
    static let automata: [(rule: String, members: String, boundaries: Boundaries, steps: Int, mistakes: Double)] = [
        ("4555", "channels: 16, crop: 8", .periodic, 400, 0),
        ("4555", "channels: 16, crop: 8, convolution: \"direct\"", Boundaries(z: .open, y: .periodic, x: .open), 400, 0),
        ("gas", "channels: 32, crop: 6, parity: true", .periodic, 500, 0.15),
    ]

    /// What was learned on one grid is exact on another, step after step.
    @Test(arguments: automata) func learns(
        _ automaton: (rule: String, members: String, boundaries: Boundaries, steps: Int, mistakes: Double)
    ) throws {
        let scratch = try Scratch()
        let training = try [0.08, 0.15, 0.25, 0.4].enumerated().map { index, density in
            try scratch.automaton("train\(index)", automaton.rule, Extent3(z: 12, y: 14, x: 16)) {
                ($0.boundaries, $0.density, $0.seed, $0.frames) = (automaton.boundaries, density, UInt64(index), 8)
            }
        }
        let task = try GridTask<Float>(try gridConfiguration(automaton.members), training: training, validation: [])
        let configuration = TrainingConfiguration(
            length: .steps(automaton.steps), globalBatch: 8, microBatch: 2,
            optimizer: .adamW(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0),
            schedule: Schedule(peak: 1e-2, final: 1e-4, warmup: 20), clip: 1)
        let trainer = try Trainer(task: task, configuration: configuration, communicator: .selfOnly)
        try trainer.takeStep()
        let first = trainer.loss
        while trainer.step < automaton.steps { try trainer.takeStep() }
        #expect(trainer.loss < 0.2 * first, "\(first) became \(trainer.loss)")

        let parameters = Buffer<Float>(repeating: 0, count: task.layout.count)
        for (index, weight) in trainer.parameters.enumerated() { parameters.pointer[index] = weight }
        let path = try scratch.automaton("test", automaton.rule, Extent3(z: 10, y: 8, x: 18)) {
            ($0.boundaries, $0.density, $0.seed, $0.frames) = (automaton.boundaries, 0.2, 77, 12)
        }
        let source = try GridSource(path, for: task.model.configuration)
        #expect(source.boundaries == automaton.boundaries)
        let simulator = try GridSimulator<Float>(
            model: task.model, parameters: parameters, cells: source.cells, boundaries: source.boundaries,
            communicator: .selfOnly)
        let single = try GridEvaluation.ofSteps(simulator, source, communicator: .selfOnly)
        // There was something to learn.
        #expect(single.frames == 11 && single.wrongOfPersistence > 100)
        #expect(Double(single.wrong) <= automaton.mistakes * Double(single.wrongOfPersistence), "\(single)")
        guard automaton.mistakes == 0 else { return }
        #expect(single.exactFrames == 11 && single.cellAccuracy == 1 && single.firstWrongFrame == nil)
        let rollout = try GridEvaluation.ofRollout(simulator, source, frame: 1, steps: 10, communicator: .selfOnly)
        #expect(rollout.frames == 10 && rollout.exactFrames == 10 && rollout.wrong == 0, "\(rollout)")
        #expect(rollout.wrongOfPersistence > 100)

        // Without having seen such: beyond open ends is what is dead.
        let island = try scratch.automaton("island", automaton.rule, Extent3(z: 6, y: 11, x: 7)) { $0.boundaries = .open }
        let other = try GridSource(island, for: task.model.configuration)
        let open = try GridSimulator<Float>(
            model: task.model, parameters: parameters, cells: other.cells, boundaries: other.boundaries,
            communicator: .selfOnly)
        let ends = try GridEvaluation.ofSteps(open, other, communicator: .selfOnly)
        #expect(ends.exactFrames == 5 && ends.wrongOfPersistence > 20, "\(ends)")
    }

    /// A model of random weights is wrong, and is said to be.
    @Test func evaluationCountsErrors() throws {
        let scratch = try Scratch()
        let path = try scratch.automaton("gas", "gas", Extent3(z: 6, y: 4, x: 8))
        let model = GridModel(try gridConfiguration("parity: true"), stride: .init(steps: 1, time: 1))
        let parameters = Buffer<Float>(repeating: 0, count: model.layout.count)
        let source = try GridSource(path, for: model.configuration)
        let simulator = try GridSimulator<Float>(
            model: model, parameters: parameters, cells: source.cells, boundaries: source.boundaries,
            communicator: .selfOnly)
        // Weights of zero give logits of zero: empty grids.
        let result = try GridEvaluation.ofSteps(simulator, source, communicator: .selfOnly)
        #expect(result.wrong == result.wrongOfZero && result.wrong > 0 && result.exactFrames == 0)
        #expect(result.firstWrongFrame == 1)
        let living = result.wrong / result.frames
        let part: Double = 1 - Double(living) / 192
        #expect(result.cellAccuracy == part, "the gas conserves its particles")
        #expect(throws: SAGESnetError.self) {
            try GridEvaluation.ofRollout(simulator, source, frame: 2, steps: 4, communicator: .selfOnly)
        }
        parameters.pointer.update(repeating: .nan, count: parameters.count)
        let broken = try GridSimulator<Float>(
            model: model, parameters: parameters, cells: source.cells, boundaries: source.boundaries,
            communicator: .selfOnly)
        #expect(throws: SAGESnetError.divergedGrid(step: 0)) { try broken.advance() }
    }

    /// The gradient of the loss by every parameter against central differences.
    @Test(arguments: [
        "channels: 3, crop: 4", "channels: 3, crop: 3, blocks: 2, mixingLayers: 1", "channels: 3, crop: 4, parity: true",
    ])
    func gradientAgreesWithDifferences(_ members: String) throws {
        let scratch = try Scratch()
        let path = try scratch.automaton("gas", "gas", Extent3(z: 8, y: 8, x: 8))
        let task = try GridTask<Double>(try gridConfiguration(members), training: [path], validation: [])
        let weights = Buffer<Double>(repeating: 0, count: task.layout.count)
        task.layout.initialize(weights.pointer, seed: 2)
        try task.expectGradientAgreesWithDifferences(at: weights)
    }

    /// A sample sees as far beyond its part as a step does: its loss is the mean over its part of what the whole grid gives.
    @Test(arguments: [Boundaries.open, .periodic, Boundaries(z: .periodic, y: .open, x: .periodic)])
    func partsHaveTheLossOfTheWholeGrid(_ boundaries: Boundaries) throws {
        let scratch = try Scratch()
        let cells = Extent3(z: 10, y: 8, x: 8)
        let path = try scratch.automaton("gas", "gas", cells) { $0.boundaries = boundaries }
        let configuration = try gridConfiguration("channels: 4, blocks: 2, crop: 3, parity: true")
        let task = try GridTask<Double>(configuration, training: [path], validation: [])
        let weights = Buffer<Double>(repeating: 0, count: task.layout.count)
        task.layout.initialize(weights.pointer, seed: 4)

        let frame = 3
        let (run, edge) = (task.training[0], 7)
        let grid = GridTopology(
            "cells", extents: CellExtents(z: cells.z, y: cells.y, x: cells.x), samples: 1,
            periodic: (boundaries.z == .periodic, boundaries.y == .periodic, boundaries.x == .periodic))
        let tape = Tape<Double>()
        let inputs = GridModel.Inputs<Double>(task.model, on: tape, over: grid.domain)
        let logits = task.model.logits(inputs, GridConvolution(over: grid))
        let program = Program(computing: [logits], parameters: weights.pointer)
        for index in 0..<cells.count {
            program.pointer(to: inputs.cells)[index] = Double(run.frame(frame)[index])
            let cell = cells.cell(at: index)
            // Frame 3 is an odd step.
            let (oddZ, oddY, oddX) = ((cell.z + 1) % 2, (cell.y + 1) % 2, (cell.x + 1) % 2)
            let column: Int = 4 * oddZ + 2 * oddY + oddX
            if let parity = inputs.parity { program.pointer(to: parity)[8 * index + column] = 1 }
        }
        try program.run()
        func entropy(_ cell: Extent3) -> Double {
            let index = cells.index(of: cell)
            let logit = program.pointer(to: logits)[index]
            return log(1 + exp(logit)) - Double(run.frame(frame + 1)[index]) * logit
        }

        var corners: Set<Int> = []
        for epoch in 0..<8 {
            var random = SampleDraw(sample: frame, epoch: epoch).randomNumbers(seed: 5)
            let origin = (0..<3).map { axis in
                random.nextIndex(below: boundaries[axis] == .periodic ? cells[axis] : cells[axis] - edge + 1)
            }
            corners.insert(origin[1])
            let compared = (0..<3).map { axis in
                let isOpen = boundaries[axis] == .open
                return (isOpen && origin[axis] == 0 ? 0 : 2)..<(isOpen && origin[axis] + edge == cells[axis] ? 7 : 5)
            }
            var (sum, count) = (0.0, 0.0)
            for z in compared[0] {
                for y in compared[1] {
                    for x in compared[2] {
                        sum += entropy(Extent3(
                            z: (origin[0] + z) % cells.z, y: (origin[1] + y) % cells.y, x: (origin[2] + x) % cells.x))
                        count += 1
                    }
                }
            }
            let loss = try task.lossAndGradient(weights, samples: [frame], epoch: epoch).loss
            #expect(abs(loss - sum / count) < 1e-12, "part at \(origin): \(loss), not \(sum / count)")
        }
        #expect(corners.count > 1)
    }

    @Test func dataThatDoNotSuit() throws {
        let scratch = try Scratch()
        let odd = try scratch.automaton("odd", "4555", Extent3(z: 5, y: 6, x: 8))
        let open = try scratch.automaton("open", "4555", Extent3(z: 5, y: 6, x: 8)) { $0.boundaries = .open }
        let single = try scratch.automaton("single", "4555", Extent3(z: 6, y: 6, x: 6)) { $0.frames = 1 }
        func task(_ members: String, _ paths: [String]) throws -> GridTask<Float> {
            try GridTask<Float>(try gridConfiguration(members), training: paths, validation: [])
        }
        #expect(try task("crop: 4", [odd]).sampleCount == 5)
        #expect(throws: SAGESnetError.self) { try task("crop: 4, parity: true", [odd]) }
        #expect(throws: SAGESnetError.self) { try task("crop: 4", [open]) }
        #expect(try task("crop: 3", [open, odd]).sampleCount == 10)
        #expect(throws: SAGESnetError.self) { try task("crop: 4", [single]) }
        #expect(throws: SAGESnetError.self) { try task("crop: 4, components: 2", [odd]) }
        let crystal = try scratch.lattice("crystal")
        #expect(throws: (any Error).self) { try task("crop: 4", [crystal]) }
    }
}
