import CMPI

/// Non-blocking operations that are started, tested and awaited together.
///
/// Room for the requests is made once, so that starting and finishing allocate nothing on SAGES's side. The buffers
/// belong to the caller and must stay valid, and untouched, until `wait` returns or `test` returns true.
/// Receives should be started before the sends that meet them.
public final class RequestSet {
    public let communicator: Communicator
    /// Operations that may be in flight at once.
    public let capacity: Int
    /// Operations started since the last completion.
    public private(set) var count = 0
    private let requests: UnsafeMutablePointer<sages_mpi_request>

    public init(communicator: Communicator, capacity: Int) {
        precondition(capacity > 0 && capacity <= Int(Int32.max), "a request set holds at least one request")
        self.communicator = communicator
        self.capacity = capacity
        requests = .allocate(capacity: capacity)
        requests.initialize(repeating: sages_mpi_request_null(), count: capacity)
    }

    deinit {
        // What is still incomplete after the grace is left to the end of the process.
        if settle() { requests.deallocate() }
    }

    /// Gives operations in flight half a second to complete; false if some did not, whose buffers must then stay. Where an
    /// error unwinds the other side may never come, so that waiting for it could hang.
    public func settle() -> Bool {
        guard settleForGrace(requests, count: count) else { return false }
        count = 0
        return true
    }

    private func slot() -> UnsafeMutablePointer<sages_mpi_request> {
        precondition(count < capacity, "more requests started than the set holds")
        return requests + count
    }

    /// Starts to send a buffer.
    public func startSend<T: MPIDatatype>(_ buffer: UnsafeBufferPointer<T>, to destination: Int, tag: Int) throws {
        let communicator = communicator
        try check(sages_mpi_isend(buffer.baseAddress, try communicator.narrow(buffer.count, "MPI_Isend"), T.mpiDatatype,
                                  try communicator.narrow(destination, "MPI_Isend"),
                                  try communicator.narrow(tag, "MPI_Isend"), communicator.raw, slot()),
                  "MPI_Isend", rank: communicator.rank)
        count += 1
    }

    /// Starts to receive at most as many elements as the buffer holds.
    public func startReceive<T: MPIDatatype>(_ buffer: UnsafeMutableBufferPointer<T>, from source: Int, tag: Int) throws {
        let communicator = communicator
        try check(sages_mpi_irecv(buffer.baseAddress, try communicator.narrow(buffer.count, "MPI_Irecv"), T.mpiDatatype,
                                  try communicator.narrow(source, "MPI_Irecv"),
                                  try communicator.narrow(tag, "MPI_Irecv"), communicator.raw, slot()),
                  "MPI_Irecv", rank: communicator.rank)
        count += 1
    }

    /// Starts to combine the ranks' buffers in place, element by element. Collective: every rank starts the
    /// collectives of a communicator in the same order.
    public func startAllReduce<T: MPIDatatype>(inPlace buffer: UnsafeMutableBufferPointer<T>,
                                               _ operation: ReductionOperation) throws {
        try check(sages_mpi_iallreduce_in_place(buffer.baseAddress, try communicator.narrow(buffer.count, "MPI_Iallreduce"),
                                                T.mpiDatatype, operation.raw, communicator.raw, slot()),
                  "MPI_Iallreduce", rank: communicator.rank)
        count += 1
    }

    /// Starts a barrier: complete when every rank has started it. Collective.
    public func startBarrier() throws {
        try check(sages_mpi_ibarrier(communicator.raw, slot()), "MPI_Ibarrier", rank: communicator.rank)
        count += 1
    }

    /// True when all started operations are complete; the set can then be used again. Also drives their progress.
    public func test() throws -> Bool {
        var done: Int32 = 0
        try check(sages_mpi_testall(Int32(count), requests, &done), "MPI_Testall", rank: communicator.rank)
        if done != 0 { count = 0 }
        return done != 0
    }

    /// Returns when all started operations are complete; the set can then be used again.
    public func wait() throws {
        try check(sages_mpi_waitall(Int32(count), requests), "MPI_Waitall", rank: communicator.rank)
        count = 0
    }
}

/// Gives incomplete requests half a second to complete; false if some did not. For `deinit`, where an error has
/// nowhere to go.
func settleForGrace(_ requests: UnsafeMutablePointer<sages_mpi_request>, count: Int) -> Bool {
    guard count > 0, MPIEnvironment.isActive else { return true }
    let deadline = MPIEnvironment.wallTime() + 0.5
    var done: Int32 = 0
    repeat {
        guard sages_mpi_testall(Int32(count), requests, &done) == sages_mpi_success() else { return false }
    } while done == 0 && MPIEnvironment.wallTime() < deadline
    return done != 0
}

extension Communicator {
    /// Starts to combine the ranks' buffers in place; the buffer must live, untouched, until the request is complete.
    /// Makes a new `RequestSet`; keep one and start on it where allocation matters. Collective.
    public func startAllReduce<T: MPIDatatype>(inPlace buffer: UnsafeMutableBufferPointer<T>,
                                               _ operation: ReductionOperation) throws -> RequestSet {
        let request = RequestSet(communicator: self, capacity: 1)
        try request.startAllReduce(inPlace: buffer, operation)
        return request
    }

    /// Starts to send a buffer, which must live, untouched, until the request is complete.
    public func startSend<T: MPIDatatype>(_ buffer: UnsafeBufferPointer<T>, to destination: Int, tag: Int) throws
        -> RequestSet {
        let request = RequestSet(communicator: self, capacity: 1)
        try request.startSend(buffer, to: destination, tag: tag)
        return request
    }

    /// Starts to receive into a buffer, which must live, untouched, until the request is complete.
    public func startReceive<T: MPIDatatype>(_ buffer: UnsafeMutableBufferPointer<T>, from source: Int, tag: Int) throws
        -> RequestSet {
        let request = RequestSet(communicator: self, capacity: 1)
        try request.startReceive(buffer, from: source, tag: tag)
        return request
    }
}
