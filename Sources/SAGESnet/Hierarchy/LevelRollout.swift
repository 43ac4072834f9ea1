import Grid
import MPI
import Tensor
import Training

extension RolloutEvaluation {
    /// Simulates a coarse level of atoms over the cells of all ranks, decodes every frame, and compares with the whole run.
    /// Collective.
    ///
    /// A simulation that fails is a result: `failure` says why. Steps are those of level 0.
    ///
    /// - Parameters:
    ///   - frame: the first one of the block that the simulation begins from.
    ///   - steps: of the level.
    ///   - progress: called after each step with the number of steps done.
    /// - Returns: on rank 0; nil on the others.
    /// - Throws: on every rank, what reading and the simulator's start do; `SAGESnetError.badRequest` for a frame from which
    ///   no block begins.
    public static func run<Scalar: TrainingScalar & GridScalar>(
        _ model: LevelModel, parameters: Buffer<Scalar>, path: String, frame: Int, steps: Int,
        communicator: Communicator, progress: (Int) -> Void = { _ in }
    ) throws -> RolloutEvaluation? {
        let frames = model.configuration.frames(model.configuration.level)
        let blocks = try communicator.agree {
            let blocks = try AtomBlocks(path, for: model.configuration)
            guard try model.starts(in: blocks, blocks: 1).contains(frame) else {
                throw SAGESnetError.badRequest("\(path) has no \(frames) frames behind one another from frame \(frame) on")
            }
            return blocks
        }
        let simulator = try LevelSimulator<Scalar>(
            model: model, parameters: parameters, blocks: blocks.blocks, boundaries: blocks.boundaries,
            communicator: communicator)
        let atoms = LevelAtoms(simulator, blocks)
        try communicator.agree { try simulator.start(from: blocks, frame: frame) }
        try simulator.settle()
        try communicator.agree { try simulator.decode() }
        let first = try atoms.gathered(step: 0, communicator)
        var history = RolloutHistory(run: blocks.run, steps: frames * (steps + 1), first: first, box: blocks.box)
        var last = first
        var count = 0
        func take() throws {
            for within in 0..<frames {
                last = try atoms.gathered(step: within, communicator)
                if communicator.rank == 0 { history.add(last, step: count) }
                count += 1
            }
        }
        try take()
        var seconds = 0.0
        var failure: String?
        while simulator.step < steps, failure == nil {
            do {
                let begin = MPIEnvironment.wallTime()
                try simulator.advance()
                seconds += MPIEnvironment.wallTime() - begin
                try simulator.decode()
                try take()
            } catch let error as SAGESnetError {
                failure = error.description
            }
            progress(simulator.step)
        }
        let done = count - frames
        return try communicator.agree { () -> RolloutEvaluation? in
            guard communicator.rank == 0 else { return nil }
            return try RolloutEvaluation(
                steps: frames * steps, stepsDone: done, failure: failure, history, start: frame, first, last,
                simulator.conservation, seconds: seconds)
        }
    }
}
