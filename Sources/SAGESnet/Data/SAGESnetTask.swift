import Autodiff
import Grid
import HDF5
import Kernels
import MPI
import NeuralNetworks
import Tensor
import Training
import Trajectory

/// Training of a SAGESnet model on trajectories: a sample is a frame with the frames that follow it.
///
/// The loss of a sample is the mean over atoms of squared errors of position and velocity after each step of its
/// rollout, in units of what a ballistic step misses (004, "Loss"): a model that adds nothing has a loss of 2. With
/// `balance` runs count more evenly; with `slowWeight` the same errors count once more where neighbors share them,
/// and with `virialWeight` what the effective potential misses of the virial of the first frame, along a strain drawn for each.
public final class SAGESnetTask<Scalar: TrainingScalar>: TrainingTask {
    public let model: SAGESnetModel
    public let training: [AtomRun]
    public let validation: [AtomRun]
    private let cellsOfRuns: [ObjectIdentifier: RunCells]
    let largestRun: Int
    /// Of the model that training goes on from, in the layout; nil to begin anew.
    private let start: StartingWeights<Scalar>?
    // Of the atoms of the sample that is being filled: cells [N], offsets [N, 3], noise of positions and velocities [2, N, 3].
    let cellsOfAtoms: Buffer<Int32>
    let offsets: Buffer<Double>
    let noise: Buffer<Double>
    /// For rows of atoms: where they are [N, 3]; the lists of the sample that is being filled, and the longest of one sample that were seen.
    let placesOfRows: Buffer<Double>
    let bonds: BondLists?
    private(set) var bondCapacity = BondTopology.Capacity()

    /// What belongs to one run.
    struct RunCells {
        /// Of the first frame's box, and the symmetries that keep it.
        let box: SimulationBox
        let symmetries: [CubeSymmetry]
        /// The first frames of the run's samples.
        let starts: [Int]
        /// By which the squared errors of the run's samples are multiplied; see `SAGESnetConfiguration.balance`.
        let weight: Double
    }

    /// The variables of one recording.
    public struct Inputs {
        let cells: CellVariables<Scalar>
        let topology: CellTopology
        /// Offsets and velocities after each step, from the centers of the first frame's cells. [R, 3 S] each
        let targets: [(offset: Variable<Scalar>, velocity: Variable<Scalar>)]
        /// 1 / (components of the sample's atoms, samples, steps), 0 in empty slots. [R, 3 S]
        let weight: Variable<Scalar>
        let neighbors: Buffer<Int32>
        /// With `virialWeight`; nil without.
        let strain: StrainVariables<Scalar>?
    }

    /// Opens the runs and normalizes by the training ones. Not collective: every rank does the same.
    ///
    /// - Throws: `SAGESnetError` for runs that do not suit the model or one another: among others, where the first frame
    ///   of one has more atoms in a cell than there are slots.
    public init(_ configuration: SAGESnetConfiguration, training: [String], validation: [String]) throws {
        let memory = AtomRun.memory / max(1, training.count + validation.count)
        let runs = try training.map { try AtomRun($0, for: configuration, memory: memory) }
        let others = try validation.map { try AtomRun($0, for: configuration, memory: memory) }
        start = try configuration.start.map { try StartingWeights($0, for: configuration) }
        let normalization = try start?.normalization ?? Normalization(runs, configuration)
        for run in runs + others {
            guard abs(run.timeStep - normalization.timeStep) <= 1e-6 * normalization.timeStep else {
                throw SAGESnetError.unsuitableData(
                    file: run.path, reason: "its frames are \(run.timeStep) ps apart, those of "
                        + "\(configuration.start ?? runs[0].path) \(normalization.timeStep) ps")
            }
            guard !run.starts(steps: configuration.rollout).isEmpty else {
                throw SAGESnetError.unsuitableData(
                    file: run.path, reason: "of its \(run.frameCount) frames no \(configuration.rollout + 1) follow one "
                        + "another, too few for a rollout of \(configuration.rollout) steps")
            }
        }
        model = SAGESnetModel(configuration, normalization)
        self.training = runs
        self.validation = others
        largestRun = (runs + others).map(\.atomCount).max() ?? 0
        cellsOfAtoms = Buffer(repeating: 0, count: largestRun)
        offsets = Buffer(repeating: 0, count: 3 * largestRun)
        noise = Buffer(repeating: 0, count: 6 * largestRun)
        placesOfRows = Buffer(repeating: 0, count: 3 * largestRun)
        bonds = configuration.bonds.map { BondLists($0, hasAngles: true) }
        var cellsOfRuns: [ObjectIdentifier: RunCells] = [:]
        for run in runs + others {
            let box = try run.frame(0).box
            let grid = try run.grid(for: configuration, box: box)
            cellsOfRuns[ObjectIdentifier(run)] = RunCells(
                box: box, symmetries: configuration.augmentation ? CubeSymmetry.preserving(grid) : [.identity],
                starts: run.starts(steps: configuration.rollout), weight: try model.weight(of: run))
        }
        self.cellsOfRuns = cellsOfRuns
        guard try configuration.virialWeight == 0 || runs.contains(where: { try !$0.frame(0).virial.isEmpty }) else {
            throw SAGESnetError.unsuitableData(
                file: runs[0].path, reason: "model.virialWeight is set, but neither it nor another run has virials: import "
                    + "them from extended XYZ")
        }
        // What a wrong size of cells or number of slots does is told before training, once, and alike by every rank.
        for run in runs + others {
            try arrangeFirstFrame(of: run)
            if configuration.rows == .atoms { bondCapacity.include(try longestLists(of: run)) }
        }
    }

