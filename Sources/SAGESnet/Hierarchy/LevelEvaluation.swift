import Grid
import MPI
import NeuralNetworks
import Tensor
import Training

/// Errors of one step of a coarse level, decoded, over all frames of a run of atoms, beside those of predictions that need
/// no network and of a model of level 0 that goes as far.
///
/// A step knows the frames up to a block's last one, and is compared with the last frame of the next block: its horizon.
public struct LevelEvaluation: Equatable, Sendable {
    public typealias Errors = StepEvaluation.Errors

    /// Steps compared, each of all atoms.
    public let samples: Int
    public let atomCount: Int
    /// Steps of level 0 from the last frame that is known to the one that is compared.
    public let horizon: Int
    public let model: Errors
    /// Uniform motion from the last frame.
    public let ballistic: Errors
    /// Nothing moves.
    public let persistence: Errors
    /// The frames that are known, decoded from their codes.
    public let reconstruction: Errors
    /// A model of level 0 from the last frame on; nil without one.
    public let beside: Errors?
    /// Wall time of a rank for a simulated unit of time, of this level and of level 0.
    public let secondsPerTime, secondsPerTimeBeside: Double
    public let spread: CodeSpread

    private enum Figure: Int, CaseIterable {
        case modelPosition, modelVelocity, ballisticPosition, kick, displacement, reconstructedPosition
        case reconstructedVelocity, besidePosition, besideVelocity
    }

    /// Evaluates a level on a run. Each rank takes frames of its own; the errors have the same bits on any number of ranks.
    /// Collective.
    ///
    /// - Parameter levelZero: a model of level 0 with its weights.
    /// - Throws: on every rank, what reading and the simulators do; `SAGESnetError.unsuitableData` for a run without two
    ///   blocks behind one another, or with another time step than the model's.
    public init<Scalar: TrainingScalar & GridScalar>(
        _ model: LevelModel, parameters: Buffer<Scalar>, path: String,
        levelZero: (model: SAGESnetModel, parameters: Buffer<Scalar>)?, communicator: Communicator
    ) throws {
        let configuration = model.configuration
        let horizon = configuration.frames(configuration.level)
        let blocks = try communicator.agree { try AtomBlocks(path, for: configuration) }
        let starts = try communicator.agree { try model.starts(in: blocks, blocks: 2) }
        let width = Figure.allCases.count
        let table = Buffer<Double>(repeating: 0, count: starts.count * width)
        var (own, other) = (0.0, 0.0)
        spread = try communicator.agree { try CodeSpread(model, parameters, blocks, starts) }
        try communicator.agree {
            let simulator = try LevelSimulator<Scalar>(
                model: model, parameters: parameters, blocks: blocks.blocks, boundaries: blocks.boundaries,
                communicator: .selfOnly)
            let atoms = LevelAtoms(simulator, blocks)
            var zero: Simulator<Scalar>?
            for sample in starts.count * communicator.rank / communicator.size
                ..< starts.count * (communicator.rank + 1) / communicator.size {
                let row = table.pointer + sample * width
                func add(_ figure: Figure, _ error: SIMD3<Double>) { row[figure.rawValue] += (error * error).sum() }
                let now = try blocks.frame(starts[sample] + horizon - 1)
                let end = try blocks.frame(starts[sample] + 2 * horizon - 1)
                let time = Double(horizon) * model.normalization.stride.time
                for atom in 0..<blocks.run.atomCount {
                    let velocity = SIMD3(now.velocities.pointer, 3 * atom)
                    let moved = blocks.run.displacement(of: atom, from: now, to: end)
                    add(.displacement, moved)
                    add(.ballisticPosition, moved - time * velocity)
                    add(.kick, SIMD3(end.velocities.pointer, 3 * atom) - velocity)
                }
                try simulator.start(from: blocks, frame: starts[sample])
                try simulator.decode()
                for step in 0..<horizon {
                    let frame = try blocks.frame(starts[sample] + step)
                    atoms.forEach(step: step) { atom, offset, velocity in
                        add(.reconstructedPosition, offset - blocks.offset(of: atom, in: frame))
                        add(.reconstructedVelocity, velocity - SIMD3(frame.velocities.pointer, 3 * atom))
                    }
                }
                let begin = MPIEnvironment.wallTime()
                try simulator.advance()
                own += MPIEnvironment.wallTime() - begin
                try simulator.decode()
                atoms.forEach(step: horizon - 1) { atom, offset, velocity in
                    add(.modelPosition, offset - blocks.offset(of: atom, in: end))
                    add(.modelVelocity, velocity - SIMD3(end.velocities.pointer, 3 * atom))
                }
                guard let levelZero else { continue }
                let start = SimulationStart(blocks.run, now, index: starts[sample] + horizon - 1)
                if let zero { try zero.restart(from: start) } else {
                    zero = try Simulator<Scalar>(
                        model: levelZero.model, parameters: levelZero.parameters, start: start, communicator: .selfOnly,
                        alignment: blocks.run.alignment)
                }
                guard let zero else { continue }
                let beginBeside = MPIEnvironment.wallTime()
                for _ in 0..<horizon { try zero.advance() }
                other += MPIEnvironment.wallTime() - beginBeside
                let rows = Dictionary(uniqueKeysWithValues: blocks.run.ids.enumerated().map { ($1, $0) })
                for predicted in zero.localAtoms {
                    guard let atom = rows[predicted.id] else { preconditionFailure("an atom that was not in the start") }
                    var missed = predicted.position - SIMD3(end.positions.pointer, 3 * atom)
                    for axis in 0..<3 where end.box.boundary(axis) == .periodic {
                        missed[axis] -= end.box.edges[axis] * (missed[axis] / end.box.edges[axis]).rounded()
                    }
                    add(.besidePosition, missed)
                    add(.besideVelocity, predicted.velocity - SIMD3(end.velocities.pointer, 3 * atom))
                }
            }
        }
        // Each number comes from one rank, and zeros from the others.
        try communicator.allReduce(table.span, .sum)
        let simulated = Double(starts.count * horizon) * model.normalization.stride.time
        secondsPerTime = try communicator.allReduce(own, .sum) / simulated
        secondsPerTimeBeside = try communicator.allReduce(other, .sum) / simulated
        let components = Double(3 * blocks.run.atomCount * starts.count)
        func root(_ figure: Figure, frames: Int = 1) -> Double {
            let sum = (0..<starts.count).reduce(0.0) { $0 + table.pointer[$1 * width + figure.rawValue] }
            return (sum / (components * Double(frames))).squareRoot()
        }
        samples = starts.count
        atomCount = blocks.run.atomCount
        self.horizon = horizon
        self.model = Errors(position: root(.modelPosition), velocity: root(.modelVelocity))
        ballistic = Errors(position: root(.ballisticPosition), velocity: root(.kick))
        persistence = Errors(position: root(.displacement), velocity: root(.kick))
        reconstruction = Errors(
            position: root(.reconstructedPosition, frames: horizon), velocity: root(.reconstructedVelocity, frames: horizon))
        beside = levelZero == nil ? nil : Errors(position: root(.besidePosition), velocity: root(.besideVelocity))
    }
}

