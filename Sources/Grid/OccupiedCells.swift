import MPI

/// Which cells of a rank's padded box hold rows, where a row is a vector of channels and most cells hold none.
///
/// Owned rows are numbered from 0: first those of cells at the border (`isAtBorder`), then the others, both in order of
/// their cells (z, y, x with x fastest); a cell may hold several, which follow one another. Ghost rows, copies of other
/// ranks' rows, follow the owned ones. A ghost cell that stands for a cell of this very box (along a periodic axis that
/// is not cut) has no rows of its own: it names those of that cell.
///
/// `rebuild` once the rows have moved; `OccupiedRowExchange` then fills the ghost rows of any array of rows.
public final class OccupiedCells {
    public let decomposition: Decomposition
    public let communicator: Communicator
    public var box: PaddedBox { plan.box }
    let plan: HaloPlan

    /// Rows of this rank's cells.
    public private(set) var ownedRows = 0
    /// The first of these, of cells at the border. Only they are sent, and only what depends on their neighborhoods must
    /// wait for ghost rows.
    public private(set) var borderRows = 0
    /// Copies of rows of other ranks, numbered from `ownedRows` on.
    public private(set) var ghostRows = 0
    /// Rows that an array for `OccupiedRowExchange` needs.
    public var totalRows: Int { ownedRows + ghostRows }
    /// Rows of the fullest cell, ghosts included.
    public private(set) var largestRowCount = 0
    /// How often a rebuild needed more room than there was; constant in a steady state.
    public var growthCount: Int { sendList.allocations }

    // Tables over the padded box, [(z + 2h), (y + 2h), (x + 2h)].
    private let countField: GridField<Int32>
    private let firstTable: UnsafeMutableBufferPointer<Int32>
    private let countExchange: HaloExchange<Int32>
    // Rows to send, direction after direction.
    private let sendList: GrowingBuffer<Int32>

    /// By message of the plan: the part of `sendList` to send, and of the ghost rows to receive.
    public private(set) var sendRanges: [Range<Int>]
    public private(set) var ghostRanges: [Range<Int>]

    /// Room to send `sendCapacity` rows, which grows when needed. Throws `MPIError`. Collective.
    public init(_ decomposition: Decomposition, communicator: Communicator, sendCapacity: Int) throws {
        self.decomposition = decomposition
        self.communicator = communicator
        plan = HaloPlan(decomposition, rank: communicator.rank)
        countField = GridField(box: plan.box, channels: 1)
        firstTable = .allocate(capacity: plan.box.padded.count)
        firstTable.initialize(repeating: -1)
        sendList = GrowingBuffer(capacity: sendCapacity)
        sendRanges = [Range<Int>](repeating: 0..<0, count: plan.messages.count)
        ghostRanges = sendRanges
        countExchange = try HaloExchange(decomposition, communicator: communicator, channels: 1, adjoint: false)
    }

    deinit { firstTable.deallocate() }

    // MARK: Tables

    /// The first row of each cell of the padded box, -1 where it holds none.
    public var firstRow: UnsafeBufferPointer<Int32> { UnsafeBufferPointer(firstTable) }
    /// The number of rows of each cell of the padded box.
    public var rowCount: UnsafeBufferPointer<Int32> { UnsafeBufferPointer(countField.storage) }
    /// Whether another rank has a copy of this rank's cell (z, y, x with x fastest, without ghosts): whether a ghost of
    /// another rank lies within the halo's width.
    public func isAtBorder(cell: Int) -> Bool { !plan.inner.contains(box.cells.cell(at: cell)) }
    /// Owned rows that other ranks hold as ghosts, in the order in which they are sent.
    public var rowsToSend: UnsafeBufferPointer<Int32> { sendList.appended }

    // MARK: Rebuilding

