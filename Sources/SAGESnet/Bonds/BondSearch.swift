import Grid
import Kernels
import MPI
import Tensor
import Training

/// Lists a rank's pairs, bonds and angles, those with atoms of other ranks among them.
final class BondSearch<Scalar: TrainingScalar & GridScalar> {
    let lists: BondLists
    /// Bring the partners of pairs and bonds from other ranks; nil where this rank has all.
    let pairExchange: OccupiedCellExchange<Scalar>?
    let bondExchange: OccupiedCellExchange<Scalar>?
    private let filler: CellFiller
    private let exchange: OccupiedRowExchange<Scalar>
    private let crossingPairs: CrossingRows
    private let crossingBonds: CrossingRows
    /// From the centers of cells, this rank's atoms and then ghosts, Angstrom. [rows, x y z]
    private let places = GrowingBuffer<Scalar>()

    /// Collective.
    init(_ filler: CellFiller, _ configuration: BondConfiguration) throws {
        self.filler = filler
        lists = BondLists(configuration)
        exchange = try OccupiedRowExchange(filler.occupied, channelCapacity: 3, rowCapacity: 16)
        crossingPairs = CrossingRows(filler.occupied)
        crossingBonds = CrossingRows(filler.occupied)
        guard filler.occupied.communicator.size > 1 else {
            (pairExchange, bondExchange) = (nil, nil)
            return
        }
        pairExchange = try OccupiedCellExchange(crossingPairs, channelCapacity: 3, rowCapacity: 16)
        bondExchange = try OccupiedCellExchange(
            crossingBonds,
            channelCapacity: max(configuration.angleChannels, TorsionNetwork.components * configuration.torsionChannels),
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
        guard pairExchange != nil else { return }
        func rebuild(
            _ crossing: CrossingRows, _ count: Int, _ rows: ContiguousArray<Int32>, _ ofMessages: ContiguousArray<Int>
        ) {
            rows.withUnsafeBufferPointer { rows in
                ofMessages.withUnsafeBufferPointer { crossing.rebuild(ownedRows: count, rows: rows, counts: $0) }
            }
        }
        rebuild(crossingPairs, lists.pairCount, lists.pairsToSend, lists.pairsOfMessages)
        rebuild(crossingBonds, lists.bondCount, lists.bondsToSend, lists.bondsOfMessages)
    }

    /// How many atoms are nearer to each of this rank's atoms than a distance (Angstrom), as they were found. [atoms]
    func coordination(within distance: Double, cellSize: SIMD3<Double>) -> [Int32] {
        let places = places.pointer
        func place(_ row: Int32) -> SIMD3<Double> {
            SIMD3(Double(places[3 * Int(row)]), Double(places[3 * Int(row) + 1]), Double(places[3 * Int(row) + 2]))
        }
        var counts = [Int32](repeating: 0, count: lists.atomCount)
        for pair in 0..<lists.pairCount {
            let difference = place(lists.neighbor[pair]) - place(lists.center[pair])
                + BondLists.shift(Int(lists.direction[pair]), cellSize)
            if (difference * difference).sum() < distance * distance { counts[Int(lists.center[pair])] += 1 }
        }
        return counts
    }
}
