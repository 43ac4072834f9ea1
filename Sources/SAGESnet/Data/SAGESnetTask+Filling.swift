import Autodiff
import Grid
import Kernels
import Tensor
import Training
import Trajectory

extension SAGESnetTask {
    public func fill(
        _ inputs: Inputs, of program: Program<Scalar>, draws: UnsafeBufferPointer<SampleDraw>, seed: UInt64,
        purpose: SamplePurpose
    ) throws {
        var firstRow = 0
        bonds?.removeAll()
        for (index, draw) in draws.enumerated() {
            let (run, frame) = locate(draw.sample, in: purpose == .training ? training : validation)
            let place = SamplePlace(index: index, count: draws.count, firstRow: firstRow)
            firstRow += try fill(
                inputs, program, run, frame, place, random: purpose == .training ? draw.randomNumbers(seed: seed) : nil,
                strainRandom: draw.randomNumbers(seed: ~seed))
        }
        inputs.strain?.rebuild(rows: firstRow)
        switch inputs.topology {
        case .occupied(let topology):
            topology.rebuild(neighbors: UnsafePointer(inputs.neighbors.pointer), ownedRows: firstRow, ghostRows: 0)
        case .atoms(let topology): if let bonds { topology.rebuild(bonds) }
        case .dense: break
        }
    }

    /// Takes the sample's pairs, bonds and angles.
    private func findBonds(
        _ inputs: Inputs, _ program: Program<Scalar>, _ run: AtomRun, _ frame: Int, _ grid: AtomGrid, _ filler: CellFiller
    ) throws {
        guard case .atoms(let topology) = inputs.topology, let shift = inputs.cells.shift, let bonds else {
            preconditionFailure("rows of atoms have bonds")
        }
        let place = bonds.gridCount
        try list(bonds, of: run, grid, filler)
        guard topology.capacity.holds(BondTopology.Capacity(bonds)) else {
            throw SAGESnetError.unsuitableData(
                file: run.path, reason: "frame \(frame) has more pairs, bonds or angles than the frames looked at first "
                    + "let expect; raise model.bonds.room (\(bonds.configuration.room))")
        }
        topology.writeShifts(cellSize: grid.cellSize, grid: place, to: program.pointer(to: shift))
    }

    /// Adds the pairs, bonds and angles of the atoms that are arranged.
    private func list(_ bonds: BondLists, of run: AtomRun, _ grid: AtomGrid, _ filler: CellFiller) throws {
        try filler.findGhosts()
        // In the order of rows, of which each is an atom.
        forEachAtom(filler.binning) { atom, row in
            for axis in 0..<3 { placesOfRows.pointer[3 * row + axis] = offsets.pointer[3 * atom + axis] }
        }
        bonds.append(
            filler.occupied, cellOfRow: UnsafePointer(filler.binning.cellOfRow.pointer),
            places: UnsafePointer(placesOfRows.pointer), cellSize: grid.cellSize)
    }

    /// The longest lists of a sample of a run's frames.
    func longestLists(of run: AtomRun) throws -> BondTopology.Capacity {
        var longest = BondTopology.Capacity()
        guard let bonds else { return longest }
        let starts = cells(of: run).starts
        for place in stride(from: 0, to: starts.count, by: max(1, starts.count / 16)) {
            let frame = try run.frame(starts[place])
            let grid = try run.grid(for: model.configuration, box: frame.box)
            try self.place(run, frame, starts[place], grid, .identity)
            let filler = try filler(grid, run, starts[place])
            try arrange(run, starts[place], grid, filler)
            bonds.removeAll()
            try list(bonds, of: run, grid, filler)
            longest.include(BondTopology.Capacity(bonds))
        }
        return longest
    }

    /// Which of a program's samples one is.
    struct SamplePlace {
        let index: Int
        let count: Int
        let firstRow: Int
    }

