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
    init(_ filler: CellFiller, _ configuration: BondConfiguration) throws {
        self.filler = filler
        lists = BondLists(configuration, hasAngles: false)
        exchange = try OccupiedRowExchange(filler.occupied, channelCapacity: 3, rowCapacity: 16)
        crossingBonds = CrossingRows(filler.occupied)
        guard filler.occupied.communicator.size > 1 else {
            (atomExchange, bondExchange) = (nil, nil)
            return
        }
        atomExchange = try OccupiedCellExchange(
            filler.occupied, channelCapacity: max(3, configuration.pairFunctions), rowCapacity: 16)
        bondExchange = try OccupiedCellExchange(
            crossingBonds, channelCapacity: configuration.angleChannels, rowCapacity: 16)
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
}
