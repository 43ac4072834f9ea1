import MPI

/// Sends records of fixed size to the ranks that own them from now on, as atoms that moved to another rank's cells.
///
/// Received records are ordered by the rank that they come from, and as that rank gave them; a record that stays goes
/// the same way, without a message. Sorting is the caller's. Only ranks that have records for each other exchange
/// messages. Allocates here only where more records move than ever before (`growthCount`).
public final class RowMigration {
    public let communicator: Communicator
    public let bytesPerRecord: Int
    /// Records that this rank got in the last migration.
    public private(set) var receivedCount = 0
    /// How often a buffer had to grow; constant in a steady state.
    public var growthCount: Int { outgoing.allocations + incoming.allocations }

    private let requests: RequestSet
    private let outgoing: GrowingBuffer<UInt8>
    private let incoming: GrowingBuffer<UInt8>
    // By rank.
    private let sendCounts: UnsafeMutableBufferPointer<Int64>
    private let receiveCounts: UnsafeMutableBufferPointer<Int64>
    private let cursors: UnsafeMutableBufferPointer<Int>

    /// Room for `capacity` records each way; it grows when needed. Throws `MPIError`. Collective.
    public init(communicator: Communicator, bytesPerRecord: Int, capacity: Int) throws {
        precondition(bytesPerRecord > 0, "a record has at least one byte")
        self.communicator = try Communicator(duplicating: communicator)
        self.bytesPerRecord = bytesPerRecord
        requests = RequestSet(communicator: self.communicator, capacity: 2 * communicator.size)
        outgoing = GrowingBuffer(capacity: capacity * bytesPerRecord)
        incoming = GrowingBuffer(capacity: capacity * bytesPerRecord)
        sendCounts = .allocate(capacity: communicator.size)
        receiveCounts = .allocate(capacity: communicator.size)
        cursors = .allocate(capacity: communicator.size)
    }

    deinit {
        sendCounts.deallocate()
        receiveCounts.deallocate()
        cursors.deallocate()
    }

    /// The records of the last migration, `receivedCount` times `bytesPerRecord` bytes; valid until the next.
    public var received: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: incoming.pointer, count: receivedCount * bytesPerRecord)
    }

    /// Sends record i to rank `destinations`[i]. Throws `GridError.invalidDestination`, `MPIError`. Collective.
    public func migrate(records: UnsafeRawBufferPointer, destinations: UnsafeBufferPointer<Int32>) throws {
        precondition(records.count >= destinations.count * bytesPerRecord, "there are fewer records than destinations")
        let size = communicator.size
        sendCounts.initialize(repeating: 0)
        for row in 0..<destinations.count {
            let rank = Int(destinations[row])
            guard rank >= 0 && rank < size else { throw GridError.invalidDestination(row: row, rank: rank, ranks: size) }
            sendCounts[rank] += 1
        }
        try communicator.allToAll(UnsafeBufferPointer(sendCounts), into: receiveCounts)

        pack(records, destinations)
        receivedCount = 0
        for rank in 0..<size { receivedCount += Int(receiveCounts[rank]) }
        incoming.reserve(receivedCount * bytesPerRecord)

        var offset = 0
        for rank in 0..<size {
            let count = Int(receiveCounts[rank]) * bytesPerRecord
            let target = UnsafeMutableBufferPointer(start: incoming.pointer + offset, count: count)
            if rank == communicator.rank {
                let end = cursors[rank] * bytesPerRecord
                _ = target.update(from: UnsafeBufferPointer(start: outgoing.pointer + end - count, count: count))
            } else if count > 0 {
                try requests.startReceive(target, from: rank, tag: 0)
            }
            offset += count
        }
        for rank in 0..<size where rank != communicator.rank && sendCounts[rank] > 0 {
            let count = Int(sendCounts[rank]) * bytesPerRecord
            let source = outgoing.pointer + cursors[rank] * bytesPerRecord - count
            try requests.startSend(UnsafeBufferPointer(start: source, count: count), to: rank, tag: 0)
        }
        try requests.wait()
    }

    /// Orders the records by destination; afterwards `cursors` has the end of each rank's records.
    private func pack(_ records: UnsafeRawBufferPointer, _ destinations: UnsafeBufferPointer<Int32>) {
        outgoing.reserve(destinations.count * bytesPerRecord)
        var start = 0
        for rank in 0..<communicator.size {
            cursors[rank] = start
            start += Int(sendCounts[rank])
        }
        guard let source = records.baseAddress else { return }
        let target = UnsafeMutableRawPointer(outgoing.pointer)
        for row in 0..<destinations.count {
            let rank = Int(destinations[row])
            (target + cursors[rank] * bytesPerRecord).copyMemory(from: source + row * bytesPerRecord, byteCount: bytesPerRecord)
            cursors[rank] += 1
        }
    }
}
