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

    /// The center of each pair, its neighbor, and in which direction that cell lies. [pairs]
    private(set) var center: ContiguousArray<Int32> = []
    private(set) var neighbor: ContiguousArray<Int32> = []
    private(set) var direction: ContiguousArray<UInt8> = []
    /// The same two atoms from the other side. [pairs]
    private(set) var partner: ContiguousArray<Int32> = []
    /// The pair that a bond is. [bonds]
    private(set) var pairOfBond: ContiguousArray<Int32> = []
    private(set) var bondPartner: ContiguousArray<Int32> = []
    private(set) var centerOfBond: ContiguousArray<Int32> = []
    /// The two bonds of an angle, from their common center; each angle is there twice. [angles]
    private(set) var firstBond: ContiguousArray<Int32> = []
    private(set) var secondBond: ContiguousArray<Int32> = []

    /// The first pair of each atom, and the end; the bond that a pair is, or -1.
    private var firstPair: ContiguousArray<Int32> = [0]
    private var bondOfPair: ContiguousArray<Int32> = []

    init(_ configuration: BondConfiguration) { self.configuration = configuration }

    var pairCount: Int { center.count }
    var bondCount: Int { pairOfBond.count }
    var angleCount: Int { firstBond.count }

    func removeAll() {
        atomCount = 0
        center.removeAll(keepingCapacity: true)
        neighbor.removeAll(keepingCapacity: true)
        direction.removeAll(keepingCapacity: true)
        partner.removeAll(keepingCapacity: true)
        pairOfBond.removeAll(keepingCapacity: true)
        bondPartner.removeAll(keepingCapacity: true)
        centerOfBond.removeAll(keepingCapacity: true)
        firstBond.removeAll(keepingCapacity: true)
        secondBond.removeAll(keepingCapacity: true)
        bondOfPair.removeAll(keepingCapacity: true)
        firstPair.removeAll(keepingCapacity: true)
        firstPair.append(0)
    }

    /// Adds the atoms of a grid, whose rows are numbered on from those that are there.
    ///
    /// - Parameters:
    ///   - cells: the rows of each cell, one an atom.
    ///   - cellOfRow: this rank's cell of each of its rows. [owned rows]
    ///   - places: from the centers of their cells, ghosts' too, Angstrom. [rows, x y z]
    ///   - cellSize: Angstrom.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func append<Scalar: KernelScalar>(
        _ cells: OccupiedCells, cellOfRow: UnsafePointer<Int32>, places: UnsafePointer<Scalar>, cellSize: SIMD3<Double>
    ) {
        let (firstAtom, firstNew) = (atomCount, pairCount)
        findPairs(cells, cellOfRow, places, cellSize)
        matchPairs(from: firstAtom, firstNew)
        findAngles(from: firstAtom)
    }

    @inline(__always)
    private func findPairs<Scalar: KernelScalar>(
        _ cells: OccupiedCells, _ cellOfRow: UnsafePointer<Int32>, _ places: UnsafePointer<Scalar>,
        _ cellSize: SIMD3<Double>
    ) {
        let box = cells.box
        let (firstRow, rowCount) = (cells.firstRow.baseAddress!, cells.rowCount.baseAddress!)
        let reach = configuration.reach * configuration.reach
        let bondReach = (configuration.bondCutoff + configuration.margin) * (configuration.bondCutoff + configuration.margin)
        let base = Int32(truncatingIfNeeded: atomCount)
        for row in 0..<cells.ownedRows {
            let place = BondLists.place(places, row)
            let middle = box.index(box.cells.cell(at: Int(cellOfRow[row])))
            let own = base + Int32(truncatingIfNeeded: row)
            for index in 0..<Direction.count {
                let offset = Direction.offset(index)
                let cell = middle + (offset.z * box.padded.y + offset.y) * box.padded.x + offset.x
                let count = Int(rowCount[cell])
                if count == 0 { continue }
                let shift = BondLists.shift(UInt8(index), cellSize)
                for other in Int(firstRow[cell])..<(Int(firstRow[cell]) + count) {
                    if other == row && index == Direction.center { continue }
                    let difference = (BondLists.place(places, other) - place) + shift
                    let square = (difference * difference).sum()
                    guard square < reach else { continue }
                    if square < bondReach {
                        bondOfPair.append(Int32(truncatingIfNeeded: pairOfBond.count))
                        pairOfBond.append(Int32(truncatingIfNeeded: center.count))
                        centerOfBond.append(own)
                    } else {
                        bondOfPair.append(-1)
                    }
                    center.append(own)
                    neighbor.append(base + Int32(truncatingIfNeeded: other))
                    direction.append(UInt8(index))
                }
            }
            firstPair.append(Int32(truncatingIfNeeded: center.count))
        }
        atomCount += cells.ownedRows
    }

    /// Finds each new pair's partner among the pairs of its neighbor, and the bonds' by these.
    private func matchPairs(from firstAtom: Int, _ firstNew: Int) {
        let firstBondNew = bondPartner.count
        partner.append(contentsOf: repeatElement(-1, count: pairCount - firstNew))
        for pair in firstNew..<pairCount where partner[pair] < 0 {
            let (other, opposite) = (Int(neighbor[pair]), UInt8(26) - direction[pair])
            var candidate = Int(firstPair[other])
            while !(neighbor[candidate] == center[pair] && direction[candidate] == opposite) { candidate += 1 }
            partner[pair] = Int32(truncatingIfNeeded: candidate)
            partner[candidate] = Int32(truncatingIfNeeded: pair)
        }
        for bond in firstBondNew..<bondCount { bondPartner.append(bondOfPair[Int(partner[Int(pairOfBond[bond])])]) }
    }

    private func findAngles(from firstAtom: Int) {
        var bond = bondCount
        // Bonds of one center follow one another.
        while bond > 0 && Int(centerOfBond[bond - 1]) >= firstAtom { bond -= 1 }
        while bond < bondCount {
            var end = bond + 1
            while end < bondCount && centerOfBond[end] == centerOfBond[bond] { end += 1 }
            for first in bond..<end {
                for second in bond..<end where second != first {
                    firstBond.append(Int32(truncatingIfNeeded: first))
                    secondBond.append(Int32(truncatingIfNeeded: second))
                }
            }
            bond = end
        }
    }

    @inline(__always)
    private static func place<Scalar: KernelScalar>(_ places: UnsafePointer<Scalar>, _ row: Int) -> SIMD3<Double> {
        SIMD3(Double(places[3 * row]), Double(places[3 * row + 1]), Double(places[3 * row + 2]))
    }

    /// From the center of a cell to that of the one in a direction, x, y, z, Angstrom.
    @inline(__always)
    static func shift(_ direction: UInt8, _ cellSize: SIMD3<Double>) -> SIMD3<Double> {
        let offset = Direction.offset(Int(direction))
        return SIMD3(Double(offset.x), Double(offset.y), Double(offset.z)) * cellSize
    }
}
