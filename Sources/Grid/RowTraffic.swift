import MPI

/// Which rows of an array other ranks hold copies of, and which of its rows are copies of other ranks': what an
/// `OccupiedRowExchange` exchanges.
///
/// An array has `ownedRows`, then `ghostRows`. What a rank sends with a message is in the order in which the receiver
/// numbers its ghosts.
public protocol RowTraffic: AnyObject {
    var communicator: Communicator { get }
    /// The direction of each message's ghosts, and the rank there.
    var messages: [(direction: Int, rank: Int)] { get }
    var ownedRows: Int { get }
    var ghostRows: Int { get }
    /// Owned rows that other ranks hold as ghosts, in the order in which they are sent.
    var rowsToSend: UnsafeBufferPointer<Int32> { get }
    /// By message: the part of `rowsToSend` to send, and of the array to receive.
    var sendRanges: [Range<Int>] { get }
    var ghostRanges: [Range<Int>] { get }
}

extension OccupiedCells: RowTraffic {
    public var messages: [(direction: Int, rank: Int)] { plan.messages }

    /// The message that brings a ghost row.
    public func message(ofGhost row: Int) -> Int {
        guard let message = ghostRanges.firstIndex(where: { $0.contains(row) }) else {
            preconditionFailure("row \(row) is no ghost")
        }
        return message
    }
}

/// Rows of which each has one counterpart on another rank, as the two directions of an edge between atoms: a ghost row for
/// each row that is sent.
public final class CrossingRows: RowTraffic {
    public let communicator: Communicator
    public let messages: [(direction: Int, rank: Int)]
    public private(set) var ownedRows = 0
    public private(set) var ghostRows = 0
    public private(set) var sendRanges: [Range<Int>]
    public private(set) var ghostRanges: [Range<Int>]
    private let sendList = GrowingBuffer<Int32>()
    public var rowsToSend: UnsafeBufferPointer<Int32> { sendList.appended }

    /// Between the ranks that exchange the ghosts of `cells`.
    public init(_ cells: OccupiedCells) {
        communicator = cells.communicator
        messages = cells.messages
        sendRanges = messages.map { _ in 0..<0 }
        ghostRanges = sendRanges
    }

    /// Takes new rows.
    ///
    /// - Parameters:
    ///   - ownedRows: of the array.
    ///   - rows: the rows that are sent, message after message, each message's in an order that its receiver knows.
    ///   - counts: how many rows each message has.
    public func rebuild(ownedRows: Int, rows: UnsafeBufferPointer<Int32>, counts: UnsafeBufferPointer<Int>) {
        precondition(counts.count == messages.count, "a count for each message")
        self.ownedRows = ownedRows
        ghostRows = rows.count
        sendList.reserve(rows.count)
        for row in rows { sendList.append(row) }
        var next = 0
        for message in messages.indices {
            sendRanges[message] = next..<(next + counts[message])
            ghostRanges[message] = (ownedRows + next)..<(ownedRows + next + counts[message])
            next += counts[message]
        }
        precondition(next == rows.count, "the counts are those of all rows")
    }
}
