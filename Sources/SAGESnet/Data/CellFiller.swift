import Autodiff
import Grid
import MPI
import Tensor

/// Turns atoms into the rows of a model's inputs: places, slots, neighbors. One filler for one grid of cells; memory is
/// kept, so filling the same grid again allocates nothing.
///
/// The filler is the same for training (a whole box on one rank) and for simulation (a rank's cells among others').
public final class CellFiller {
    public let decomposition: Decomposition
    public let binning: CellBinning
    /// Where ghosts are and who fills them; its exchange is used by convolutions over occupied cells.
    public let occupied: OccupiedCells
    private var neighbors = Buffer<Int32>(repeating: 0, count: 0)

    /// Collective over the communicator.
    public init(
        _ decomposition: Decomposition, communicator: Communicator, rows: CellBinning.Rows, slots: Int, capacity: Int
    ) throws {
        self.decomposition = decomposition
        binning = CellBinning(rows, slots: slots)
        occupied = try OccupiedCells(
            decomposition, communicator: communicator, sendCapacity: capacity)
    }

    /// Assigns rows and slots to atoms and finds neighbors.
    ///
    /// - Parameters:
    ///   - cells: this rank's local cell of each atom. [atoms]
    ///   - precedes: the order of atoms of one cell in its slots.
    /// - Throws: `CellBinning.Crowded`; MPI's errors. Collective.
    public func arrange(cells: UnsafePointer<Int32>, atoms: Int, precedes: (Int, Int) -> Bool) throws {
        // Occupied cells at the border come first; a dense grid is computed as a box.
        let isSplit = binning.rows != .cells && occupied.communicator.size > 1
        try binning.bin(
            cells: cells, atoms: atoms, cellCount: occupied.box.cells.count,
            comesFirst: isSplit ? occupied.isAtBorder(cell:) : nil, precedes: precedes)
    }

    /// Finds out which cells hold rows, those of other ranks near the borders too. Collective.
    func findGhosts() throws {
        try occupied.rebuild(cellOfRow: UnsafeBufferPointer(start: binning.cellOfRow.pointer, count: binning.rowCount))
    }

    /// Finds the neighbors of the rows arranged; dense grids need none. Collective.
    ///
    /// - Returns: [rows, 27]; the row at each offset, -1 for none.
    public func findNeighbors() throws -> UnsafePointer<Int32> {
        try findGhosts()
        let rows = UnsafeBufferPointer(start: binning.cellOfRow.pointer, count: binning.rowCount)
        let entries = binning.rowCount * Direction.count
        if neighbors.count < entries { neighbors = Buffer(repeating: 0, count: entries + entries / 4) }
        try occupied.fillNeighborRows(neighbors.span, cellOfRow: rows)
        return UnsafePointer(neighbors.pointer)
    }
}
