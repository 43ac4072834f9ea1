import Grid
import Kernels
import Tensor

/// The pairs of atoms within a cutoff, the bonds among them, and the angles between bonds: found by the grid, whose cells
/// are at least as wide as the cutoff.
///
/// A pair belongs to the atom that is its center; the same two atoms are another pair from the other side. Everything is
/// in an order that no decomposition changes: by center, then by the neighbor's cell (z, y, x), then by the neighbor's
/// row. Memory is kept from one search to the next.
final class BondLists {
    let configuration: BondConfiguration
    /// Whether angles are listed, for second derivatives.
    let hasAngles: Bool
    /// Atoms so far, those of earlier grids included.
    private(set) var atomCount = 0
    private(set) var gridCount = 0
    /// Of the last grid.
    private(set) var ghostCount = 0
    private(set) var borderCount = 0

    // Columns: neighbor, direction of the neighbor's cell, 1 for a bond.
    private var pairs = IndexTable(columns: 3)
    // Columns: center, neighbor, direction, partner (the same two atoms from the other side).
    private var bonds = IndexTable(columns: 4)
    // Columns: first and second bond, from their common center; each angle is there twice.
    private var angles = IndexTable(columns: 2)
    // Columns: the first pair and the first bond of each atom, and the end.
    private var starts = IndexTable(columns: 2)
    // The padded cell of each row of the last grid.
    private var cellOfRow = IndexTable(columns: 1)

    /// A bond whose neighbor is another rank's, and the message that brings it.
    private struct Crossing {
        let message: Int
        let own: Int32
        let ghost: Int32
        let direction: Int32
        let bond: Int32
    }
    private var crossings: ContiguousArray<Crossing> = []
    /// Rows that other ranks need, message after message, and how many each message has.
    private(set) var bondsToSend: ContiguousArray<Int32> = []
    private(set) var bondsOfMessages: ContiguousArray<Int> = []

    init(_ configuration: BondConfiguration, hasAngles: Bool) {
        self.configuration = configuration
        self.hasAngles = hasAngles
    }

    deinit {
        for table in [pairs, bonds, angles, starts, cellOfRow] { table.deallocate() }
    }

    var pairCount: Int { pairs.count }
    var bondCount: Int { bonds.count }
    var angleCount: Int { angles.count }

    /// The first pair of each atom, and the end. [atoms + 1]
    var firstPair: UnsafePointer<Int32> { UnsafePointer(starts.columns[0]) }
    /// [pairs]
    var neighbor: UnsafePointer<Int32> { UnsafePointer(pairs.columns[0]) }
    /// A direction's number, see `Direction`; those of each grid are numbered on from those of the one before. [pairs]
    var direction: UnsafePointer<Int32> { UnsafePointer(pairs.columns[1]) }
    /// [bonds]
    var centerOfBond: UnsafePointer<Int32> { UnsafePointer(bonds.columns[0]) }
    var neighborOfBond: UnsafePointer<Int32> { UnsafePointer(bonds.columns[1]) }
    var directionOfBond: UnsafePointer<Int32> { UnsafePointer(bonds.columns[2]) }
    var bondPartner: UnsafePointer<Int32> { UnsafePointer(bonds.columns[3]) }
    /// [angles]
    var firstBond: UnsafePointer<Int32> { UnsafePointer(angles.columns[0]) }
    var secondBond: UnsafePointer<Int32> { UnsafePointer(angles.columns[1]) }

    func removeAll() {
        (atomCount, gridCount, ghostCount, borderCount) = (0, 0, 0, 0)
        (pairs.count, bonds.count, angles.count, starts.count) = (0, 0, 0, 0)
        bondsToSend.removeAll(keepingCapacity: true)
    }

