/// The messages that a rank sends in one exchange, and their bytes: what a model of its time needs.
public struct HaloTraffic: Hashable, Sendable {
    /// Messages to other ranks.
    public let messages: Int
    /// Bytes in all of them.
    public let bytes: Int
    /// Vectors that are sent; one that several ranks need counts for each.
    public let vectors: Int

    /// Of the exchange of a dense field (`HaloExchange`, either direction), or of one row in every cell. Where a part of
    /// the cells holds rows (`OccupiedRowExchange`), its bytes are that part of these. Not collective.
    public init(_ decomposition: Decomposition, rank: Int, bytesPerCell: Int) {
        let plan = HaloPlan(decomposition, rank: rank)
        let cells = plan.messages.reduce(0) { $0 + plan.box.border(Direction.offset($1.direction)).count }
        self.init(messages: plan.messages.count, vectors: cells, bytesPerVector: bytesPerCell)
    }

    init(messages: Int, vectors: Int, bytesPerVector: Int) {
        self.messages = messages
        self.vectors = vectors
        bytes = vectors * bytesPerVector
    }

    /// That of the rank that sends most. Not collective.
    public static func busiest(_ decomposition: Decomposition, bytesPerCell: Int) -> HaloTraffic {
        var busiest = HaloTraffic(decomposition, rank: 0, bytesPerCell: bytesPerCell)
        for rank in 1..<max(decomposition.activeRanks, 1) {
            let traffic = HaloTraffic(decomposition, rank: rank, bytesPerCell: bytesPerCell)
            if traffic.bytes > busiest.bytes { busiest = traffic }
        }
        return busiest
    }
}

extension OccupiedCells {
    /// The messages of one exchange of rows (`OccupiedRowExchange`) as the cells are occupied now; those without rows are
    /// not sent. Not collective.
    public func traffic(bytesPerRow: Int) -> HaloTraffic {
        HaloTraffic(
            messages: sendRanges.reduce(0) { $0 + ($1.isEmpty ? 0 : 1) }, vectors: rowsToSend.count,
            bytesPerVector: bytesPerRow)
    }
}