    public var layout: ParameterLayout { model.layout }

    public func initialize(_ arena: UnsafeMutablePointer<Scalar>, seed: UInt64) {
        layout.initialize(arena, seed: seed)
        start?.write(to: arena, layout)
    }

    public var sampleCount: Int { count(training) }
    public var validationSampleCount: Int { count(validation) }

    private func count(_ runs: [AtomRun]) -> Int {
        runs.reduce(0) { $0 + cells(of: $1).starts.count }
    }

    /// The run and the frame in it at which a sample begins.
    func locate(_ sample: Int, in runs: [AtomRun]) -> (run: AtomRun, frame: Int) {
        var index = sample
        for run in runs {
            let starts = cells(of: run).starts
            if index < starts.count { return (run, starts[index]) }
            index -= starts.count
        }
        preconditionFailure("sample \(sample) of \(count(runs))")
    }

    func cells(of run: AtomRun) -> RunCells {
        guard let cells = cellsOfRuns[ObjectIdentifier(run)] else { preconditionFailure("a run of another task") }
        return cells
    }

    /// A number of cells and what is beyond its ends.
    private struct Cells: Hashable {
        let extent: Extent3
        let boundaries: Boundaries
    }
    private var fillers: [Cells: CellFiller] = [:]
    private var denseFiller: CellFiller?

    /// The filler for a grid of this many cells, made when it is first needed. Of a dense grid there is one.
    ///
    /// - Throws: `SAGESnetError.unsuitableData` for a dense grid of another number of cells.
    func filler(_ grid: AtomGrid, _ run: AtomRun, _ frame: Int) throws -> CellFiller {
        let cells = Cells(extent: grid.cells, boundaries: grid.boundaries)
        if let known = fillers[cells] { return known }
        guard model.configuration.rows != .cells || fillers.isEmpty else {
            throw SAGESnetError.unsuitableData(
                file: run.path, reason: "dense training needs boxes of one number of cells; frame \(frame) has another")
        }
        let made = try CellFiller(
            try Decomposition(cells: grid.cells, boundaries: grid.boundaries, haloWidth: 1, ranks: 1),
            communicator: .selfOnly, rows: model.configuration.rows, slots: model.cellLayout.slots, capacity: largestRun)
        fillers[cells] = made
        if model.configuration.rows == .cells { denseFiller = made }
        return made
    }

    // MARK: Recording

