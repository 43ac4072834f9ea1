import Autodiff
import Grid
import Kernels
import MPI
import Tensor
import Training

/// Lists a rank's pairs and bonds, those with atoms of other ranks among them.
final class BondSearch<Scalar: TrainingScalar & GridScalar> {
    let lists: BondLists
    /// Bring atoms and the partners of bonds from other ranks; nil where this rank has all.
    let atomExchange: OccupiedCellExchange<Scalar>?
    let bondExchange: OccupiedCellExchange<Scalar>?
    private let filler: CellFiller
    private let exchange: OccupiedRowExchange<Scalar>
    private let crossingBonds: CrossingRows
    /// From the centers of cells, this rank's atoms and then ghosts, Angstrom. [rows, x y z]
    private let places = GrowingBuffer<Scalar>()

    /// Collective.
    ///
    /// - Parameters:
    ///   - elements: that the model knows.
    ///   - hasAngles: whether angles are listed, for second derivatives.
    init(_ filler: CellFiller, _ configuration: BondConfiguration, elements: Int, hasAngles: Bool) throws {
        self.filler = filler
        lists = BondLists(configuration, hasAngles: hasAngles)
        exchange = try OccupiedRowExchange(filler.occupied, channelCapacity: 3, rowCapacity: 16)
        crossingBonds = CrossingRows(filler.occupied)
        guard filler.occupied.communicator.size > 1 else {
            (atomExchange, bondExchange) = (nil, nil)
            return
        }
        atomExchange = try OccupiedCellExchange(
            filler.occupied, channelCapacity: max(3, elements * configuration.pairFunctions), rowCapacity: 16)
        bondExchange = try OccupiedCellExchange(
            crossingBonds,
            channelCapacity: max(
                3, elements, configuration.angleChannels,
                Variable<Scalar>.torsionColumns(channels: configuration.torsionChannels)),
            rowCapacity: 16)
    }

    /// Lists what is near the atoms, which are in the order of their rows; ghosts are known. Collective.
    func find(_ atoms: AtomStore.Arrays, cellSize: SIMD3<Double>) throws {
        let cells = filler.occupied
        let places = self.places.reserve(3 * cells.totalRows)
        for component in 0..<(3 * atoms.count) { places[component] = Scalar(atoms.offsets[component]) }
        try exchange.start(places, channels: 3)
        try exchange.finish()
        lists.removeAll()
        lists.append(
            cells, cellOfRow: UnsafePointer(filler.binning.cellOfRow.pointer), places: UnsafePointer(places),
            cellSize: cellSize)
        guard bondExchange != nil else { return }
        lists.bondsToSend.withUnsafeBufferPointer { rows in
            lists.bondsOfMessages.withUnsafeBufferPointer {
                crossingBonds.rebuild(ownedRows: lists.bondCount, rows: rows, counts: $0)
            }
        }
    }

    /// How many atoms are nearer to each of this rank's atoms than a distance (Angstrom), as they were found. [atoms]
    func coordination(within distance: Double, cellSize: SIMD3<Double>) -> [Int32] {
        let places = places.pointer
        func place(_ row: Int32) -> SIMD3<Double> {
            SIMD3(Double(places[3 * Int(row)]), Double(places[3 * Int(row) + 1]), Double(places[3 * Int(row) + 2]))
        }
        var counts = [Int32](repeating: 0, count: lists.atomCount)
        for atom in 0..<lists.atomCount {
            for pair in Int(lists.firstPair[atom])..<Int(lists.firstPair[atom + 1]) {
                let difference = place(lists.neighbor[pair]) - place(Int32(truncatingIfNeeded: atom))
                    + BondLists.shift(Int(lists.direction[pair]), cellSize)
                if (difference * difference).sum() < distance * distance { counts[atom] += 1 }
            }
        }
        return counts
    }
}
