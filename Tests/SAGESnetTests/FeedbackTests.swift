import CellularAutomata
import Grid
import Kernels
import MPI
import NeuralNetworks
import SAGESnetTestSupport
import Tensor
import Testing
@testable import SAGESnet
@testable import Training

/// Coarse levels at work beside the cells of a grid.
@Suite(.serialized) struct FeedbackTests {
    /// A level of an automaton's blocks, hardly trained, and its data.
    private func level(_ scratch: Scratch, _ members: String) throws -> (path: String, data: String) {
        let data = try scratch.automaton("data", "4555", Extent3(z: 8, y: 16, x: 8)) { $0.frames = 9 }
        let path = try LevelModels(in: scratch.path, "base: \"grid\", channels: 12, blocks: 1, \(members)", data: data)
            .write(level: 1)
        return (path, data)
    }

    /// What a cell is told are the codes of its block's last frames, and those of the level's step from them.
    @Test(arguments: [("factors: [8, 8, 8], steps: 1", 1), ("factors: [2, 4, 2], steps: 2", 2)])
    func cellsAreToldTheCodesOfTheirBlock(_ members: String, _ steps: Int) throws {
        let scratch = try Scratch()
        let (path, data) = try level(scratch, members)
        let coarse = try CoarseLevel(path, communicator: .selfOnly)
        #expect(coarse.steps == steps && coarse.columns == coarse.codes + (steps > 1 ? steps : 0))
        let blocks = try GridBlocks(data, for: coarse.model.configuration)
        let run = try GridRun(data, components: 1)
        let frames = try CoarseFrames<Float>(coarse, run: run, components: 1)
        #expect(frames.starts.first == 2 * (steps - 1) && frames.starts.last == 7)
        let simulator = try LevelSimulator<Float>(
            model: coarse.model, parameters: coarse.parameters(), blocks: blocks.blocks, boundaries: blocks.boundaries,
            communicator: .selfOnly)
        let (last, width) = (5, coarse.codes / 2)
        try simulator.start(from: blocks, frame: last - steps + 1)
        let known = Array(simulator.codes)
        try simulator.advance()
        let expected = Array(simulator.codes)
        #expect(known != expected)
        let columns = Buffer<Float>(repeating: -1, count: coarse.columns)
        for index in stride(from: 0, to: run.cells.count, by: 7) {
            let cell = run.cells.cell(at: index)
            frames.write(cell, frame: last, step: steps - 1, into: columns.pointer)
            let factors = coarse.factors
            let block = Extent3(z: cell.z / factors.z, y: cell.y / factors.y, x: cell.x / factors.x)
            let place = simulator.decomposition.cells.index(of: block) * width
            for code in 0..<width {
                #expect(columns[code] == known[place + code])
                #expect(columns[width + code] == expected[place + code])
            }
            if steps > 1 { #expect(columns[2 * width] == 0 && columns[2 * width + 1] == 1) }
        }
    }

    /// The gradient of the loss by every parameter, those of the coarse level's effect too, against central differences.
    @Test func gradientAgreesWithDifferences() throws {
        let scratch = try Scratch()
        let (path, data) = try level(scratch, "factors: [4, 4, 4], steps: 2")
        let task = try GridTask<Double>(
            try gridConfiguration("channels: 3, crop: 3, parity: true, feedback: \"\(path)\""), training: [data],
            validation: [])
        let weights = Buffer<Double>(repeating: 0, count: task.layout.count)
        task.layout.initialize(weights.pointer, seed: 2)
        try task.expectGradientAgreesWithDifferences(at: weights)
    }

    /// A rule of regions is learned with feedback from a level whose cells are the regions, and is not without: what a cell
    /// sees does not say which of the two rules it follows.
    @Test func farAwayMatters() throws {
        let scratch = try Scratch()
        let data = try [1, 2, 3].map { seed in
            try scratch.automaton("data\(seed)", "regions:4555,0909,90", Extent3(repeating: 16)) {
                ($0.frames, $0.density, $0.seed) = (2, 0.14 + 0.02 * Double(seed), UInt64(seed))
            }
        }
        let level = try LevelModels(
            in: scratch.path, "base: \"grid\", channels: 4, blocks: 1, factors: [8, 8, 8], steps: 1", data: data[1]
        ).write(level: 1)
        func wrong(_ members: String) throws -> Double {
            let task = try GridTask<Float>(
                try gridConfiguration("channels: 16, crop: 16" + members), training: data, validation: [])
            let configuration = TrainingConfiguration(
                length: .steps(150), globalBatch: 3, microBatch: 1,
                optimizer: .adamW(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0),
                schedule: Schedule(peak: 1e-2, final: 1e-4, warmup: 20), clip: 1)
            let trainer = try Trainer(task: task, configuration: configuration, communicator: .selfOnly)
            while trainer.step < 150 { try trainer.takeStep() }
            return trainer.loss
        }
        let (with, without) = (try wrong(", feedback: \"\(level)\""), try wrong(""))
        #expect(with < 0.7 * without, "\(with) with feedback, \(without) without")
    }

    /// Of a level's cell, no larger part of the decoded components is wrong than four times its loss.
    @Test func lossBoundsWhatIsWrong() throws {
        let scratch = try Scratch()
        let (path, data) = try level(scratch, "factors: [2, 2, 2], steps: 2")
        let (model, parameters, _, _) = try LevelModel.load(path, as: Float.self, communicator: .selfOnly)
        let source = try LevelLossSource(model, parameters: parameters, files: [data])
        let run = try GridBlocks(data, for: model.configuration)
        #expect(source.sampleCount == 6)
        let rows = try source.rows(ofSample: 3)
        #expect(rows.count == run.blocks.count && rows.features.count == rows.count * source.featureCount)
        let simulator = try LevelSimulator<Float>(
            model: model, parameters: parameters, blocks: run.blocks, boundaries: run.boundaries, communicator: .selfOnly)
        try simulator.start(from: run, frame: 3)
        try simulator.advance()
        try simulator.decode()
        let cells = LevelCells(simulator)
        var wrong = [Int](repeating: 0, count: rows.count)
        for step in 0..<2 {
            let (state, truth) = (cells.state(step: step), run.frame(5 + step))
            for index in state.indices where state[index] != Float(truth[index]) {
                let cell = run.cells.cell(at: index)
                wrong[run.blocks.index(of: Extent3(z: cell.z / 2, y: cell.y / 2, x: cell.x / 2))] += 1
            }
        }
        #expect(wrong.contains { $0 > 0 } && rows.losses.allSatisfy { $0 > 0 })
        for (count, loss) in zip(wrong, rows.losses) { #expect(Double(count) / 16 <= 4 * loss) }
    }

    @Test func levelsThatDoNotSuit() throws {
        let scratch = try Scratch()
        let (path, data) = try level(scratch, "factors: [8, 8, 8], steps: 1")
        let odd = try scratch.automaton("odd", "4555", Extent3(z: 8, y: 12, x: 8))
        func task(_ members: String, _ data: String) throws -> GridTask<Float> {
            try GridTask<Float>(
                try gridConfiguration("crop: 4, feedback: \"\(path)\"\(members)"), training: [data], validation: [])
        }
        #expect(try task("", data).sampleCount == 8)
        #expect(throws: SAGESnetError.self) { try task("", odd) }
        #expect(throws: SAGESnetError.self) { try task(", components: 2", data) }
        #expect(throws: TrainingError.self) { try CoarseLevel(data, communicator: .selfOnly) }
    }
}
