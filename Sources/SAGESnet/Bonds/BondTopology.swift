import Autodiff
import Kernels

/// Atoms, their pairs, bonds and angles as rows of variables, and which belong to which.
public final class BondTopology {
    /// One row an atom.
    public let atoms: RowDomain
    let pairs: RowDomain
    let bonds: RowDomain
    let angles: RowDomain
    /// The center of each pair, and of each bond.
    let centerOfPair: RowMap
    let centerOfBond: RowMap
    /// The pair that a bond is.
    let pairOfBond: RowMap
    let firstBond: RowMap
    let secondBond: RowMap
    let pairPartners: RowPairing
    let bondPartners: RowPairing

    /// How many of each there may be.
    struct Capacity: Equatable, Sendable {
        var atoms = 0
        var pairs = 0
        var bonds = 0
        var angles = 0

        init() {}

        /// What lists need.
        init(_ lists: BondLists) {
            (atoms, angles) = (lists.atomCount, lists.angleCount)
            // With a ghost for each that crosses to another rank.
            pairs = lists.pairCount + lists.pairsToSend.count
            bonds = lists.bondCount + lists.bondsToSend.count
        }

        func holds(_ other: Capacity) -> Bool {
            other.atoms <= atoms && other.pairs <= pairs && other.bonds <= bonds && other.angles <= angles
        }

        /// The larger of each.
        mutating func include(_ other: Capacity) {
            atoms = max(atoms, other.atoms)
            pairs = max(pairs, other.pairs)
            bonds = max(bonds, other.bonds)
            angles = max(angles, other.angles)
        }

        /// So many times as much, and a little.
        func multiplied(by factor: Double) -> Capacity {
            var result = Capacity()
            func scaled(_ count: Int) -> Int { Int(Double(count) * factor) + 64 }
            (result.atoms, result.pairs) = (scaled(atoms), scaled(pairs))
            (result.bonds, result.angles) = (scaled(bonds), scaled(angles))
            return result
        }
    }

    let capacity: Capacity

    /// - Parameters:
    ///   - pairExchange: brings the partners of pairs from other ranks; nil where this rank has all.
    ///   - bondExchange: the same for bonds.
    init(
        capacity: Capacity, pairExchange: (any RowExchange)? = nil, bondExchange: (any RowExchange)? = nil
    ) {
        self.capacity = capacity
        atoms = RowDomain("atoms", capacity: capacity.atoms)
        pairs = RowDomain("pairs", capacity: capacity.pairs)
        bonds = RowDomain("bonds", capacity: capacity.bonds)
        angles = RowDomain("angles", capacity: capacity.angles)
        centerOfPair = RowMap(from: atoms, to: pairs)
        centerOfBond = RowMap(from: atoms, to: bonds)
        pairOfBond = RowMap(from: pairs, to: bonds)
        firstBond = RowMap(from: bonds, to: angles)
        secondBond = RowMap(from: bonds, to: angles)
        pairPartners = RowPairing(over: pairs)
        bondPartners = RowPairing(over: bonds)
        pairPartners.exchange = pairExchange
        bondPartners.exchange = bondExchange
    }

    /// Takes lists that fit the capacity.
    func rebuild(_ lists: BondLists) {
        precondition(capacity.holds(Capacity(lists)), "lists exceed the topology's capacity")
        (atoms.count, pairs.count) = (lists.atomCount, lists.pairCount)
        (bonds.count, angles.count) = (lists.bondCount, lists.angleCount)
        centerOfPair.rebuild(lists.center)
        centerOfBond.rebuild(lists.centerOfBond)
        pairOfBond.rebuild(lists.pairOfBond)
        firstBond.rebuild(lists.firstBond)
        secondBond.rebuild(lists.secondBond)
        pairPartners.rebuild(lists.partner, ghostRows: lists.pairsToSend.count)
        bondPartners.rebuild(lists.bondPartner, ghostRows: lists.bondsToSend.count)
    }

    /// Writes how far apart the cells of each pair are, Angstrom. [pairs, x y z]
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func writeShifts<Scalar: KernelScalar>(
        _ lists: BondLists, cellSize: SIMD3<Double>, pairs range: Range<Int>, to target: UnsafeMutablePointer<Scalar>
    ) {
        let direction = lists.direction
        for pair in range {
            let shift = BondLists.shift(Int(direction[pair]), cellSize)
            for axis in 0..<3 { target[3 * pair + axis] = Scalar(shift[axis]) }
        }
    }
}