/// How far the codes of a run spread, which a trivial code does not.
public struct CodeSpread: Equatable, Sendable {
    /// The length of a code.
    public let codes: Int
    /// Variance of the codes' components, their mean; 1 for whitened components on the training set.
    public let meanVariance: Double
    /// How many directions the codes fill: the exponential of the entropy of their principal components' shares of the
    /// variance.
    public let effectiveRank: Double

    /// A code that fills less than this part of its length in directions is told to have collapsed.
    public static let collapsed = 0.1
    public var isCollapsed: Bool { effectiveRank < CodeSpread.collapsed * Double(codes) || meanVariance < 1e-3 }

    /// From the codes of at most 48 blocks of frames. Not collective.
    init<Scalar: TrainingScalar & GridScalar>(
        _ model: LevelModel, _ parameters: Buffer<Scalar>, _ run: any BlockRun, _ starts: [Int]
    ) throws {
        let configuration = model.configuration
        let factors = configuration.childFactors
        let extents = Extent3(
            z: run.blocks.z / factors.z, y: run.blocks.y / factors.y, x: run.blocks.x / factors.x)
        let codec = LevelCodec<Double>(
            configuration, model.transformers(UnsafePointer(parameters.pointer)), extents: extents)
        var moments = VectorMoments(length: configuration.codes(configuration.level))
        for place in stride(from: 0, to: starts.count, by: max(1, starts.count / 48)) {
            try codec.encode(
                run, frame: starts[place], model.normalization, CellRange(lower: .zero, upper: run.blocks))
            for row in 0..<extents.count { moments.add(codec.codes + row * moments.length) }
        }
        codes = moments.length
        let components = PrincipalComponents(covariance: moments.covariance, length: moments.length)
        let variances = components?.variances ?? []
        meanVariance = variances.reduce(0, +) / Double(moments.length)
        effectiveRank = PrincipalComponents.effectiveRank(of: variances)
    }
}

extension LevelModel {
    /// The frames of a run from which so many blocks follow one another.
    ///
    /// - Throws: `SAGESnetError.unsuitableData` if there are none, or the steps are others than the model's;
    ///   `SAGESnetError.badGrid` if the grid is not made of whole cells of the level.
    func starts(in run: any BlockRun, blocks: Int) throws -> [Int] {
        let frames = blocks * configuration.frames(configuration.level)
        let factors = configuration.childFactors
        for axis in 0..<3 where run.blocks[axis] % factors[axis] != 0 {
            throw SAGESnetError.badGrid(
                "\(run.blocks[axis]) blocks of level 1 along \(["z", "y", "x"][axis]) are no whole cells of level "
                    + "\(configuration.level) (\(run.path))")
        }
        guard run.stride.steps == normalization.stride.steps,
              abs(run.stride.time - normalization.stride.time) <= 1e-6 * normalization.stride.time else {
            throw SAGESnetError.unsuitableData(
                file: run.path, reason: "its frames are \(run.stride.time) apart, a step of level 0 is "
                    + "\(normalization.stride.time)")
        }
        let starts = run.starts(steps: frames - 1)
        guard !starts.isEmpty else {
            throw SAGESnetError.unsuitableData(
                file: run.path, reason: "no \(frames) of its frames follow one another, as \(blocks) steps of level "
                    + "\(configuration.level) need")
        }
        return starts
    }
}
