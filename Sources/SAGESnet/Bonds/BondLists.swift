import Grid
import Kernels

/// The pairs of atoms within a cutoff, the bonds among them, and the angles between bonds: found by the grid, whose cells
/// are at least as wide as the cutoff.
///
/// A pair belongs to the atom that is its center; the same two atoms are another pair from the other side. Everything is
/// in an order that no decomposition changes: by center, then by the neighbor's cell (z, y, x), then by the neighbor's
/// row. Memory is kept from one search to the next.
final class BondLists {
    let configuration: BondConfiguration
    /// Atoms so far, those of earlier samples included.
    private(set) var atomCount = 0

    // Columns: center, neighbor, direction of the neighbor's cell, partner (the same two atoms from the other side), bond
    // (-1 for none).
    private var pairs = IndexTable(columns: 5)
    // Columns: pair, center, partner.
    private var bonds = IndexTable(columns: 3)
    // Columns: first and second bond, from their common center; each angle is there twice.
    private var angles = IndexTable(columns: 2)
    // The first pair of each atom, and the end.
    private var starts = IndexTable(columns: 1)

    /// A pair whose neighbor is another rank's, and the message that brings it.
    private struct Crossing {
        let message: Int
        let own: Int32
        let ghost: Int32
        let direction: Int32
        let pair: Int32
    }
    private var crossings: ContiguousArray<Crossing> = []
    /// Rows that other ranks need, message after message, and how many each message has.
    private(set) var pairsToSend: ContiguousArray<Int32> = []
    private(set) var bondsToSend: ContiguousArray<Int32> = []
    private(set) var pairsOfMessages: ContiguousArray<Int> = []
    private(set) var bondsOfMessages: ContiguousArray<Int> = []

    init(_ configuration: BondConfiguration) { self.configuration = configuration }

    deinit {
        for table in [pairs, bonds, angles, starts] { table.deallocate() }
    }

    var pairCount: Int { pairs.count }
    var bondCount: Int { bonds.count }
    var angleCount: Int { angles.count }

    /// [pairs]
    var center: UnsafePointer<Int32> { UnsafePointer(pairs.columns[0]) }
    var neighbor: UnsafePointer<Int32> { UnsafePointer(pairs.columns[1]) }
    /// A direction's number, see `Direction`. [pairs]
    var direction: UnsafePointer<Int32> { UnsafePointer(pairs.columns[2]) }
    var partner: UnsafePointer<Int32> { UnsafePointer(pairs.columns[3]) }
    /// [bonds]
    var pairOfBond: UnsafePointer<Int32> { UnsafePointer(bonds.columns[0]) }
    var centerOfBond: UnsafePointer<Int32> { UnsafePointer(bonds.columns[1]) }
    var bondPartner: UnsafePointer<Int32> { UnsafePointer(bonds.columns[2]) }
    /// [angles]
    var firstBond: UnsafePointer<Int32> { UnsafePointer(angles.columns[0]) }
    var secondBond: UnsafePointer<Int32> { UnsafePointer(angles.columns[1]) }

