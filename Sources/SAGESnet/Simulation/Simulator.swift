import Autodiff
import Grid
import Kernels
import MPI
import NeuralNetworks
import Tensor
import Training
import Trajectory

/// Rolls a SAGESnet model out over the ranks of a communicator: each rank holds the atoms of its cells.
///
/// A step: find each atom's cell and send it to the rank that owns the cell; find neighbors; run the network, which
/// exchanges virtual cells while it computes the others; take out what would change momentum; move. Everything has the
/// same bits on any number of ranks and any decomposition; positions and velocities are held in double precision. Apart
/// from the first steps, and from steps in which a rank gets more atoms than ever before, nothing is allocated.
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
    public private(set) var conservation: Conservation
    /// How often the network's memory had to be planned anew for more rows.
    public private(set) var plans = 0

    let communicator: Communicator
    private let source: String
    private let parameters: Buffer<Scalar>
    private let filler: CellFiller
    private let migration: RowMigration
    private let totalMass: Double
    private let environment: [Double]
    private let range: CellRange

    private var atoms: AtomStore
    private var cellsOfAtoms = Buffer<Int32>(repeating: 0, count: 0)
    private var offsets = Buffer<Double>(repeating: 0, count: 0)
    private var destinations = Buffer<Int32>(repeating: 0, count: 0)
    private var entryOfAtom = Buffer<Int32>(repeating: 0, count: 0)
    private var network: Network?

    /// A recorded step for a number of rows.
    private struct Network {
        let program: Program<Scalar>
        let topology: CellTopology
        let cells: CellVariables<Scalar>
        let displacement: Variable<Scalar>
        let velocityChange: Variable<Scalar>
    }

    /// Distributes atoms over the ranks. Collective.
    ///
    /// - Parameters:
    ///   - parameters: in the model's layout.
    ///   - parts: of the decomposition along each axis; chosen if nil.
    ///   - environment: values of the model's environment variables; by default the start's kinetic temperature for
    ///     `temperature` and the training mean for others.
    ///   - alignment: of an aligned grid; the start's own if nil. A resumed run gives that of its first start.
    /// - Throws: on every rank, `GridError`, `SAGESnetError`, `MPIError`.
    public init(
        model: SAGESnetModel, parameters: Buffer<Scalar>, start: SimulationStart, communicator: Communicator,
        parts: Extent3? = nil, environment: [EnvironmentVariable: Double] = [:], alignment: GridAlignment? = nil
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
        grid = try AtomGrid(box: start.box, side: configuration.cellSide, phase: phase)
        decomposition = try Decomposition(
            cells: grid.cells, boundaries: grid.boundaries, haloWidth: 1, ranks: communicator.size, parts: parts)
        range = decomposition.range(ofRank: communicator.rank)
        filler = try CellFiller(
            decomposition, communicator: communicator, slots: configuration.slots, selection: configuration.selection,
            capacity: start.atoms.count)
        migration = try RowMigration(
            communicator: communicator, bytesPerRecord: MemoryLayout<SimulatedAtom>.stride, capacity: start.atoms.count)
        self.environment = try model.environmentValues(environment, temperature: totals.temperature)
        atoms = AtomStore(start.atoms)
        try settle()
    }

    /// Begins anew from another state of the same atoms in the same box: grid, environment, exchanges and the network's
    /// plan stay as they are. Collective.
    ///
    /// - Throws: on every rank, `SAGESnetError` and `MPIError`.
    public func restart(from start: SimulationStart) throws {
        precondition(start.box == grid.box && start.atomCount == atomCount, "another box or other atoms")
        start.atoms.withUnsafeBytes { atoms.replace(with: $0, count: start.atoms.count) }
        (step, startStep, startTime, conservation) = (start.completedSteps, start.step, start.time, start.conservation)
        try settle()
    }

    /// Simulated time, ps.
    public var time: Double { startTime + Double(step) * model.normalization.timeStep }

    /// This rank's atoms, in no particular order; positions lie in the grid, not necessarily in the box.
    public var localAtoms: UnsafeBufferPointer<SimulatedAtom> { atoms.used }

    // MARK: Step

    /// Advances by one step of the model. Collective.
    ///
    /// - Throws: on every rank, `SAGESnetError` (a cell with too many atoms, an atom beyond an open end, divergence)
    ///   and `MPIError`.
    public func advance() throws {
        let network = try arrangeNetwork()
        try network.program.run()
        let displacement = network.program.pointer(to: network.displacement)
        let velocityChange = network.program.pointer(to: network.velocityChange)
        let limit = grid.cellSize.min()
        let timeStep = model.normalization.timeStep
        let atoms = self.atoms.used
        let entries = entryOfAtom.pointer
        func change(_ atom: Int) -> (displacement: SIMD3<Double>, velocity: SIMD3<Double>)? {
            let entry = 3 * Int(entries[atom])
            let moved = SIMD3(
                Double(displacement[entry]), Double(displacement[entry + 1]), Double(displacement[entry + 2]))
            let kick = SIMD3(
                Double(velocityChange[entry]), Double(velocityChange[entry + 1]), Double(velocityChange[entry + 2]))
            let total = moved + timeStep * atoms[atom].velocity
            let velocity = atoms[atom].velocity + kick
            // Written so that a NaN fails.
            guard (total * total).sum() < limit * limit,
                  (velocity * velocity).sum() < Conservation.largestVelocity * Conservation.largestVelocity
            else { return nil }
            return (moved, kick)
        }
        guard try conservation.balance(atoms, totalMass: totalMass, communicator: communicator, change: change) else {
            let culprit = atoms.indices.first { change($0) == nil }.map { atoms[$0].id }
            throw SAGESnetError.diverged(step: step, atom: try communicator.allReduce(culprit ?? -1, .maximum))
        }
        for index in atoms.indices {
            guard let change = change(index) else { continue }
            self.atoms.pointer[index].move(
                by: timeStep * atoms[index].velocity + change.displacement + conservation.displacementCorrection)
            self.atoms.pointer[index].velocity += change.velocity + conservation.velocityCorrection
        }
        step += 1
        try settle()
    }

    /// Changes this rank's atoms in place. Collective where positions change.
    func changeAtoms(moving: Bool, _ change: (UnsafeMutableBufferPointer<SimulatedAtom>) -> Void) throws {
        change(UnsafeMutableBufferPointer(start: atoms.pointer, count: atoms.count))
        if moving { try settle() }
    }

    /// Brings every atom into the grid and to the rank that owns its cell, and sorts atoms into rows. Collective.
    private func settle() throws {
        reserve()
        try communicator.agree { try findDestinations() }
        try migration.migrate(
            records: UnsafeRawBufferPointer(atoms.used),
            destinations: UnsafeBufferPointer(start: destinations.pointer, count: atoms.count))
        atoms.replace(with: migration.received, count: migration.receivedCount)
        reserve()
        try communicator.agree { try arrange() }
    }

    private func findDestinations() throws {
        for index in 0..<atoms.count {
            let atom = atoms.pointer + index
            var cell = SIMD3<Int>()
            for axis in 0..<3 {
                guard let place = grid.place(atom.pointee.position[axis], axis: axis) else {
                    throw SAGESnetError.atomOutside(
                        file: moment, frame: nil, atom: atom.pointee.id, axis: ["x", "y", "z"][axis],
                        coordinate: atom.pointee.position[axis])
                }
                if place.image != 0 {
                    atom.pointee.position[axis] = grid.coordinate(cell: place.cell, offset: place.offset, axis: axis)
                    atom.pointee.image[axis] += Int32(truncatingIfNeeded: place.image)
                }
                cell[axis] = place.cell
            }
            destinations.pointer[index] = Int32(
                truncatingIfNeeded: decomposition.owner(ofCell: Extent3(z: cell.z, y: cell.y, x: cell.x)))
        }
    }

    private func arrange() throws {
        let extent = range.extent
        for index in 0..<atoms.count {
            var cell = SIMD3<Int>()
            for axis in 0..<3 {
                guard let place = grid.place(atoms.pointer[index].position[axis], axis: axis) else {
                    preconditionFailure("an atom left the grid between two looks at it")
                }
                cell[axis] = place.cell
                offsets.pointer[3 * index + axis] = place.offset
            }
            cellsOfAtoms.pointer[index] = Int32(
                truncatingIfNeeded: extent.index(
                    of: Extent3(z: cell.z - range.lower.z, y: cell.y - range.lower.y, x: cell.x - range.lower.x)))
        }
        let (offset, atom) = (UnsafePointer(offsets.pointer), atoms.pointer)
        do {
            try filler.arrange(cells: cellsOfAtoms.pointer, atoms: atoms.count) { a, b in
                CellBinning.precedes(a, b, offsets: offset) ?? (atom[a].id < atom[b].id)
            }
        } catch let crowded as CellBinning.Crowded {
            throw SAGESnetError.crowdedCell(
                file: moment, frame: nil, cell: (range.lower + extent.cell(at: crowded.cell)).description,
                atoms: crowded.atoms, slots: model.configuration.slots, cellSide: model.configuration.cellSide)
        }
    }

    /// What errors call the state of the atoms.
    private var moment: String { step == 0 ? source : "\(source), step \(step) of the simulation" }

    private func reserve() {
        guard offsets.count < 3 * atoms.count else { return }
        let capacity = atoms.count + atoms.count / 4 + 16
        cellsOfAtoms = Buffer(repeating: 0, count: capacity)
        offsets = Buffer(repeating: 0, count: 3 * capacity)
        destinations = Buffer(repeating: 0, count: capacity)
        entryOfAtom = Buffer(repeating: 0, count: capacity)
    }

    // MARK: Network

    /// Fills the network's inputs from the atoms as they are arranged. Collective.
    private func arrangeNetwork() throws -> Network {
        let network: Network
        switch model.configuration.selection {
        case .occupied:
            let neighbors = try filler.findNeighbors()
            network = try plan(rows: filler.occupied.totalRows)
            guard case .occupied(let topology) = network.topology else { preconditionFailure("mixed topologies") }
            topology.rebuild(
                neighbors: neighbors, ownedRows: filler.occupied.ownedRows, ghostRows: filler.occupied.ghostRows)
        case .dense:
            network = try plan(rows: filler.binning.rowCount)
        }
        let writer = CellWriter(network.program, network.cells, model.cellLayout, firstRow: 0)
        let binning = filler.binning
        writer.clear(rows: binning.rowCount)
        for entry in 0..<(binning.rowCount * binning.slots) {
            let index = Int(binning.atomOfSlot.pointer[entry])
            guard index >= 0 else { continue }
            let atom = atoms.pointer[index]
            entryOfAtom.pointer[index] = Int32(truncatingIfNeeded: entry)
            writer.write(
                entry, element: atom.element, mobility: atom.mobility, offset: SIMD3(offsets.pointer, 3 * index),
                velocity: atom.velocity)
        }
        return network
    }

    /// The recorded step, made anew when the rows exceed the room there is. Ranks may do so at different steps: planning
    /// is not collective; exchanges are made once.
    private func plan(rows: Int) throws -> Network {
        if let network, rows <= network.topology.domain.capacity { return network }
        plans += 1
        let configuration = model.configuration
        let topology: CellTopology
        switch configuration.selection {
        case .occupied:
            let domain = RowDomain("occupied cells", capacity: rows + rows / 8 + 16)
            let neighbors = NeighborTopology(over: domain, offsets: Direction.count, form: configuration.form)
            if communicator.size > 1 { neighbors.exchange = try rowExchange() }
            topology = .occupied(neighbors)
        case .dense:
            let (origin, extent) = (range.lower, range.extent)
            let grid = GridTopology(
                "cells", extents: CellExtents(z: extent.z, y: extent.y, x: extent.x),
                origin: CellExtents(z: origin.z, y: origin.y, x: origin.x),
                periodic: (
                    self.grid.boundaries.z == .periodic, self.grid.boundaries.y == .periodic,
                    self.grid.boundaries.x == .periodic
                ),
                exchange: communicator.size > 1
                    ? DenseCellExchange<Scalar>(decomposition, communicator: communicator) : nil)
            topology = .dense(GridConvolution(over: grid, algorithm: configuration.convolution))
        }
        let tape = Tape<Scalar>()
        let cells = CellVariables("cell", for: model, on: tape, over: topology.domain)
        let deviation = model.step(cells, topology)
        // Inputs that the prediction does not depend on are outputs too, so that they have memory to be written to.
        let inputs = [cells.occupancy, cells.mobility, cells.offset, cells.velocity, cells.environment]
        let program = Program(
            computing: [deviation.displacement, deviation.velocityChange] + inputs.compactMap { $0 },
            parameters: parameters.pointer)
        // The same in every row and step.
        model.normalized(environment).withUnsafeBufferPointer {
            CellWriter(program, cells, model.cellLayout, firstRow: 0)
                .write(environment: $0, rows: topology.domain.capacity)
        }
        let made = Network(
            program: program, topology: topology, cells: cells, displacement: deviation.displacement,
            velocityChange: deviation.velocityChange)
        network = made
        return made
    }

    private var madeRowExchange: OccupiedCellExchange<Scalar>?

    /// One exchange serves every plan; the first plan is made by all ranks in the same step.
    private func rowExchange() throws -> OccupiedCellExchange<Scalar> {
        if let madeRowExchange { return madeRowExchange }
        let channels = max(model.configuration.channels, model.cellLayout.occupancies + 3 * model.cellLayout.vectors)
        let made = try OccupiedCellExchange<Scalar>(
            filler.occupied, channelCapacity: channels, rowCapacity: filler.occupied.totalRows)
        madeRowExchange = made
        return made
    }

    /// The kinetic temperature, K; the same bits on any number of ranks. Collective.
    public func temperature() throws -> Double {
        try kineticTemperature(localAtoms, atomCount: atomCount, communicator: communicator)
    }
}

extension SimulatedAtom {
    /// Moves the atom, Angstrom; the position stays a multiple of `AtomGrid.quantum`.
    mutating func move(by displacement: SIMD3<Double>) {
        for axis in 0..<3 { position[axis] += AtomGrid.quantized(displacement[axis]) }
    }
}
