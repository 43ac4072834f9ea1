import CMPI

/// The same messages to and from the same ranks, over and over: requests and buffers are made once, `start` and
/// `wait` allocate nothing on SAGES's side.
///
/// Fill the send buffers, `start`, work on something else, `wait`, read the receive buffers. Send buffers must not
/// change, and receive buffers not be read, between `start` and the end of `wait`.
public final class PersistentExchange {
    /// One message of fixed size.
    public struct Message: Sendable {
        /// The other rank.
        public let rank: Int
        /// Distinguishes the messages between two ranks.
        public let tag: Int
        public let byteCount: Int

        public init(rank: Int, tag: Int, byteCount: Int) {
            self.rank = rank
            self.tag = tag
            self.byteCount = byteCount
        }
    }

    public let communicator: Communicator
    private let requests: UnsafeMutablePointer<sages_mpi_request>
    /// Requests made so far; those of receives come first.
    private var requestCount = 0
    private let storage: UnsafeMutableRawPointer
    private let sends: [UnsafeMutableRawBufferPointer]
    private let receives: [UnsafeMutableRawBufferPointer]
    /// True from `start` until completion.
    public private(set) var isActive = false

    /// Not collective, yet each send needs its receive on the other rank, with equal tag and size.
    public init(communicator: Communicator, sends: [Message], receives: [Message]) throws {
        let alignment = 64
        let messages = receives + sends
        let sizes = messages.map { ($0.byteCount + alignment - 1) / alignment * alignment }
        self.communicator = communicator
        storage = .allocate(byteCount: max(sizes.reduce(0, +), alignment), alignment: alignment)
        storage.initializeMemory(as: UInt8.self, repeating: 0, count: sizes.reduce(0, +))
        requests = .allocate(capacity: max(messages.count, 1))
        requests.initialize(repeating: sages_mpi_request_null(), count: max(messages.count, 1))
        var offset = 0
        var buffers: [UnsafeMutableRawBufferPointer] = []
        for (message, size) in zip(messages, sizes) {
            buffers.append(UnsafeMutableRawBufferPointer(start: storage + offset, count: message.byteCount))
            offset += size
        }
        self.receives = Array(buffers.prefix(receives.count))
        self.sends = Array(buffers.dropFirst(receives.count))

        for (index, message) in messages.enumerated() {
            let isSend = index >= receives.count
            let operation: StaticString = isSend ? "MPI_Send_init" : "MPI_Recv_init"
            let count = try communicator.narrow(message.byteCount, operation)
            let rank = try communicator.narrow(message.rank, operation)
            let tag = try communicator.narrow(message.tag, operation)
            let code = isSend
                ? sages_mpi_send_init(buffers[index].baseAddress, count, sages_mpi_byte(), rank, tag, communicator.raw,
                                      requests + index)
                : sages_mpi_recv_init(buffers[index].baseAddress, count, sages_mpi_byte(), rank, tag, communicator.raw,
                                      requests + index)
            try check(code, operation, rank: communicator.rank)
            requestCount += 1
        }
    }

    deinit {
        // Messages still in flight here mean that an error unwinds. If they do not complete, the library may yet
        // write to the buffers: they are left to the end of the process.
        if isActive && !settleForGrace(requests, count: requestCount) { return }
        if MPIEnvironment.isActive {
            for index in 0..<requestCount { _ = sages_mpi_request_free(requests + index) }
        }
        requests.deallocate()
        storage.deallocate()
    }

    /// The bytes of send number `index`, in the order given to `init`; 64-byte aligned.
    public func sendBuffer(_ index: Int) -> UnsafeMutableRawBufferPointer { sends[index] }

    /// The bytes of receive number `index`, in the order given to `init`; 64-byte aligned.
    public func receiveBuffer(_ index: Int) -> UnsafeMutableRawBufferPointer { receives[index] }

    /// Starts all messages.
    public func start() throws {
        precondition(!isActive, "a persistent exchange is started again before it is complete")
        if requestCount > 0 {
            try check(sages_mpi_startall(Int32(requestCount), requests), "MPI_Startall", rank: communicator.rank)
        }
        isActive = true
    }

    /// True when all messages are complete. Also drives their progress.
    public func test() throws -> Bool {
        guard isActive else { return true }
        var done: Int32 = 0
        try check(sages_mpi_testall(Int32(requestCount), requests, &done), "MPI_Testall", rank: communicator.rank)
        if done != 0 { isActive = false }
        return done != 0
    }

    /// Returns when all messages are complete.
    public func wait() throws {
        guard isActive else { return }
        try check(sages_mpi_waitall(Int32(requestCount), requests), "MPI_Waitall", rank: communicator.rank)
        isActive = false
    }
}
