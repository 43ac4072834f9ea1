import Grid
import MPI
import Tensor
import Training

/// How many of a grid's cells a coarse level gets right, decoded, over all frames of a run.
///
/// A step knows the frames up to a block's last one and predicts those of the next block: cell by cell 1 where the decoded
/// number is above a half.
public struct LevelGridEvaluation: Equatable, Sendable {
    /// Components that are wrong, over all ranks, at one horizon.
    public struct Wrong: Equatable, Sendable {
        public var model = 0
        /// As in the last frame that is known.
        public var persistence = 0
        /// All 0.
        public var zero = 0
        /// A model of level 0 from the last frame that is known; nil without one.
        public var beside: Int?
    }

    /// Steps compared, and components of a frame.
    public let samples, frameSize: Int
    /// For 1, 2, ... steps of level 0 from the last frame that is known.
    public private(set) var horizons: [Wrong]
    /// Components of known frames that are wrong once encoded and decoded, and the number of these frames.
    public private(set) var reconstruction: (wrong: Int, frames: Int)
    public let spread: CodeSpread
    /// Wall time of a rank for a simulated step of level 0, of this level and of level 0.
    public private(set) var secondsPerStep = 0.0, secondsPerStepBeside = 0.0

    public func accuracy(_ wrong: Int, frames: Int) -> Double { 1 - Double(wrong) / Double(max(1, frames * frameSize)) }

    public static func == (left: LevelGridEvaluation, right: LevelGridEvaluation) -> Bool {
        left.samples == right.samples && left.horizons == right.horizons && left.reconstruction == right.reconstruction
    }

    /// Evaluates a level on a run. Ranks share the frames. Collective.
    ///
    /// - Parameters:
    ///   - rollout: steps of the level behind one another, each compared.
    ///   - levelZero: a model of level 0 with its weights.
    /// - Throws: on every rank, what reading and the simulators do; `SAGESnetError.unsuitableData` for a run without so many
    ///   blocks behind one another.
    public init<Scalar: TrainingScalar & GridScalar>(
        _ model: LevelModel, parameters: Buffer<Scalar>, path: String, rollout: Int = 1,
        levelZero: (model: GridModel, parameters: Buffer<Scalar>)?, communicator: Communicator
    ) throws {
        let frames = model.configuration.frames(model.configuration.level)
        let run = try communicator.agree { try GridBlocks(path, for: model.configuration) }
        let starts = try communicator.agree { try model.starts(in: run, blocks: 1 + rollout) }
        samples = starts.count
        let frameSize = run.liveNumbers
        self.frameSize = frameSize
        var horizons = [Wrong](repeating: Wrong(beside: levelZero == nil ? nil : 0), count: rollout * frames)
        var wrongOfKnown = 0
        var (own, other) = (0.0, 0.0)
        spread = try communicator.agree { try CodeSpread(model, parameters, run, starts) }
        try communicator.agree {
            let simulator = try LevelSimulator<Scalar>(
                model: model, parameters: parameters, blocks: run.blocks, boundaries: run.boundaries,
                communicator: .selfOnly)
            let cells = LevelCells(simulator)
            let zero = try levelZero.map {
                try GridSimulator<Scalar>(
                    model: $0.model, parameters: $0.parameters, cells: run.cells, boundaries: run.boundaries,
                    communicator: .selfOnly)
            }
            for sample in starts.count * communicator.rank / communicator.size
                ..< starts.count * (communicator.rank + 1) / communicator.size {
                let start = starts[sample]
                try simulator.start(from: run, frame: start)
                try simulator.decode()
                for step in 0..<frames { wrongOfKnown += cells.wrong(step: step, as: run.frame(start + step)) }
                let known = run.frame(start + frames - 1)
                if let zero {
                    for index in zero.state.indices { zero.state[index] = Scalar(known[index]) }
                    zero.dataStep = run.step(ofFrame: start + frames - 1)
                }
                for step in 0..<rollout * frames {
                    if step % frames == 0 {
                        let begin = MPIEnvironment.wallTime()
                        try simulator.advance()
                        own += MPIEnvironment.wallTime() - begin
                        try simulator.decode()
                    }
                    let truth = run.frame(start + frames + step)
                    horizons[step].model += cells.wrong(step: step % frames, as: truth)
                    for index in 0..<frameSize {
                        if truth[index] != known[index] { horizons[step].persistence += 1 }
                        if truth[index] != 0 { horizons[step].zero += 1 }
                    }
                    guard let zero else { continue }
                    let begin = MPIEnvironment.wallTime()
                    try zero.advance()
                    other += MPIEnvironment.wallTime() - begin
                    for index in 0..<frameSize where zero.state[index] != Scalar(truth[index]) {
                        horizons[step].beside? += 1
                    }
                }
            }
        }
        for step in horizons.indices {
            horizons[step].model = try communicator.allReduce(horizons[step].model, .sum)
            horizons[step].persistence = try communicator.allReduce(horizons[step].persistence, .sum)
            horizons[step].zero = try communicator.allReduce(horizons[step].zero, .sum)
            if let beside = horizons[step].beside { horizons[step].beside = try communicator.allReduce(beside, .sum) }
        }
        self.horizons = horizons
        reconstruction = (try communicator.allReduce(wrongOfKnown, .sum), starts.count * frames)
        let simulated = Double(starts.count * rollout * frames)
        secondsPerStep = try communicator.allReduce(own, .sum) / simulated
        secondsPerStepBeside = try communicator.allReduce(other, .sum) / simulated
    }
}

/// The cells of a rank's part of a level, decoded at one of the steps of level 0 that the state covers.
public final class LevelCells<Scalar: TrainingScalar & GridScalar> {
    private let simulator: LevelSimulator<Scalar>
    /// Of level 0.
    public let range: CellRange
    private let places: BlockCells
    private let cells: Buffer<Scalar>

    init(_ simulator: LevelSimulator<Scalar>) {
        self.simulator = simulator
        let configuration = simulator.model.configuration
        range = configuration.cells(ofBlocks: simulator.box)
        places = BlockCells(configuration, blocks: simulator.box, among: range)
        cells = Buffer(repeating: 0, count: range.count * configuration.components)
    }

    /// The cells, each component 0 or 1; the state was decoded. [z, y, x, component]
    func state(step: Int) -> UnsafeBufferPointer<Scalar> {
        unfold(step: step)
        round()
        return UnsafeBufferPointer(cells.span)
    }

    /// The same before they are rounded.
    func numbers(step: Int) -> UnsafeBufferPointer<Scalar> {
        unfold(step: step)
        return UnsafeBufferPointer(cells.span)
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func unfold(step: Int) {
        let (block, within) = step.quotientAndRemainder(dividingBy: simulator.model.configuration.steps)
        let (numbers, target) = (simulator.decoded(block), cells.pointer)
        places.forEachLine(step: within) { readable, cell, count in
            for index in 0..<count { target[cell + index] = numbers[readable + index] }
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func round() {
        for index in 0..<cells.count { cells.pointer[index] = cells.pointer[index] > 0.5 ? 1 : 0 }
    }

    /// Components that are not those of a whole frame.
    func wrong(step: Int, as truth: UnsafePointer<UInt8>) -> Int {
        let state = state(step: step)
        return state.indices.reduce(0) { $0 + (state[$1] == Scalar(truth[$1]) ? 0 : 1) }
    }
}
