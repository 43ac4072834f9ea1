import Grid
import MPI
import Tensor

// Which cell, which rank and which row each atom belongs to.
extension Simulator {
    /// Settles the atoms after a move in which `nearFaces` atoms of all ranks came near a face of their cell before a
    /// correction was added. Collective.
    func settle(afterMoving nearFaces: Int64, correction: SIMD3<Double>) throws {
        let isSmall = (0..<3).allSatisfy { abs(correction[$0]) < 0.005 * grid.cellSize[$0] }
        if nearFaces == 0 && isSmall {
            // All ranks know that every atom is still in its cell.
            try sortSlots()
        } else {
            try settle()
        }
    }

    /// Brings every atom into the grid and to the rank that owns its cell, and sorts atoms into rows. Collective.
    func settle() throws {
        outerCorrection = nil
        searches += 1
        reserve()
        var failure: (any Error)?
        var found = (changed: 0, leaving: 0)
        do { found = try findCells(from: 0) } catch { failure = error }
        let (failed, changed, away) = try sums.reduce(failure == nil ? 0 : 1, found.changed, found.leaving, communicator)
        if failed > 0 { try communicator.agree { if let failure { throw failure } } }
        if changed == 0 { return try sortSlots() }
        if away > 0 { try migrate(found.leaving) }
        try communicator.agree { try arrange() }
        arrangement = .stale
    }

    /// Finds the cells of atoms that may have changed them, from an index on; lists those that are another rank's.
    private func findCells(from first: Int) throws -> (changed: Int, leaving: Int) {
        let all = atoms.arrays
        let extent = range.extent
        var (changed, away) = (0, 0)
        for index in first..<all.count {
            if all.cells[index] >= 0 && grid.isInside(SIMD3(all.offsets, 3 * index)) { continue }
            let atom = all.atoms + index
            var cell = SIMD3<Int>()
            var isWrapped = false
            for axis in 0..<3 {
                guard let place = grid.place(atom.pointee.position[axis], axis: axis) else {
                    throw SAGESnetError.atomOutside(
                        file: moment, frame: nil, atom: atom.pointee.id, axis: ["x", "y", "z"][axis],
                        coordinate: atom.pointee.position[axis])
                }
                if place.image != 0 {
                    isWrapped = true
                    atom.pointee.position[axis] = grid.coordinate(cell: place.cell, offset: place.offset, axis: axis)
                    atom.pointee.image[axis] += Int32(truncatingIfNeeded: place.image)
                }
                cell[axis] = place.cell
                all.offsets[3 * index + axis] = place.offset
            }
            let place = Extent3(z: cell.z, y: cell.y, x: cell.x)
            guard range.contains(place) else {
                leaving.pointer[away] = Int32(truncatingIfNeeded: index)
                destinations.pointer[away] = Int32(truncatingIfNeeded: decomposition.owner(ofCell: place))
                away += 1
                changed += 1
                continue
            }
            let local = Int32(truncatingIfNeeded: extent.index(of: place - range.lower))
            // Around a box of one cell an atom comes into the same cell, at another offset.
            if local != all.cells[index] || isWrapped { changed += 1 }
            all.cells[index] = local
        }
        return (changed, away)
    }

    /// Sends the first `count` of the atoms listed to their ranks, and takes those that come. Collective.
    private func migrate(_ count: Int) throws {
        let records = atoms.remove(leaving.pointer, count: count)
        try migration.migrate(
            records: records, destinations: UnsafeBufferPointer(start: destinations.pointer, count: count))
        let kept = atoms.arrays.count
        atoms.append(migration.received, count: migration.receivedCount)
        reserve()
        let (_, astray) = try findCells(from: kept)
        precondition(astray == 0, "an atom was sent to a rank that does not own its cell")
    }

    private func arrange() throws {
        arrangements += 1
        let all = atoms.arrays
        do {
            try filler.arrange(cells: all.cells, atoms: all.count) { precedes($0, $1) }
        } catch let crowded as CellBinning.Crowded {
            throw SAGESnetError.crowdedCell(
                file: moment, frame: nil, cell: (range.lower + range.extent.cell(at: crowded.cell)).description,
                atoms: crowded.atoms, slots: model.configuration.slots, cellSide: model.configuration.cellSide)
        }
        let binning = filler.binning
        atoms.order(by: binning.atomOfSlot.pointer, entries: binning.rowCount * binning.slots)
    }

    /// Brings atoms that share a cell into the order of their offsets, where they have changed it. Not collective.
    private func sortSlots() throws {
        let slots = Int32(model.configuration.slots)
        if filler.binning.rows == .atoms && arrangement == .current { arrangement = .unwritten }
        guard slots > 1 else { return }
        let entries = atoms.arrays.entries
        for index in 1..<max(atoms.arrays.count, 1)
        where entries[index] / slots == entries[index - 1] / slots && precedes(index, index - 1) {
            try arrange()
            if arrangement == .current { arrangement = .unwritten }
            return
        }
    }

    /// Whether an atom takes an earlier slot of their cell than another.
    private func precedes(_ one: Int, _ other: Int) -> Bool {
        let all = atoms.arrays
        let isByOffset = filler.binning.rows != .atoms
        return (isByOffset ? CellBinning.precedes(one, other, offsets: all.offsets) : nil) ?? (all.atoms[one].id < all.atoms[other].id)
    }

    private func reserve() {
        let count = atoms.arrays.count
        guard leaving.count < count else { return }
        leaving = Buffer(repeating: 0, count: count + count / 4 + 16)
        destinations = Buffer(repeating: 0, count: count + count / 4 + 16)
    }
}
