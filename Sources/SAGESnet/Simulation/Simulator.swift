import Grid
import Kernels
import MPI
import Tensor
import Training
import Trajectory

/// Rolls a SAGESnet model out over the ranks of a communicator: each rank holds the atoms of its cells.
///
/// A step runs the networks, which exchange virtual cells while they compute the others; takes out what would change
/// momentum, but for what forces from outside give; moves; and where an atom left its cell, finds atoms' cells, ranks and neighbors anew. The last kick of a
/// step is the first of the next and is computed once. Everything has the same bits on any number of ranks and any
/// decomposition; positions and velocities are held in double precision. Apart from the first steps, and from steps in
/// which a rank gets more atoms than ever before, nothing is allocated.
public final class Simulator<Scalar: TrainingScalar & GridScalar> {
    public let model: SAGESnetModel
    public let grid: AtomGrid
    public let decomposition: Decomposition
    public let species: SpeciesTable
    /// Over all ranks.
    public let atomCount: Int
    /// Steps of the model done since the start, those before a resumption included.
    public private(set) var step: Int
    /// ps, of the start.
    public private(set) var startTime: Double
    public private(set) var startStep: Int64
    public internal(set) var conservation: Conservation
    /// How often the network's memory had to be planned anew for more rows.
    public internal(set) var plans = 0
    /// How often atoms' cells were looked for, and how often atoms were sorted into rows.
    var searches = 0
    var arrangements = 0

    let communicator: Communicator
    let parameters: Buffer<Scalar>
    let filler: CellFiller
    let migration: RowMigration
    let totalMass: Double
    let environment: [Double]
    /// From outside.
    public internal(set) var forces: [AppliedForce] = []
    /// Pushes of this rank's atoms by each force in this step. [forces]
    var pushedAtoms = Buffer<Int64>(repeating: 0, count: 0)
    let range: CellRange
    let limits: MotionLimits
    let sums = StepSums()
    private let source: String

    var atoms: AtomStore
    /// The atoms that leave this rank, and where to. [count of atoms]
    var leaving = Buffer<Int32>(repeating: 0, count: 0)
    var destinations = Buffer<Int32>(repeating: 0, count: 0)

    var network: StepNetwork<Scalar>?
    let bondSearch: BondSearch<Scalar>?
    var madeRowExchange: OccupiedCellExchange<Scalar>?
    /// What the network knows of the atoms as they are.
    var arrangement = Arrangement.stale
    /// The correction of the outer kick that the network holds for the atoms' positions; nil where it holds none.
    var outerCorrection: SIMD3<Double>?

    /// How much of the network's inputs is up to date.
    enum Arrangement {
        /// Rows have changed: neighbors must be found, by all ranks.
        case stale
        /// Slots have changed, or atoms whose pairs are listed have moved.
        case unwritten
        case current
    }

    /// Distributes atoms over the ranks. Collective.
    ///
    /// - Parameters:
    ///   - parameters: in the model's layout.
    ///   - parts: of the decomposition along each axis; chosen if nil.
    ///   - environment: values of the model's environment variables; by default the start's kinetic temperature for
    ///     `temperature` and the training mean for others.
    ///   - alignment: of an aligned grid; the start's own if nil. A resumed run gives that of its first start.
    ///   - differentiatesKicks: whether derivatives of kicks are wanted (`RolloutSensitivity`), for which more is listed.
    /// - Throws: on every rank, `GridError`, `SAGESnetError`, `MPIError`.
    public init(
        model: SAGESnetModel, parameters: Buffer<Scalar>, start: SimulationStart, communicator: Communicator,
        parts: Extent3? = nil, environment: [EnvironmentVariable: Double] = [:], alignment: GridAlignment? = nil,
        differentiatesKicks: Bool = false
    ) throws {
        self.model = model
        self.parameters = parameters
        self.communicator = try Communicator(duplicating: communicator)
        source = start.source
        species = start.species
        atomCount = start.atomCount
        startStep = start.step
        startTime = start.time
        step = start.completedSteps
        conservation = start.conservation
        let totals = try StartTotals(start, communicator: communicator)
        totalMass = totals.mass
        let configuration = model.configuration
        let phase = configuration.origin == .aligned
            ? try (alignment ?? start.alignment(for: model, communicator)).phase : SIMD3(repeating: 0.5)
        grid = try AtomGrid(box: start.box, for: configuration, phase: phase)
        // Of other ranks' atoms only the places and what they know of their bonds is needed, not the work of networks.
        decomposition = try Decomposition(
            cells: grid.cells, boundaries: grid.boundaries, haloWidth: 1, ranks: communicator.size, parts: parts,
            ghostWeight: configuration.rows == .atoms ? 0.25 : 1)
        range = decomposition.range(ofRank: communicator.rank)
        filler = try CellFiller(
            decomposition, communicator: communicator, rows: configuration.rows, slots: model.cellLayout.slots,
            capacity: start.atoms.count)
        migration = try RowMigration(
            communicator: communicator, bytesPerRecord: MemoryLayout<SimulatedAtom>.stride, capacity: start.atoms.count)
        self.environment = try model.environmentValues(environment, temperature: totals.temperature)
        // Lists of pairs are good for half a part of a step, in which two atoms may come nearer by half of the limit each.
        let farthest = configuration.bonds?.margin ?? min(grid.cellSize.min(), 1024)
        limits = MotionLimits(displacement: farthest, reach: 0.48 * grid.cellSize)
        bondSearch = try configuration.bonds.map { [filler] in
            try BondSearch(
                filler, $0, elements: configuration.elements.count, hasAngles: differentiatesKicks)
        }
        atoms = AtomStore(start.atoms)
        try settle()
    }