    /// Fills the rows of one sample; returns how many they are.
    ///
    /// - Parameters:
    ///   - random: of the sample's augmentation; nil for none.
    ///   - strainRandom: of the strain along which its virial is compared.
    private func fill(
        _ inputs: Inputs, _ program: Program<Scalar>, _ run: AtomRun, _ frame: Int, _ sample: SamplePlace, random: Philox?,
        strainRandom: Philox
    ) throws -> Int {
        let firstRow = sample.firstRow
        let cells = cells(of: run)
        var random = random
        var symmetry = CubeSymmetry.identity
        var order = FrameOrder(first: frame, steps: model.configuration.rollout, isReversed: false)
        if random != nil {
            let symmetries = try symmetries(run, frame, cells)
            symmetry = symmetries[random!.nextIndex(below: symmetries.count)]
            // Motion without friction is as true backwards: from the last frame to the first, velocities turned round.
            order.isReversed = model.configuration.timeReversal && random!.nextIndex(below: 2) == 1
        }
        let start = try run.frame(order[0])
        var grid = try run.grid(for: model.configuration, box: start.box)
        if random != nil {
            if model.configuration.origin == .random { grid = try shiftedGrid(start.box, &random!) }
            drawNoise(&random!, atoms: run.atomCount)
        }
        let filler = try filler(grid, run, frame)
        try place(run, start, frame, grid, symmetry)
        try arrange(run, frame, grid, filler)
        let binning = filler.binning
        switch model.configuration.rows {
        case .atoms: try findBonds(inputs, program, run, frame, grid, filler)
        case .cells: break
        case .occupiedCells:
            let found = try filler.findNeighbors()
            let target = inputs.neighbors.pointer + firstRow * Direction.count
            for entry in 0..<(binning.rowCount * Direction.count) {
                target[entry] = found[entry] < 0 ? -1 : found[entry] + Int32(truncatingIfNeeded: firstRow)
            }
        }
        let isNoisy = random != nil && (model.configuration.positionNoise > 0 || model.configuration.velocityNoise > 0)
        writeStart(
            inputs, program, run, start, order.sign, symmetry, binning, sample, runWeight: cells.weight, isNoisy: isNoisy)
        try writeTargets(inputs, program, run, start, order, symmetry, binning, firstRow: firstRow)
        inputs.strain?.write(
            to: program, sample, atoms: binning.rowCount, offsets: program.pointer(to: inputs.cells.offset),
            cellSize: grid.cellSize, virial: start.virial, turnedBy: symmetry, random: strainRandom)
        return binning.rowCount
    }

    /// The symmetries that keep a frame's box; under strain they are others than the first frame's.
    private func symmetries(_ run: AtomRun, _ frame: Int, _ cells: RunCells) throws -> [CubeSymmetry] {
        let box = try run.frame(frame).box
        if box == cells.box || cells.symmetries.count == 1 { return cells.symmetries }
        return CubeSymmetry.preserving(try run.grid(for: model.configuration, box: box))
    }

    /// Throws where a run does not fit its grid from the start.
    func arrangeFirstFrame(of run: AtomRun) throws {
        let start = try run.frame(0)
        let grid = try run.grid(for: model.configuration, box: start.box)
        try place(run, start, 0, grid, .identity)
        try arrange(run, 0, grid, try filler(grid, run, 0))
    }

    /// The grid of a random origin. Along open axes it stays where it is: a shift would cut off atoms or add cells.
    private func shiftedGrid(_ box: SimulationBox, _ random: inout Philox) throws -> AtomGrid {
        var phase = SIMD3(random.nextUniform(), random.nextUniform(), random.nextUniform())
        for axis in 0..<3 where box.boundary(axis) == .open { phase[axis] = AtomRun.cornerPhase[axis] }
        return try AtomGrid(box: box, for: model.configuration, phase: phase)
    }

