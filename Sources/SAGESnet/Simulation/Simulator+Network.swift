import Autodiff
import Grid
import Kernels
import Tensor

extension Simulator {
    /// The network, its inputs filled from the atoms as they are arranged. Collective.
    func arrangedNetwork() throws -> StepNetwork<Scalar> {
        if let network, arrangement == .current { return network }
        let binning = filler.binning
        let network: StepNetwork<Scalar>
        switch model.configuration.rows {
        case .atoms: network = try findBonds()
        case .occupiedCells:
            // The rows of other ranks may have changed where this rank's have not.
            if let known = self.network, arrangement == .unwritten {
                network = known
                break
            }
            let neighbors = try filler.findNeighbors()
            network = try plan(rows: filler.occupied.totalRows)
            guard case .occupied(let topology) = network.topology else { preconditionFailure("mixed topologies") }
            topology.rebuild(
                neighbors: neighbors, ownedRows: filler.occupied.ownedRows, borderRows: filler.occupied.borderRows,
                ghostRows: filler.occupied.ghostRows)
        case .cells:
            network = try plan(rows: binning.rowCount)
        }
        network.writer.clear(rows: binning.rowCount)
        write(atoms.arrays, to: network.writer)
        if case .kicks(_, let middle) = network.step {
            // Empty slots are where they were for the last arrangement's atoms.
            Kernels.fill(middle.places, with: 0, count: binning.rowCount * model.cellLayout.vectors)
        }
        arrangement = .current
        return network
    }

    /// Lists pairs and bonds where the atoms are, in a network that has room for them. Collective.
    private func findBonds() throws -> StepNetwork<Scalar> {
        guard let bondSearch else { preconditionFailure("rows of atoms have bonds") }
        if arrangement == .stale { try filler.findGhosts() }
        try bondSearch.find(atoms.arrays, cellSize: grid.cellSize)
        let lists = bondSearch.lists
        let network: StepNetwork<Scalar>
        if let known = self.network, case .atoms(let topology) = known.topology,
           topology.capacity.holds(BondTopology.Capacity(lists)) {
            network = known
        } else {
            plans += 1
            let topology = BondTopology(
                capacity: BondTopology.Capacity(lists).multiplied(by: 1.125), atomExchange: bondSearch.atomExchange,
                bondExchange: bondSearch.bondExchange)
            network = StepNetwork(model, .atoms(topology), parameters: parameters.pointer, environment: environment)
            self.network = network
        }
        guard case .atoms(let topology) = network.topology, let shifts = network.shifts else {
            preconditionFailure("mixed topologies")
        }
        topology.rebuild(lists)
        topology.writeShifts(cellSize: grid.cellSize, grid: 0, to: shifts)
        return network
    }

    /// The recorded step, made anew when the rows exceed the room there is. Ranks may do so at different steps: planning
    /// is not collective; exchanges are made once.
    private func plan(rows: Int) throws -> StepNetwork<Scalar> {
        if let network, rows <= network.topology.domain.capacity { return network }
        plans += 1
        let made = StepNetwork(
            model, try makeTopology(rows: rows), parameters: parameters.pointer, environment: environment)
        network = made
        return made
    }

    private func makeTopology(rows: Int) throws -> CellTopology {
        let configuration = model.configuration
        switch configuration.rows {
        case .atoms: preconditionFailure("rows of atoms are planned with their bonds")
        case .occupiedCells:
            let domain = RowDomain("occupied cells", capacity: rows + rows / 8 + 16)
            let neighbors = NeighborTopology(over: domain, offsets: Direction.count, form: configuration.form)
            if communicator.size > 1 { neighbors.exchange = try rowExchange() }
            return .occupied(neighbors)
        case .cells:
            let cells = DenseCellExchange<Scalar>.topology(decomposition, communicator: communicator)
            return .dense(GridConvolution(over: cells, algorithm: configuration.convolution))
        }
    }

    /// One exchange serves every plan; the first plan is made by all ranks in the same step.
    private func rowExchange() throws -> OccupiedCellExchange<Scalar> {
        if let madeRowExchange { return madeRowExchange }
        let channels = max(model.configuration.channels, model.cellLayout.occupancies + 3 * model.cellLayout.vectors)
        let made = try OccupiedCellExchange<Scalar>(
            filler.occupied, channelCapacity: channels, rowCapacity: filler.occupied.totalRows)
        madeRowExchange = made
        return made
    }
}
