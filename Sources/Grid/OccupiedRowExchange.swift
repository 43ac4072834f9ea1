import MPI

/// Fills the ghost rows of an array of rows from the ranks that own them, and the adjoint of that: the counterpart of
/// `HaloExchange` for rows listed by a `RowTraffic`, as those of occupied traffic.
///
/// An array holds owned rows, then ghost rows, of `channels` numbers each. Messages have the size of
/// what is occupied. Several exchanges may be under way on the same rows, each on an object of its own.
/// What a rank sends may still be on its way when `finish` returns, until the next exchange but one: a rank that is ahead
/// need not wait for the others to take it.
/// Allocates here only where a rebuild made the lists longer than ever before (`growthCount`).
public final class OccupiedRowExchange<Scalar: GridScalar> {
    private let traffic: any RowTraffic
    /// How often the buffer had to grow; constant in a steady state.
    public var growthCount: Int { outboxes.0.buffer.allocations + outboxes.1.buffer.allocations }

    private enum Phase { case idle, gathering, scattering }
    /// Packed rows and the requests that send them.
    private struct Outbox {
        let sends: RequestSet
        let buffer: GrowingBuffer<Scalar>
    }

    private let receives: RequestSet
    private var outboxes: (Outbox, Outbox)
    /// The outbox of the exchange under way, or of the last one.
    private var outbox: Outbox { isSecond ? outboxes.1 : outboxes.0 }
    private var isSecond = false
    private var phase = Phase.idle
    private var rows: UnsafeMutablePointer<Scalar>?
    private var channels = 0
    /// For tests: the ghost rows from this direction are not filled, as if their message were lost.
    var droppedDirection: Int?

    /// Room to send `rowCapacity` rows of `channelCapacity` channels; it grows when needed. Throws `MPIError`. Collective.
    public init(_ traffic: any RowTraffic, channelCapacity: Int, rowCapacity: Int) throws {
        self.traffic = traffic
        let isolated = try Communicator(duplicating: traffic.communicator)
        let messages = max(traffic.messages.count, 1)
        func outbox() -> Outbox {
            Outbox(
                sends: RequestSet(communicator: isolated, capacity: messages),
                buffer: GrowingBuffer(capacity: rowCapacity * channelCapacity))
        }
        receives = RequestSet(communicator: isolated, capacity: messages)
        outboxes = (outbox(), outbox())
    }

    deinit {
        // What has not been taken by then is left, with its memory, to the end of the process.
        for outbox in [outboxes.0, outboxes.1] where !outbox.sends.settle() { _ = Unmanaged.passRetained(outbox.buffer) }
    }

    // MARK: Gather

    /// Starts to fill the ghost rows of `rows`. Owned rows must not change, nor ghost rows be used, until `finish`.
    /// Collective.
    public func start(_ rows: UnsafeMutablePointer<Scalar>, channels: Int) throws {
        try begin(rows, channels, .gathering)
        for (slot, message) in traffic.messages.enumerated() where message.direction != droppedDirection {
            let ghosts = traffic.ghostRanges[slot]
            if ghosts.isEmpty { continue }
            let target = UnsafeMutableBufferPointer(start: rows + ghosts.lowerBound * channels, count: ghosts.count * channels)
            // A message bears the direction in which it travels as its tag.
            try receives.startReceive(target, from: message.rank, tag: Direction.opposite(message.direction))
        }
        let list = traffic.rowsToSend
        for (slot, message) in traffic.messages.enumerated() where Direction.opposite(message.direction) != droppedDirection {
            let range = traffic.sendRanges[slot]
            if range.isEmpty { continue }
            let rowsOfMessage = packed(range)
            var target = rowsOfMessage.baseAddress.unsafelyUnwrapped
            for index in range {
                target.update(from: rows + Int(list[index]) * channels, count: channels)
                target += channels
            }
            try outbox.sends.startSend(UnsafeBufferPointer(rowsOfMessage), to: message.rank, tag: message.direction)
        }
    }

    /// Returns when the ghost rows of the array given to `start` are filled. Collective.
    public func finish() throws {
        end(.gathering)
        try receives.wait()
    }

    // MARK: Adjoint

    /// Starts to add the ghost rows to the rows that they are copies of. Ghost rows must not change until `finishAdjoint`;
    /// owned rows may. Collective.
    public func startAdjoint(_ rows: UnsafeMutablePointer<Scalar>, channels: Int) throws {
        try begin(rows, channels, .scattering)
        for (slot, message) in traffic.messages.enumerated() {
            let range = traffic.sendRanges[slot]
            if range.isEmpty { continue }
            let target = packed(range)
            try receives.startReceive(target, from: message.rank, tag: message.direction)
        }
        for (slot, message) in traffic.messages.enumerated() {
            let ghosts = traffic.ghostRanges[slot]
            if ghosts.isEmpty { continue }
            let source = UnsafeBufferPointer(start: rows + ghosts.lowerBound * channels, count: ghosts.count * channels)
            try outbox.sends.startSend(source, to: message.rank, tag: Direction.opposite(message.direction))
        }
    }

    /// Adds what other ranks hold as ghosts to the owned rows of the array given to `startAdjoint`, direction after
    /// direction, and sets this rank's ghost rows to zero. Collective.
    public func finishAdjoint() throws {
        let rows = end(.scattering)
        try receives.wait()
        try outbox.sends.wait()
        let list = traffic.rowsToSend
        let packed = UnsafeRawPointer(outbox.buffer.pointer)
        let bytesPerRow = channels * MemoryLayout<Scalar>.stride
        for index in 0..<list.count {
            Scalar.accumulate(packed + index * bytesPerRow, into: rows + Int(list[index]) * channels, count: channels)
        }
        (rows + traffic.ownedRows * channels).update(repeating: 0, count: traffic.ghostRows * channels)
    }

    /// Drives the messages of the exchange under way; true when they have all arrived (`finish` will not wait).
    public func progress() throws -> Bool { phase == .idle ? true : try receives.test() }

    // MARK: Steps

    private func begin(_ rows: UnsafeMutablePointer<Scalar>, _ channels: Int, _ next: Phase) throws {
        precondition(phase == .idle, "an exchange of rows is started before the last one is finished")
        precondition(channels > 0, "a row has at least one channel")
        phase = next
        self.rows = rows
        self.channels = channels
        isSecond.toggle()
        try outbox.sends.wait()
        outbox.buffer.reserve(traffic.rowsToSend.count * channels)
    }

    /// The part of the outbox for a part of the rows to send.
    private func packed(_ range: Range<Int>) -> UnsafeMutableBufferPointer<Scalar> {
        UnsafeMutableBufferPointer(start: outbox.buffer.pointer + range.lowerBound * channels, count: range.count * channels)
    }

    @discardableResult
    private func end(_ current: Phase) -> UnsafeMutablePointer<Scalar> {
        guard phase == current, let rows else { preconditionFailure("an exchange of rows is finished that was not started") }
        phase = .idle
        self.rows = nil
        return rows
    }
}