    func removeAll() {
        (atomCount, pairs.count, bonds.count, angles.count, starts.count) = (0, 0, 0, 0, 0)
        pairsToSend.removeAll(keepingCapacity: true)
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
        let (firstAtom, firstPair, firstBond) = (atomCount, pairCount, bondCount)
        precondition(cells.ghostRows == 0 || firstAtom == 0, "one grid of several ranks")
        findPairs(cells, cellOfRow, places, cellSize)
        matchPairs(cells, firstPair, firstBond)
        if cells.communicator.size > 1 { matchCrossings(cells) }
        findAngles(firstBond)
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func findPairs<Scalar: KernelScalar>(
        _ cells: OccupiedCells, _ cellOfRow: UnsafePointer<Int32>, _ places: UnsafePointer<Scalar>,
        _ cellSize: SIMD3<Double>
    ) {
        // Copies of the tables' places and counts, which loops may use without asking whether somebody else does.
        var (pairs, bonds, starts) = (self.pairs, self.bonds, self.starts)
        defer { (self.pairs, self.bonds, self.starts) = (pairs, bonds, starts) }
        let box = cells.box
        let (firstRow, rowCount) = (cells.firstRow.baseAddress!, cells.rowCount.baseAddress!)
        let reach = configuration.reach * configuration.reach
        let bondReach = (configuration.bondCutoff + configuration.margin) * (configuration.bondCutoff + configuration.margin)
        let base = Int32(truncatingIfNeeded: atomCount)
        let owned = cells.ownedRows
        if starts.count == 0 {
            starts.reserve(1)
            starts.columns[0][0] = 0
            starts.count = 1
        }
        starts.reserve(owned)
        let ends = starts.columns[0] + starts.count
        starts.count += owned
        for row in 0..<owned {
            let place = BondLists.place(places, row)
            let middle = box.index(box.cells.cell(at: Int(cellOfRow[row])))
            let own = base + Int32(truncatingIfNeeded: row)
            for direction in 0..<Direction.count {
                let offset = Direction.offset(direction)
                let cell = middle + (offset.z * box.padded.y + offset.y) * box.padded.x + offset.x
                let count = Int(rowCount[cell])
                if count == 0 { continue }
                pairs.reserve(count)
                bonds.reserve(count)
                let pair = (pairs.columns[0], pairs.columns[1], pairs.columns[2], pairs.columns[4])
                let bond = (bonds.columns[0], bonds.columns[1])
                let shift = BondLists.shift(direction, cellSize)
                let first = Int(firstRow[cell])
                for other in first..<(first + count) {
                    let difference = (BondLists.place(places, other) - place) + shift
                    let square = (difference * difference).sum()
                    guard square < reach, other != row || direction != Direction.center else { continue }
                    let index = pairs.count
                    if square < bondReach {
                        pair.3[index] = Int32(truncatingIfNeeded: bonds.count)
                        bond.0[bonds.count] = Int32(truncatingIfNeeded: index)
                        bond.1[bonds.count] = own
                        bonds.count += 1
                    } else {
                        pair.3[index] = -1
                    }
                    pair.0[index] = own
                    pair.1[index] = base + Int32(truncatingIfNeeded: other)
                    pair.2[index] = Int32(truncatingIfNeeded: direction)
                    pairs.count += 1
                }
            }
            ends[row] = Int32(truncatingIfNeeded: pairs.count)
        }
        atomCount += owned
    }

    /// Finds each new pair's partner among the pairs of its neighbor, and the bonds' by these. Partners of crossing pairs
    /// are left open.
    private func matchPairs(_ cells: OccupiedCells, _ firstPair: Int, _ firstBond: Int) {
        crossings.removeAll(keepingCapacity: true)
        let (pairs, starts) = (self.pairs, self.starts.columns[0])
        let (center, neighbor, direction) = (pairs.columns[0], pairs.columns[1], pairs.columns[2])
        let (partner, bondOfPair) = (pairs.columns[3], pairs.columns[4])
        (partner + firstPair).update(repeating: -1, count: pairs.count - firstPair)
        for pair in firstPair..<pairs.count where partner[pair] < 0 {
            if Int(neighbor[pair]) >= atomCount {
                crossings.append(
                    Crossing(
                        message: cells.message(ofGhost: Int(neighbor[pair])), own: center[pair], ghost: neighbor[pair],
                        direction: direction[pair], pair: Int32(truncatingIfNeeded: pair)))
                continue
            }
            let opposite = Int32(Direction.count - 1) - direction[pair]
            var candidate = Int(starts[Int(neighbor[pair])])
            while !(neighbor[candidate] == center[pair] && direction[candidate] == opposite) { candidate += 1 }
            partner[pair] = Int32(truncatingIfNeeded: candidate)
            partner[candidate] = Int32(truncatingIfNeeded: pair)
        }
        for bond in firstBond..<bonds.count {
            let other = Int(partner[Int(bonds.columns[0][bond])])
            bonds.columns[2][bond] = other < 0 ? -1 : bondOfPair[other]
        }
    }

    /// Numbers the partners of crossing pairs and bonds as ghosts behind the rows of this rank, and lists what is sent.
    ///
    /// Both ranks of a message know the same pairs. It has them by the sender's row, then the receiver's, then the direction
    /// as the sender sees it; rows have the same order as ghosts and where they are owned.
    private func matchCrossings(_ cells: OccupiedCells) {
        let (partner, bondOfPair) = (pairs.columns[3], pairs.columns[4])
        pairsOfMessages.removeAll(keepingCapacity: true)
        bondsOfMessages.removeAll(keepingCapacity: true)
        for _ in cells.messages {
            pairsOfMessages.append(0)
            bondsOfMessages.append(0)
        }
        crossings.sort {
            ($0.message, $0.own, $0.ghost, $0.direction) < ($1.message, $1.own, $1.ghost, $1.direction)
        }
        for crossing in crossings {
            pairsToSend.append(crossing.pair)
            pairsOfMessages[crossing.message] += 1
            let bond = bondOfPair[Int(crossing.pair)]
            guard bond >= 0 else { continue }
            bondsToSend.append(bond)
            bondsOfMessages[crossing.message] += 1
        }
        crossings.sort {
            ($0.message, $0.ghost, $0.own, -$0.direction) < ($1.message, $1.ghost, $1.own, -$1.direction)
        }
        var (nextPair, nextBond) = (Int32(truncatingIfNeeded: pairs.count), Int32(truncatingIfNeeded: bonds.count))
        for crossing in crossings {
            partner[Int(crossing.pair)] = nextPair
            nextPair += 1
            let bond = Int(bondOfPair[Int(crossing.pair)])
            guard bond >= 0 else { continue }
            bonds.columns[2][bond] = nextBond
            nextBond += 1
        }
    }

    private func findAngles(_ firstNew: Int) {
        var angles = self.angles
        defer { self.angles = angles }
        let (center, count) = (bonds.columns[1], bonds.count)
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
    @inline(__always)
    static func shift(_ direction: Int, _ cellSize: SIMD3<Double>) -> SIMD3<Double> {
        let offset = Direction.offset(direction)
        return SIMD3(Double(offset.x), Double(offset.y), Double(offset.z)) * cellSize
    }

    @inline(__always)
    private static func place<Scalar: KernelScalar>(_ places: UnsafePointer<Scalar>, _ row: Int) -> SIMD3<Double> {
        SIMD3(Double(places[3 * row]), Double(places[3 * row + 1]), Double(places[3 * row + 2]))
    }
}