    public func record(on tape: Tape<Scalar>, samples: Int) -> RecordedLoss<Scalar, Inputs> {
        let configuration = model.configuration
        let topology: CellTopology
        switch configuration.rows {
        case .atoms:
            let room = configuration.bonds?.room ?? 1
            topology = .atoms(
                BondTopology(
                    capacity: bondCapacity.multiplied(by: Double(samples) * room), grids: samples, isForTraining: true))
        case .occupiedCells:
            let domain = RowDomain("occupied cells", capacity: samples * largestRun)
            topology = .occupied(NeighborTopology(over: domain, offsets: Direction.count, form: configuration.form))
        case .cells:
            // Every run has the same grid.
            guard let decomposition = denseFiller?.decomposition else { preconditionFailure("no first frame was arranged") }
            let (cells, boundaries) = (decomposition.cells, decomposition.boundaries)
            let grid = GridTopology(
                "cells", extents: CellExtents(z: cells.z, y: cells.y, x: cells.x), samples: samples,
                periodic: (boundaries.z == .periodic, boundaries.y == .periodic, boundaries.x == .periodic))
            topology = .dense(GridConvolution(over: grid, algorithm: configuration.convolution))
        }
        let domain = topology.domain
        var cells = CellVariables("cell", for: model, on: tape, over: topology)
        let initial = cells
        let shape: Shape = [domain.capacity, model.cellLayout.vectors]
        let weight = tape.input("weight", shape, over: domain)

        // Of the errors of all steps, by what the first one shows.
        var errorWeight = weight
        var positionError = tape.constant(0, [1])
        var velocityError = tape.constant(0, [1])
        var codecError: Variable<Scalar>?
        var slowError: Variable<Scalar>?
        var targets: [(offset: Variable<Scalar>, velocity: Variable<Scalar>)] = []
        for step in 1...configuration.rollout {
            let deviation = model.step(cells, topology)
            if step == 1, configuration.sensitivityWeight > 0 {
                errorWeight = weight.weighted(
                    bySensitivityOf: model.volatility(deviation), to: initial.offset,
                    amount: configuration.sensitivityWeight, total: 1 / Double(configuration.rollout))
            }
            cells.offset = cells.offset + Scalar(model.normalization.timeStep) * cells.velocity + deviation.displacement
            cells.velocity = cells.velocity + deviation.velocityChange
            let target = (
                offset: tape.input("offset \(step)", shape, over: domain),
                velocity: tape.input("velocity \(step)", shape, over: domain)
            )
            targets.append(target)
            let place = Scalar(1 / model.normalization.displacement) * (cells.offset - target.offset)
            let motion = Scalar(1 / model.normalization.kick) * (cells.velocity - target.velocity)
            positionError = positionError + (place.squared * errorWeight).sum()
            velocityError = velocityError + (motion.squared * errorWeight).sum()
            if configuration.slowWeight > 0, case .atoms(let bonds) = topology {
                for error in [place, motion] {
                    let sum = (bonds.smoothed(error, weight: weight).squared * errorWeight).sum()
                    slowError = slowError.map { $0 + sum } ?? sum
                }
            }
            if let error = deviation.reconstructionError {
                let sum = (error.squared * Variable.concatenating([weight, weight])).sum()
                codecError = codecError.map { $0 + sum } ?? sum
            }
        }
        var strain: StrainVariables<Scalar>?
        if configuration.virialWeight > 0, case .atoms(let bonds) = topology {
            strain = StrainVariables(initial, samples: samples, bonds)
        }
        var loss = positionError + velocityError
        var figures = [(name: "position", value: positionError), (name: "velocity", value: velocityError)]
        if let codecError {
            loss = loss + Scalar(configuration.codecWeight) * codecError
            figures.append((name: "codec", value: codecError))
        }
        if let slowError {
            loss = loss + Scalar(configuration.slowWeight) * slowError
            figures.append((name: "slow", value: slowError))
        }
        if let strain {
            let error = strain.virialError(of: model, initial, topology)
            loss = loss + Scalar(configuration.virialWeight) * error
            figures.append((name: "virial", value: error))
        }
        return RecordedLoss(
            loss: loss, figures: figures,
            inputs: Inputs(
                cells: initial, topology: topology, targets: targets, weight: weight,
                neighbors: Buffer(
                    repeating: -1, count: configuration.rows == .occupiedCells ? domain.capacity * Direction.count : 0),
                strain: strain))
    }

    /// The regression on lattice neighbors, fitted when the first file is written.
    private var linearBaseline: LinearBaseline?

    public func write(to root: Group) throws {
        try model.normalization.write(to: root)
        let baseline = try linearBaseline
            ?? LinearBaseline(fitting: training, model.configuration, model.normalization)
        linearBaseline = baseline
        try baseline.write(to: root)
    }
}