    /// Cells and offsets of a frame's atoms under a symmetry, which turns the grid with the atoms.
    private func place(
        _ run: AtomRun, _ frame: AtomRun.Frame, _ index: Int, _ grid: AtomGrid, _ symmetry: CubeSymmetry
    ) throws {
        let counts = SIMD3(grid.cells.x, grid.cells.y, grid.cells.z)
        for atom in 0..<run.atomCount {
            var cell = SIMD3<Int>()
            var offset = SIMD3<Double>()
            for axis in 0..<3 {
                let coordinate = frame.positions.pointer[3 * atom + axis]
                guard let place = grid.place(coordinate, axis: axis) else {
                    throw SAGESnetError.atomOutside(
                        file: run.path, frame: index, atom: run.ids[atom], axis: ["x", "y", "z"][axis],
                        coordinate: coordinate)
                }
                cell[axis] = place.cell
                offset[axis] = place.offset
            }
            var turned = SIMD3<Int>()
            for axis in 0..<3 {
                let source = symmetry.axis[axis]
                turned[axis] = symmetry.sign[axis] > 0 ? cell[source] : counts[source] - 1 - cell[source]
            }
            let image = symmetry(offset)
            for axis in 0..<3 { offsets.pointer[3 * atom + axis] = image[axis] }
            cellsOfAtoms.pointer[atom] = Int32(
                truncatingIfNeeded: (turned.z * counts.y + turned.y) * counts.x + turned.x)
        }
    }

    private func arrange(_ run: AtomRun, _ frame: Int, _ grid: AtomGrid, _ filler: CellFiller) throws {
        let offset = UnsafePointer(offsets.pointer)
        do {
            let isByOffset = filler.binning.rows != .atoms
            try filler.arrange(cells: cellsOfAtoms.pointer, atoms: run.atomCount) { a, b in
                // Atoms are in the order of ids.
                (isByOffset ? CellBinning.precedes(a, b, offsets: offset) : nil) ?? (a < b)
            }
        } catch let crowded as CellBinning.Crowded {
            throw SAGESnetError.crowdedCell(
                file: run.path, frame: frame, cell: grid.cells.cell(at: crowded.cell).description,
                atoms: crowded.atoms, slots: model.configuration.slots, cellSide: model.configuration.cellSide)
        }
    }

    private func drawNoise(_ random: inout Philox, atoms: Int) {
        let configuration = model.configuration
        guard configuration.positionNoise > 0 || configuration.velocityNoise > 0 else { return }
        for component in 0..<(3 * atoms) {
            noise.pointer[component] = configuration.positionNoise * random.nextNormal()
            noise.pointer[3 * atoms + component] = configuration.velocityNoise * random.nextNormal()
        }
    }

    /// The first frame's cells, and the weights of their slots in the loss.
    private func writeStart(
        _ inputs: Inputs, _ program: Program<Scalar>, _ run: AtomRun, _ start: AtomRun.Frame, _ sign: Double,
        _ symmetry: CubeSymmetry, _ binning: CellBinning, _ sample: SamplePlace, runWeight: Double, isNoisy: Bool
    ) {
        let (layout, firstRow) = (model.cellLayout, sample.firstRow)
        let writer = CellWriter(program, inputs.cells, layout, firstRow: firstRow)
        writer.clear(rows: binning.rowCount)
        withUnsafeTemporaryAllocation(of: Double.self, capacity: run.environment.count) { values in
            model.normalize(run.environment, turnedBy: symmetry, isReversed: sign < 0, into: values)
            writer.write(environment: UnsafeBufferPointer(values), rows: binning.rowCount)
        }
        let weight = program.pointer(to: inputs.weight) + firstRow * layout.vectors
        Kernels.fill(weight, with: 0, count: binning.rowCount * layout.vectors)
        let share = Scalar(runWeight / Double(3 * run.atomCount * sample.count * model.configuration.rollout))
        forEachAtom(binning) { atom, entry in
            var offset = SIMD3(offsets.pointer, 3 * atom)
            var motion = sign * symmetry(SIMD3(start.velocities.pointer, 3 * atom))
            if isNoisy {
                offset += SIMD3(noise.pointer, 3 * atom)
                motion += SIMD3(noise.pointer, 3 * (run.atomCount + atom))
            }
            writer.write(
                entry, element: run.elements[atom], mobility: run.mobility[atom], offset: offset, velocity: motion)
            for axis in 0..<3 { weight[3 * entry + axis] = share }
        }
    }

