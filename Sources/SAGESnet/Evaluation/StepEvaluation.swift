import Grid
import MPI
import Tensor
import Training
import Trajectory

/// Errors of one step of a model over all frames of a run, beside those of predictions that need no network.
///
/// The model's step is the `Simulator`'s, with its conservation, started anew from each frame.
public struct StepEvaluation: Equatable, Sendable {
    /// Root mean squares over all components of all atoms and frames.
    public struct Errors: Equatable, Sendable {
        /// Angstrom
        public let position: Double
        /// Angstrom/ps
        public let velocity: Double
    }

    /// Steps compared, each of all atoms.
    public let samples: Int
    public let atomCount: Int
    public let model: Errors
    /// Uniform motion.
    public let ballistic: Errors
    /// Nothing moves.
    public let persistence: Errors
    /// Regression on lattice neighbors; nil where it does not apply.
    public let linear: Errors?
    public let linearUnavailable: String?
    /// The largest corrections of all velocities (Angstrom/ps) and positions (Angstrom) that conservation made.
    public let largestVelocityCorrection: Double
    public let largestDisplacementCorrection: Double

    /// Evaluates a model on a run. Each rank takes frames of its own; the figures have the same bits on any number of
    /// ranks. Collective.
    ///
    /// - Parameters:
    ///   - parameters: in the model's layout.
    ///   - baseline: from the model file.
    /// - Throws: on every rank, what the simulator does; `SAGESnetError.unsuitableData` for frames that are not one step
    ///   of the model apart.
    public init<Scalar: TrainingScalar & GridScalar>(
        _ model: SAGESnetModel, parameters: Buffer<Scalar>, baseline: LinearBaseline, run: AtomRun,
        communicator: Communicator
    ) throws {
        let starts = run.starts(steps: 1)
        let samples = starts.count
        let table = FrameFigures(frames: samples)
        try communicator.agree {
            try run.requireTimeStep(of: model)
            let worker = StepComparison(model, parameters, baseline, run)
            for sample in samples * communicator.rank / communicator.size
                ..< samples * (communicator.rank + 1) / communicator.size {
                try worker.compare(starts[sample], row: sample, into: table)
            }
        }
        // Each number comes from one rank, and zeros from the others.
        try communicator.allReduce(table.values.span, .sum)
        let components = Double(3 * run.atomCount * samples)
        func errors(_ position: FrameFigures.Figure, _ velocity: FrameFigures.Figure) -> Errors {
            Errors(
                position: (table.sum(position) / components).squareRoot(),
                velocity: (table.sum(velocity) / components).squareRoot())
        }
        self.samples = samples
        atomCount = run.atomCount
        self.model = errors(.modelPosition, .modelVelocity)
        ballistic = errors(.ballisticPosition, .kick)
        persistence = errors(.displacement, .kick)
        switch baseline {
        case .unavailable(let reason):
            (linear, linearUnavailable) = (nil, reason)
        case .fitted where table.sum(.isNotOnLattice) > 0:
            (linear, linearUnavailable) = (nil, "a cell holds two atoms in some frame of the data")
        case .fitted:
            (linear, linearUnavailable) = (errors(.linearPosition, .linearVelocity), nil)
        }
        largestVelocityCorrection = table.largest(.velocityCorrection)
        largestDisplacementCorrection = table.largest(.displacementCorrection)
    }
}

/// Sums of squares over the atoms of each frame: a row for each, so that they are added in one order on any rank.
struct FrameFigures {
    enum Figure: Int, CaseIterable {
        case modelPosition, modelVelocity, ballisticPosition, kick, displacement, linearPosition, linearVelocity
        case isNotOnLattice, velocityCorrection, displacementCorrection
    }

    let frames: Int
    /// [frames, figures]
    let values: Buffer<Double>

    init(frames: Int) {
        self.frames = frames
        values = Buffer(repeating: 0, count: frames * Figure.allCases.count)
    }

    func set(_ figure: Figure, of frame: Int, to value: Double) {
        values.pointer[frame * Figure.allCases.count + figure.rawValue] = value
    }

    private func column(_ figure: Figure) -> [Double] {
        (0..<frames).map { values.pointer[$0 * Figure.allCases.count + figure.rawValue] }
    }

    func sum(_ figure: Figure) -> Double { column(figure).reduce(0, +) }
    func largest(_ figure: Figure) -> Double { column(figure).max() ?? 0 }
}

/// Compares predictions with the data, frame after frame, on one rank.
private final class StepComparison<Scalar: TrainingScalar & GridScalar> {
    private let model: SAGESnetModel
    private let parameters: Buffer<Scalar>
    private let regression: LatticeRegression?
    private let run: AtomRun
    private let rowOfID: [Int64: Int]
    private var simulator: Simulator<Scalar>?
    private var neighborhood: LatticeNeighborhood?
    private var next: (index: Int, frame: AtomRun.Frame)?

