import Autodiff
import Grid
import Kernels
import Tensor
import Training

extension SAGESnetModel {
    /// How many numbers describe what the model sees in a row.
    public var surroundingsCount: Int {
        switch configuration.bonds {
        case let bonds?: 2 * (bonds.bondChannels + bonds.pairChannels) + 3
        case nil: configuration.channels + 1
        }
    }

    /// Records what the model sees in each row: for atoms the description that its energies are made of, the sum of its
    /// bonded neighbors', and logarithms of its own squared velocity and of its neighbors' relative ones, along bonds too;
    /// for cells their vectors after the residual blocks, and the logarithm of squared velocities. [R, surroundings]
    func surroundings<Scalar>(_ cells: CellVariables<Scalar>, _ topology: CellTopology) -> Variable<Scalar> {
        func scaled(_ square: Variable<Scalar>) -> Variable<Scalar> {
            let unit = normalization.velocity * normalization.velocity
            return (Scalar(1 / unit) * square + Scalar(1e-4)).applying(.logarithm)
        }
        let motion = scaled(cells.velocity.rowDot(cells.velocity))
        guard case .atoms(let bonds) = topology else {
            return .concatenating([codes(cells, topology).code, motion])
        }
        guard let network = bondNetwork, let shift = cells.shift else {
            preconditionFailure("rows of atoms of a predictor without bonds")
        }
        let description = network.codes(
            cells.offset, shift: shift, occupancy: cells.occupancy, environment: cells.environment, bonds)
        let (direction, _, weight) = network.bonds(cells.offset, shift: shift, bonds)
        let velocity = cells.velocity.expanded(by: bonds.centerOfBond)
        let relative = network.ofBondPartners(velocity, bonds) - velocity
        let along = relative.rowDot(direction)
        func sum(_ column: Variable<Scalar>) -> Variable<Scalar> {
            column.scaledByColumn(weight).collected(by: bonds.centerOfBond)
        }
        let neighbors = sum(network.ofBondPartners(description.expanded(by: bonds.centerOfBond), bonds))
        return .concatenating([
            description, neighbors, motion, scaled(sum(relative.rowDot(relative))), scaled(sum(along.squared)),
        ])
    }
}

extension BondNetwork {
    /// The rows of the bonds' other atoms, as many columns at a time as an exchange between ranks has room for.
    func ofBondPartners<Scalar>(_ rows: Variable<Scalar>, _ topology: BondTopology) -> Variable<Scalar> {
        let width = configuration.angleChannels
        return .concatenating(stride(from: 0, to: rows.columns, by: width).map {
            rows[columns: $0..<min($0 + width, rows.columns)].ofPartners(topology.bondPartners)
        })
    }
}

/// What a model sees in the rows of a simulator, computed where the atoms are.
final class Surroundings<Scalar: TrainingScalar & GridScalar> {
    private let simulator: Simulator<Scalar>
    private var recorded: Recorded?

    private struct Recorded {
        let domain: RowDomain
        let program: Program<Scalar>
        let writer: CellWriter<Scalar>
        let shifts: UnsafeMutablePointer<Scalar>?
        let features: UnsafePointer<Scalar>
    }

    init(_ simulator: Simulator<Scalar>) { self.simulator = simulator }

    /// Numbers of this rank's rows, valid until the next call; collective. [rows, `surroundingsCount`]
    func compute() throws -> (features: UnsafePointer<Scalar>, rows: Int) {
        let topology = try simulator.arrangedNetwork().topology
        let recorded = recorded.flatMap { $0.domain === topology.domain ? $0 : nil } ?? record(topology)
        self.recorded = recorded
        let rows = simulator.filler.binning.rowCount
        recorded.writer.clear(rows: rows)
        write(simulator.atoms.arrays, to: recorded.writer)
        if let shifts = recorded.shifts { simulator.writeShifts(to: shifts) }
        try recorded.program.run()
        return (recorded.features, rows)
    }

    private func record(_ topology: CellTopology) -> Recorded {
        let tape = Tape<Scalar>()
        let model = simulator.model
        let cells = CellVariables("cell", for: model, on: tape, over: topology, sharingEnvironment: true)
        let features = model.surroundings(cells, topology)
        // Inputs that nothing depends on are outputs too, so that they have memory to be written to.
        let shared = [cells.mobility, cells.offset] + [cells.environment, cells.shift].compactMap(\.self)
        let program = Program(computing: [features] + shared, parameters: simulator.parameters.pointer)
        program.preparesEachRun = false
        let writer = CellWriter(program, cells, model.cellLayout, firstRow: 0)
        model.normalized(simulator.environment).withUnsafeBufferPointer { writer.write(environment: $0, rows: 1) }
        return Recorded(
            domain: topology.domain, program: program, writer: writer,
            shifts: cells.shift.map { program.pointer(to: $0) }, features: UnsafePointer(program.pointer(to: features)))
    }
}