    /// Adds the atoms of a grid, whose rows are numbered on from those that are there.
    ///
    /// - Parameters:
    ///   - cells: the rows of each cell, one an atom.
    ///   - cellOfRow: this rank's cell of each of its rows. [owned rows]
    ///   - places: from the centers of their cells, ghosts' too, Angstrom. [rows, x y z]
    ///   - cellSize: Angstrom.
    func append<Scalar: KernelScalar>(
        _ cells: OccupiedCells, cellOfRow: UnsafePointer<Int32>, places: UnsafePointer<Scalar>, cellSize: SIMD3<Double>
    ) {
        let firstBond = bondCount
        precondition(cells.ghostRows == 0 || atomCount == 0, "one grid of several ranks")
        findPairs(cells, cellOfRow, places, cellSize)
        matchBonds(cells, firstBond)
        if cells.communicator.size > 1 { matchCrossings(cells) }
        if hasAngles { findAngles(firstBond) }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func findPairs<Scalar: KernelScalar>(
        _ cells: OccupiedCells, _ cellOfRow: UnsafePointer<Int32>, _ places: UnsafePointer<Scalar>,
        _ cellSize: SIMD3<Double>
    ) {
        let (owned, box) = (cells.ownedRows, cells.box)
        let (firstAtom, firstPair) = (atomCount, pairCount)
        let firstDirection = Int32(truncatingIfNeeded: gridCount * Direction.count)
        self.cellOfRow.count = 0
        self.cellOfRow.reserve(owned)
        let middle = self.cellOfRow.columns[0]
        for row in 0..<owned {
            middle[row] = Int32(truncatingIfNeeded: box.index(box.cells.cell(at: Int(cellOfRow[row]))))
        }
        if starts.count == 0 {
            starts.reserve(1)
            (starts.columns[0][0], starts.columns[1][0]) = (0, 0)
            starts.count = 1
        }
        starts.reserve(owned)
        let (pairEnds, bondEnds) = (starts.columns[0] + starts.count, starts.columns[1] + starts.count)
        starts.count += owned

        withUnsafeTemporaryAllocation(of: Int.self, capacity: Direction.count) { offsets in
            withUnsafeTemporaryAllocation(of: Scalar.self, capacity: 3 * Direction.count) { shifts in
                for direction in 0..<Direction.count {
                    let offset = Direction.offset(direction)
                    offsets.initializeElement(
                        at: direction, to: (offset.z * box.padded.y + offset.y) * box.padded.x + offset.x)
                    let shift = BondLists.shift(direction, cellSize)
                    for axis in 0..<3 { shifts.initializeElement(at: 3 * direction + axis, to: Scalar(shift[axis])) }
                }
                guard let shift = shifts.baseAddress, let first = cells.firstRow.baseAddress,
                    let counts = cells.rowCount.baseAddress else { return }
                let surroundings = CellSurroundings(
                    firstRow: first, rowCount: counts, cellOfRow: middle, offsets: UnsafeBufferPointer(offsets))
                let bytes = neighborScratchCount(Scalar.self, rows: cells.totalRows) * MemoryLayout<Scalar>.stride
                let memory = BufferPool.shared.acquire(bytes: bytes)
                defer { BufferPool.shared.release(memory, bytes: bytes) }
                let columns = memory.bindMemory(to: Scalar.self, capacity: bytes / MemoryLayout<Scalar>.stride)
                writeColumns(columns, ofPlaces: places, rows: cells.totalRows)
                var (row, count) = (0, pairs.count)
                while row < owned {
                    let done = listNeighbors(
                        pairs.columns[0], pairs.columns[1], pairs.columns[2], ends: pairEnds + row, count: &count,
                        capacity: pairs.capacity, columns: columns, allRows: cells.totalRows, shifts: shift,
                        surroundings: surroundings, center: Direction.center, within: Scalar(configuration.reach),
                        near: Scalar(configuration.bondCutoff + configuration.margin), rows: row..<owned)
                    pairs.count = count
                    if done < owned { pairs.reserve(pairs.capacity - pairs.count + 1) }
                    row = done
                }
            }
        }
        if gridCount > 0 {
            for pair in firstPair..<pairs.count {
                pairs.columns[0][pair] += Int32(truncatingIfNeeded: firstAtom)
                pairs.columns[1][pair] += firstDirection
            }
        }
        listBonds(firstAtom, pairEnds, bondEnds, owned)
        atomCount += owned
        gridCount += 1
        (ghostCount, borderCount) = (cells.ghostRows, cells.ghostRows > 0 ? cells.borderRows : 0)
    }

    /// The pairs of new atoms that are bonds.
    private func listBonds(
        _ firstAtom: Int, _ pairEnds: UnsafeMutablePointer<Int32>, _ bondEnds: UnsafeMutablePointer<Int32>, _ owned: Int
    ) {
        var bonds = self.bonds
        defer { self.bonds = bonds }
        let (neighbor, direction, isBond) = (pairs.columns[0], pairs.columns[1], pairs.columns[2])
        for row in 0..<owned {
            let range = Int(pairEnds[row - 1])..<Int(pairEnds[row])
            bonds.reserve(range.count)
            for pair in range where isBond[pair] != 0 {
                bonds.columns[0][bonds.count] = Int32(truncatingIfNeeded: firstAtom + row)
                bonds.columns[1][bonds.count] = neighbor[pair]
                bonds.columns[2][bonds.count] = direction[pair]
                bonds.count += 1
            }
            bondEnds[row] = Int32(truncatingIfNeeded: bonds.count)
        }
    }

    /// Finds each new bond's partner among the bonds of its neighbor. Partners of crossing bonds are left open.
    private func matchBonds(_ cells: OccupiedCells, _ firstBond: Int) {
        crossings.removeAll(keepingCapacity: true)
        let (center, neighbor) = (bonds.columns[0], bonds.columns[1])
        let (direction, partner) = (bonds.columns[2], bonds.columns[3])
        let starts = self.starts.columns[1]
        let opposites = Int32(truncatingIfNeeded: 2 * (gridCount - 1) * Direction.count + Direction.count - 1)
        (partner + firstBond).update(repeating: -1, count: bonds.count - firstBond)
        for bond in firstBond..<bonds.count where partner[bond] < 0 {
            if Int(neighbor[bond]) >= atomCount {
                crossings.append(
                    Crossing(
                        message: cells.message(ofGhost: Int(neighbor[bond])), own: center[bond], ghost: neighbor[bond],
                        direction: direction[bond], bond: Int32(truncatingIfNeeded: bond)))
                continue
            }
            let opposite = opposites - direction[bond]
            var candidate = Int(starts[Int(neighbor[bond])])
            while !(neighbor[candidate] == center[bond] && direction[candidate] == opposite) { candidate += 1 }
            partner[bond] = Int32(truncatingIfNeeded: candidate)
            partner[candidate] = Int32(truncatingIfNeeded: bond)
        }
    }

    /// Numbers the partners of crossing bonds as ghosts behind the rows of this rank, and lists what is sent.
    ///
    /// Both ranks of a message know the same bonds. It has them by the sender's row, then the receiver's, then the direction
    /// as the sender sees it; rows have the same order as ghosts and where they are owned.
    private func matchCrossings(_ cells: OccupiedCells) {
        bondsOfMessages.removeAll(keepingCapacity: true)
        for _ in cells.messages { bondsOfMessages.append(0) }
        crossings.sort {
            ($0.message, $0.own, $0.ghost, $0.direction) < ($1.message, $1.own, $1.ghost, $1.direction)
        }
        for crossing in crossings {
            bondsToSend.append(crossing.bond)
            bondsOfMessages[crossing.message] += 1
        }
        crossings.sort {
            ($0.message, $0.ghost, $0.own, -$0.direction) < ($1.message, $1.ghost, $1.own, -$1.direction)
        }
        var next = Int32(truncatingIfNeeded: bonds.count)
        for crossing in crossings {
            bonds.columns[3][Int(crossing.bond)] = next
            next += 1
        }
    }

    private func findAngles(_ firstNew: Int) {
        var angles = self.angles
        defer { self.angles = angles }
        let (center, count) = (bonds.columns[0], bonds.count)
        var bond = firstNew
        // Bonds of one center follow one another.
        while bond < count {
            var end = bond + 1
            while end < count && center[end] == center[bond] { end += 1 }
            angles.reserve((end - bond) * (end - bond))
            let (firsts, seconds) = (angles.columns[0], angles.columns[1])
            for first in bond..<end {
                for second in bond..<end where second != first {
                    firsts[angles.count] = Int32(truncatingIfNeeded: first)
                    seconds[angles.count] = Int32(truncatingIfNeeded: second)
                    angles.count += 1
                }
            }
            bond = end
        }
    }

    /// From the center of a cell to that of the one in a direction, x, y, z, Angstrom.
    static func shift(_ direction: Int, _ cellSize: SIMD3<Double>) -> SIMD3<Double> {
        let offset = Direction.offset(direction)
        return SIMD3(Double(offset.x), Double(offset.y), Double(offset.z)) * cellSize
    }
}
