import Grid
import MPI
import Tensor

/// Cells of a coarse level of a grid with the losses of its single steps: the mean square by which decoded cells differ from
/// the next frames. What describes a cell are its codes before and after the step.
///
/// A decoded number on the wrong side of a half differs by a half at least: of a cell's numbers, no larger part is wrong
/// than four times its loss.
public final class LevelLossSource: LossSource {
    private let model: LevelModel
    private let parameters: Buffer<Float>
    private let runs: [GridBlocks]
    private let samples: [(run: Int, frame: Int)]
    private var made: (run: Int, simulator: LevelSimulator<Float>)?

    /// Not collective.
    ///
    /// - Throws: what reading does; `SAGESnetError.badRequest` for a level of atoms; `SAGESnetError` for runs that do not
    ///   suit the level.
    public init(_ model: LevelModel, parameters: Buffer<Float>, files: [String]) throws {
        guard model.configuration.base == .grid else {
            throw SAGESnetError.badRequest("confidence in a coarse level is for levels of a grid's cells, and this is one of atoms")
        }
        let runs = try files.map { try GridBlocks($0, for: model.configuration) }
        (self.model, self.parameters, self.runs) = (model, parameters, runs)
        samples = try runs.enumerated().flatMap { index, run in try model.starts(in: run, blocks: 2).map { (index, $0) } }
    }

    public var featureCount: Int { model.featureCount }
    public var sampleCount: Int { samples.count }

    public func rows(ofSample sample: Int) throws -> LossRows {
        let (index, frame) = samples[sample]
        let run = runs[index]
        let simulator = try simulator(index)
        let cells = LevelCells(simulator)
        try simulator.start(from: run, frame: frame)
        let features = Buffer<Float>(repeating: 0, count: simulator.decomposition.cells.count * featureCount)
        try simulator.advance(describingInto: features.span)
        try simulator.decode()
        let configuration = model.configuration
        let (frames, level) = (configuration.frames(configuration.level), simulator.decomposition.cells)
        let block = Extent3(z: run.cells.z / level.z, y: run.cells.y / level.y, x: run.cells.x / level.x)
        var losses = [Double](repeating: 0, count: level.count)
        for step in 0..<frames {
            let (numbers, truth) = (cells.numbers(step: step), run.frame(frame + frames + step))
            for place in numbers.indices {
                let cell = run.cells.cell(at: place / configuration.components)
                let owner = level.index(of: Extent3(z: cell.z / block.z, y: cell.y / block.y, x: cell.x / block.x))
                let difference = Double(numbers[place]) - Double(truth[place])
                losses[owner] += difference * difference
            }
        }
        let share = 1 / Double(frames * block.count * configuration.components)
        return LossRows(features: Array(features.span), losses: losses.map { $0 * share })
    }

    /// The simulator of a run's grid.
    private func simulator(_ index: Int) throws -> LevelSimulator<Float> {
        if let made, made.run == index { return made.simulator }
        let simulator = try LevelSimulator<Float>(
            model: model, parameters: parameters, blocks: runs[index].blocks, boundaries: runs[index].boundaries,
            communicator: .selfOnly)
        made = (index, simulator)
        return simulator
    }
}

extension LevelModel {
    /// Numbers that describe a cell to a network of confidence.
    var featureCount: Int { 2 * configuration.codes(configuration.level) }
}

extension LevelSimulator {
    /// Advances, and describes each of this rank's cells to a network of confidence. [cells, features] Collective.
    ///
    /// - Throws: as `advance`.
    func advance(describingInto features: UnsafeMutableBufferPointer<Scalar>) throws {
        put(half: 0, features)
        try advance()
        put(half: 1, features)
    }

    /// Puts the codes into one of the halves of the features.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func put(half: Int, _ features: UnsafeMutableBufferPointer<Scalar>) {
        let (source, width) = (codes, model.featureCount / 2)
        guard let from = source.baseAddress, let to = features.baseAddress else { return }
        for cell in 0..<source.count / width {
            (to + (2 * cell + half) * width).update(from: from + cell * width, count: width)
        }
    }
}