    /// Takes the rows as they are now: `cellOfRow` gives the owned cell of each owned row (z, y, x with x fastest, without
    /// ghosts), ascending at the border and again behind it, equal for rows of one cell. Exchanges the numbers of rows near
    /// the borders.
    /// Throws `GridError.invalidRow`, `MPIError`. Collective.
    public func rebuild(cellOfRow: UnsafeBufferPointer<Int32>) throws {
        countField.storage.update(repeating: 0)
        firstTable.update(repeating: -1)
        ownedRows = cellOfRow.count
        try placeOwnedRows(cellOfRow)
        try countExchange.start(countField)
        listRowsToSend()
        try countExchange.finish()
        numberGhostRows()
        largestRowCount = Int(countField.storage.max() ?? 0)
    }

    private func placeOwnedRows(_ cellOfRow: UnsafeBufferPointer<Int32>) throws {
        let ownedCells = box.cells.count
        borderRows = 0
        var previous = 0
        for row in 0..<cellOfRow.count {
            let cell = Int(cellOfRow[row])
            guard cell >= 0, cell < ownedCells else {
                throw GridError.invalidRow(row: row, cell: cell, ownedCells: ownedCells)
            }
            let isAtBorder = isAtBorder(cell: cell)
            let order = isAtBorder ? cell : ownedCells + cell
            guard order >= previous else { throw GridError.invalidRow(row: row, cell: cell, ownedCells: ownedCells) }
            let place = box.index(box.cells.cell(at: cell))
            if countField.storage[place] == 0 { firstTable[place] = Int32(row) }
            countField.storage[place] += 1
            if isAtBorder { borderRows = row + 1 }
            previous = order
        }
    }

    private func listRowsToSend() {
        var needed = 0
        for message in plan.messages {
            plan.forEachRun(box.border(Direction.offset(message.direction))) { index, count in
                for place in index..<(index + count) { needed += Int(countField.storage[place]) }
            }
        }
        sendList.reserve(needed)
        for (slot, message) in plan.messages.enumerated() {
            let start = sendList.count
            plan.forEachRun(box.border(Direction.offset(message.direction))) { index, count in
                for place in index..<(index + count) {
                    for copy in 0..<countField.storage[place] { sendList.append(firstTable[place] + copy) }
                }
            }
            sendRanges[slot] = start..<sendList.count
        }
    }

    /// Numbers ghost rows in the order in which their owners send them, then gives copies of cells the rows of these.
    private func numberGhostRows() {
        var next = ownedRows
        for (slot, message) in plan.messages.enumerated() {
            let start = next
            plan.forEachRun(box.ghosts(Direction.offset(message.direction))) { index, count in
                for place in index..<(index + count) where countField.storage[place] > 0 {
                    firstTable[place] = Int32(truncatingIfNeeded: next)
                    next += Int(countField.storage[place])
                }
            }
            ghostRanges[slot] = start..<next
        }
        ghostRows = next - ownedRows
        for direction in 0..<Direction.count {
            plan.forEachWrappedRun(direction) { ghost, source, count in
                for step in 0..<count { firstTable[ghost + step] = firstTable[source + step] }
            }
        }
    }

    // MARK: Neighbors

    /// For a kernel three cells wide: writes the row of each of the 27 cells around the cell of each owned row, offsets
    /// -1...1 z, y, x-major, to `table`[row, 27]; -1 where there is none. Every cell may hold one row only. Ghost rows
    /// count. Throws `GridError.crowdedCell`. Not collective.
    public func fillNeighborRows(
        _ table: UnsafeMutableBufferPointer<Int32>, cellOfRow: UnsafeBufferPointer<Int32>
    ) throws {
        guard largestRowCount <= 1 else { throw GridError.crowdedCell(rows: largestRowCount) }
        precondition(table.count >= ownedRows * Direction.count && cellOfRow.count == ownedRows, "the table is too small")
        let lineStride = box.padded.x
        let planeStride = box.padded.y * box.padded.x
        for row in 0..<ownedRows {
            let center = box.index(box.cells.cell(at: Int(cellOfRow[row])))
            var entry = row * Direction.count
            for z in -1...1 {
                for y in -1...1 {
                    let line = center + z * planeStride + y * lineStride
                    for x in -1...1 {
                        table[entry] = firstTable[line + x]
                        entry += 1
                    }
                }
            }
        }
    }
}