    /// The frames that follow, from the centers of the first frame's cells.
    private func writeTargets(
        _ inputs: Inputs, _ program: Program<Scalar>, _ run: AtomRun, _ start: AtomRun.Frame, _ order: FrameOrder,
        _ symmetry: CubeSymmetry, _ binning: CellBinning, firstRow: Int
    ) throws {
        let vectors = model.cellLayout.vectors
        for step in inputs.targets.indices {
            let end = try run.frame(order[step + 1])
            let place = program.pointer(to: inputs.targets[step].offset) + firstRow * vectors
            let motion = program.pointer(to: inputs.targets[step].velocity) + firstRow * vectors
            Kernels.fill(place, with: 0, count: binning.rowCount * vectors)
            Kernels.fill(motion, with: 0, count: binning.rowCount * vectors)
            forEachAtom(binning) { atom, entry in
                let moved = run.displacement(of: atom, from: start, to: end)
                let offset = SIMD3(offsets.pointer, 3 * atom) + symmetry(moved)
                let velocity = order.sign * symmetry(SIMD3(end.velocities.pointer, 3 * atom))
                for axis in 0..<3 {
                    place[3 * entry + axis] = Scalar(offset[axis])
                    motion[3 * entry + axis] = Scalar(velocity[axis])
                }
            }
        }
    }

    /// Calls `body` with each atom and its place among the slots of the rows.
    private func forEachAtom(_ binning: CellBinning, _ body: (_ atom: Int, _ entry: Int) -> Void) {
        for entry in 0..<(binning.rowCount * binning.slots) {
            let atom = Int(binning.atomOfSlot.pointer[entry])
            if atom >= 0 { body(atom, entry) }
        }
    }
}

/// The frames of a sample in the order in which time passes in it.
struct FrameOrder {
    let first: Int
    let steps: Int
    var isReversed: Bool

    /// The frame after `step` steps.
    subscript(step: Int) -> Int { isReversed ? first + steps - step : first + step }

    /// By which velocities are multiplied.
    var sign: Double { isReversed ? -1 : 1 }
}

extension SIMD3 where Scalar == Double {
    /// Three numbers from an index on.
    @inline(__always) init(_ pointer: UnsafePointer<Double>, _ index: Int) {
        self.init(pointer[index], pointer[index + 1], pointer[index + 2])
    }
}

extension AtomRun {
    /// The phase of a grid whose faces are those of the box.
    static var cornerPhase: SIMD3<Double> { SIMD3(repeating: 0.5) }

    /// The model's grid over a box, placed as the configuration says.
    func grid(for configuration: SAGESnetConfiguration, box: SimulationBox) throws -> AtomGrid {
        let phase = configuration.origin == .aligned ? alignment.phase : AtomRun.cornerPhase
        return try AtomGrid(box: box, for: configuration, phase: phase)
    }

    /// How far an atom moved between two frames, by the nearest image along periodic axes, Angstrom.
    func displacement(of atom: Int, from start: Frame, to end: Frame) -> SIMD3<Double> {
        var moved = SIMD3(end.positions.pointer, 3 * atom) - SIMD3(start.positions.pointer, 3 * atom)
        for axis in 0..<3 where end.box.boundary(axis) == .periodic {
            moved[axis] -= end.box.edges[axis] * (moved[axis] / end.box.edges[axis]).rounded()
        }
        return moved
    }
}