    init(_ model: SAGESnetModel, _ parameters: Buffer<Scalar>, _ baseline: LinearBaseline, _ run: AtomRun) {
        self.model = model
        self.parameters = parameters
        if case .fitted(let regression) = baseline { self.regression = regression } else { regression = nil }
        self.run = run
        rowOfID = Dictionary(run.ids.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
    }

    /// Compares a step from a frame, in a row of the table.
    func compare(_ index: Int, row: Int, into table: FrameFigures) throws {
        let start: AtomRun.Frame
        if let next, next.index == index { start = next.frame } else { start = try run.frame(index, keeping: false) }
        let end = try run.frame(index + 1, keeping: false)
        next = (index + 1, end)

        var sums = (ballistic: 0.0, kick: 0.0, displacement: 0.0)
        for atom in 0..<run.atomCount {
            let truth = step(of: atom, start, end)
            sums.ballistic += squared(truth.displacement - model.normalization.timeStep * truth.velocity)
            sums.kick += squared(truth.kick)
            sums.displacement += squared(truth.displacement)
        }
        table.set(.ballisticPosition, of: row, to: sums.ballistic)
        table.set(.kick, of: row, to: sums.kick)
        table.set(.displacement, of: row, to: sums.displacement)
        try compareModel(index, row, start, end, table)
        try compareRegression(row, start, end, table)
    }

    private func compareModel(
        _ index: Int, _ row: Int, _ start: AtomRun.Frame, _ end: AtomRun.Frame, _ table: FrameFigures
    ) throws {
        let simulator = try started(index, start)
        do {
            try simulator.advance()
        } catch SAGESnetError.diverged(_, let atom) {
            // A step of its own, not one of a simulation.
            throw SAGESnetError.diverged(step: index, atom: atom)
        }
        var (position, velocity) = (0.0, 0.0)
        for predicted in simulator.localAtoms {
            guard let atom = rowOfID[predicted.id] else { preconditionFailure("an atom that was not in the start") }
            var missed = predicted.position - SIMD3(end.positions.pointer, 3 * atom)
            for axis in 0..<3 where end.box.boundary(axis) == .periodic {
                missed[axis] -= end.box.edges[axis] * (missed[axis] / end.box.edges[axis]).rounded()
            }
            position += squared(missed)
            velocity += squared(predicted.velocity - SIMD3(end.velocities.pointer, 3 * atom))
        }
        table.set(.modelPosition, of: row, to: position)
        table.set(.modelVelocity, of: row, to: velocity)
        table.set(.velocityCorrection, of: row, to: simulator.conservation.largestVelocityCorrection)
        table.set(.displacementCorrection, of: row, to: simulator.conservation.largestDisplacementCorrection)
    }

    /// A simulator that begins at a frame, the last one where the box has not changed.
    private func started(_ index: Int, _ frame: AtomRun.Frame) throws -> Simulator<Scalar> {
        let start = SimulationStart(run, frame, index: index)
        if let simulator, simulator.grid.box == start.box {
            try simulator.restart(from: start)
            return simulator
        }
        let made = try Simulator<Scalar>(
            model: model, parameters: parameters, start: start, communicator: .selfOnly,
            environment: run.environmentValues(of: model), alignment: run.alignment)
        simulator = made
        neighborhood = nil
        return made
    }

    private func compareRegression(
        _ row: Int, _ start: AtomRun.Frame, _ end: AtomRun.Frame, _ table: FrameFigures
    ) throws {
        guard let regression, let simulator else { return }
        let neighborhood = self.neighborhood ?? LatticeNeighborhood(simulator.grid, atomCount: run.atomCount)
        self.neighborhood = neighborhood
        var (position, velocity) = (0.0, 0.0)
        let applies = regression.predict(
            neighborhood, positions: UnsafePointer(start.positions.pointer),
            velocities: UnsafePointer(start.velocities.pointer), atomCount: run.atomCount
        ) { atom, displacement, kick in
            let truth = step(of: atom, start, end)
            position += squared(
                truth.displacement - model.normalization.timeStep * truth.velocity - displacement)
            velocity += squared(truth.kick - kick)
        }
        table.set(.linearPosition, of: row, to: position)
        table.set(.linearVelocity, of: row, to: velocity)
        table.set(.isNotOnLattice, of: row, to: applies ? 0 : 1)
    }

    /// What the data say that an atom did, and its velocity before.
    private func step(
        of atom: Int, _ start: AtomRun.Frame, _ end: AtomRun.Frame
    ) -> (displacement: SIMD3<Double>, velocity: SIMD3<Double>, kick: SIMD3<Double>) {
        let velocity = SIMD3(start.velocities.pointer, 3 * atom)
        return (
            run.displacement(of: atom, from: start, to: end), velocity,
            SIMD3(end.velocities.pointer, 3 * atom) - velocity
        )
    }

    private func squared(_ vector: SIMD3<Double>) -> Double { (vector * vector).sum() }
}