    /// Begins anew from another state of the same atoms in the same box: grid, environment, exchanges and the network's
    /// plan stay as they are. Collective.
    ///
    /// - Throws: on every rank, `SAGESnetError` and `MPIError`.
    public func restart(from start: SimulationStart) throws {
        precondition(start.box == grid.box && start.atomCount == atomCount, "another box or other atoms")
        atoms.removeAll()
        start.atoms.withUnsafeBytes { atoms.append($0, count: start.atoms.count) }
        (step, startStep, startTime, conservation) = (start.completedSteps, start.step, start.time, start.conservation)
        try settle()
    }

    /// Simulated time, ps.
    public var time: Double { startTime + Double(step) * model.normalization.timeStep }

    /// This rank's atoms, in an order that stays until the next step or change of positions; positions lie in the grid,
    /// not necessarily in the box.
    public var localAtoms: UnsafeBufferPointer<SimulatedAtom> { atoms.used }

    /// Advances by one step of the model. Collective.
    ///
    /// - Parameter request: a wish of this rank, for example to stop, that travels with a reduction of the step.
    /// - Returns: whether any rank had a wish; the same on all ranks.
    /// - Throws: on every rank, `SAGESnetError` (a cell with too many atoms, an atom beyond an open end, divergence)
    ///   and `MPIError`.
    @discardableResult
    public func advance(request: Bool = false) throws -> Bool {
        push()
        var isRequested = false
        for part in 0..<model.parts {
            if try advancePart(request: request && part == 0) { isRequested = true }
        }
        push()
        try recordImpulse()
        step += 1
        return isRequested
    }

    /// Advances by one of the equal parts of a step. Collective.
    ///
    /// - Returns: whether any rank had a wish.
    func advancePart(request: Bool = false) throws -> Bool {
        switch try arrangedNetwork().step {
        case .kicks(let outer, let middle): try advance(outer, middle, request)
        case .increment(let increment): try advance(increment, request)
        }
    }

    /// Adds up what passes over the atoms found. Collective.
    ///
    /// - Throws: on every rank, `SAGESnetError.diverged` if any rank had an unusable change.
    func reduce(_ found: MotionSums, request: Bool = false, culprit: () -> Int64?) throws -> StepSums.Totals {
        let totals = try sums.reduce(found, request: request, communicator)
        guard totals.unusable == 0 else {
            throw SAGESnetError.diverged(step: step, atom: try communicator.allReduce(culprit() ?? -1, .maximum))
        }
        return totals
    }

    /// Changes this rank's atoms in place. Collective where positions change.
    func changeAtoms(moving: Bool, _ change: (UnsafeMutableBufferPointer<SimulatedAtom>) -> Void) throws {
        change(UnsafeMutableBufferPointer(start: atoms.arrays.atoms, count: atoms.arrays.count))
        guard moving else { return }
        atoms.forgetCells()
        try settle()
    }

    /// What errors call the state of the atoms.
    var moment: String { step == 0 ? source : "\(source), step \(step) of the simulation" }

    /// The kinetic temperature, K; the same bits on any number of ranks. Collective.
    public func temperature() throws -> Double {
        try kineticTemperature(localAtoms, atomCount: atomCount, mass: totalMass, communicator: communicator)
    }
}
