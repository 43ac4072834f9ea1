import Autodiff
import Grid
import Kernels

/// Atoms, their pairs, bonds and angles as rows of variables, and which belong to which.
public final class BondTopology {
    /// One row an atom.
    public let atoms: RowDomain
    /// The directions in which neighbors' cells lie, those of each grid.
    let directions: RowDomain
    let pairs: PairTopology
    let bonds: RowDomain
    let centerOfBond: RowMap
    let directionOfBond: RowMap
    let bondPartners: RowPairing
    let angles: AngleTopology

    /// How many of each there may be.
    struct Capacity: Equatable, Sendable {
        var atoms = 0
        var pairs = 0
        var bonds = 0
        var angles = 0

        init() {}

        /// What lists need.
        init(_ lists: BondLists) {
            (atoms, pairs, angles) = (lists.atomCount + lists.ghostCount, lists.pairCount, lists.angleCount)
            // With a ghost for each that crosses to another rank.
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
    ///   - grids: whose atoms are listed together.
    ///   - isForTraining: whether kicks are differentiated; then angles are listed.
    ///   - atomExchange: brings the atoms of other ranks; nil where this rank has all.
    ///   - bondExchange: brings the partners of bonds from other ranks.
    init(
        capacity: Capacity, grids: Int = 1, isForTraining: Bool = false, atomExchange: (any RowExchange)? = nil,
        bondExchange: (any RowExchange)? = nil
    ) {
        self.capacity = capacity
        atoms = RowDomain("atoms", capacity: capacity.atoms)
        directions = RowDomain("directions", capacity: grids * Direction.count, count: grids * Direction.count)
        pairs = PairTopology(over: atoms, capacity: capacity.pairs, exchange: atomExchange)
        bonds = RowDomain("bonds", capacity: capacity.bonds)
        let sides = RowDomain("angles", capacity: capacity.angles)
        centerOfBond = RowMap(from: atoms, to: bonds)
        directionOfBond = RowMap(from: directions, to: bonds)
        angles = AngleTopology(
            centers: centerOfBond, firstBond: RowMap(from: bonds, to: sides), secondBond: RowMap(from: bonds, to: sides),
            isRecorded: isForTraining)
        bondPartners = RowPairing(over: bonds)
        bondPartners.exchange = bondExchange
    }

    /// Takes lists that fit the capacity.
    func rebuild(_ lists: BondLists) {
        precondition(capacity.holds(Capacity(lists)), "lists exceed the topology's capacity")
        (atoms.count, bonds.count) = (lists.atomCount, lists.bondCount)
        pairs.rebuild(
            starts: lists.firstPair, neighbors: lists.neighbor, directions: lists.direction,
            borderRows: lists.borderCount)
        centerOfBond.rebuild(lists.centerOfBond)
        directionOfBond.rebuild(lists.directionOfBond)
        angles.firstBond.target.count = lists.angleCount
        angles.firstBond.rebuild(lists.firstBond)
        angles.secondBond.rebuild(lists.secondBond)
        bondPartners.rebuild(lists.bondPartner, ghostRows: lists.bondsToSend.count)
    }

    /// Writes how far apart the centers of neighboring cells of a grid are, Angstrom, where all grids' are.
    /// [directions, x y z]
    func writeShifts<Scalar: KernelScalar>(
        cellSize: SIMD3<Double>, grid: Int, to target: UnsafeMutablePointer<Scalar>
    ) {
        for direction in 0..<Direction.count {
            let shift = BondLists.shift(direction, cellSize)
            for axis in 0..<3 { target[3 * (grid * Direction.count + direction) + axis] = Scalar(shift[axis]) }
        }
    }
}

extension BondTopology {
    /// Numbers of atoms after each has taken the mean of its own and the mean of its bonded neighbors', four times: of a wave
    /// longer than some ten Angstrom more than half is left, of optical vibrations nothing. [atoms, n]
    ///
    /// - Parameter weight: positive, of each atom in the means; 0 in rows without atoms. [atoms, n]
    func smoothed<Scalar>(_ numbers: Variable<Scalar>, weight: Variable<Scalar>) -> Variable<Scalar> {
        func sumOfNeighbors(_ own: Variable<Scalar>) -> Variable<Scalar> {
            own.expanded(by: centerOfBond).ofPartners(bondPartners).collected(by: centerOfBond)
        }
        let inverseRoot = sumOfNeighbors(weight).addingRow(numbers.tape.constant(1e-12, [weight.columns]))
            .applying(.inverseSquareRoot)
        return (0..<4).reduce(numbers) { mean, _ in
            Scalar(0.5) * (mean + sumOfNeighbors(weight * mean) * inverseRoot * inverseRoot)
        }
    }
}
