/// The messages that a rank sends in one exchange, and their bytes: what a model of its time needs.
public struct HaloTraffic: Hashable, Sendable {
    /// Messages to other ranks.
    public let messages: Int
    /// Bytes in all of them.
    public let bytes: Int
    /// Cells whose vectors are sent; a cell that several ranks need counts for each.
    public let cells: Int

    /// Of the exchange of a dense field (`HaloExchange`, either direction). Not collective.
    public init(_ decomposition: Decomposition, rank: Int, bytesPerCell: Int) {
        let plan = HaloPlan(decomposition, rank: rank)
        messages = plan.messages.count
        cells = plan.messages.reduce(0) { $0 + plan.box.border(Direction.offset($1.direction)).count }
        bytes = cells * bytesPerCell
    }
}

extension OccupiedCells {
    /// The messages of one exchange of rows (`OccupiedRowExchange`) as the cells are occupied now; those without rows are
    /// not sent. Not collective.
    public func traffic(bytesPerRow: Int) -> HaloTraffic {
        HaloTraffic(
            messages: sendRanges.count { !$0.isEmpty }, bytes: rowsToSend.count * bytesPerRow, cells: rowsToSend.count)
    }
}

extension HaloTraffic {
    init(messages: Int, bytes: Int, cells: Int) {
        self.messages = messages
        self.bytes = bytes
        self.cells = cells
    }
}
