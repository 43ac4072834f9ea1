import CMPI

/// Where a received message came from, and how many elements it had.
public struct ReceivedMessage: Sendable, Equatable {
    public let source: Int
    public let tag: Int
    public let count: Int

    public init(source: Int, tag: Int, count: Int) {
        self.source = source
        self.tag = tag
        self.count = count
    }
}

extension Communicator {
    /// Sends a buffer and returns when it can be used again.
    public func send<T: MPIDatatype>(_ buffer: UnsafeBufferPointer<T>, to destination: Int, tag: Int) throws {
        try check(MPI_Send(buffer.baseAddress, try narrow(buffer.count, "MPI_Send"), T.mpiDatatype,
                           try narrow(destination, "MPI_Send"), try narrow(tag, "MPI_Send"), raw), "MPI_Send", rank: rank)
    }

    /// Sends an array.
    public func send<T: MPIDatatype>(_ array: [T], to destination: Int, tag: Int) throws {
        try array.withUnsafeBufferPointer { try send($0, to: destination, tag: tag) }
    }

    /// Receives at most as many elements as the buffer holds. Nil source or tag: any.
    @discardableResult
    public func receive<T: MPIDatatype>(_ buffer: UnsafeMutableBufferPointer<T>, from source: Int?, tag: Int?) throws
        -> ReceivedMessage {
        var status = MPI_Status()
        try check(MPI_Recv(buffer.baseAddress, try narrow(buffer.count, "MPI_Recv"), T.mpiDatatype,
                           try source.map { try narrow($0, "MPI_Recv") } ?? sages_mpi_any_source(),
                           try tag.map { try narrow($0, "MPI_Recv") } ?? sages_mpi_any_tag(), raw, &status),
                  "MPI_Recv", rank: rank)
        return try message(status, T.self)
    }

    /// Receives a message of at most `count` elements as an array. Nil source or tag: any.
    public func receive<T: MPIDatatype>(_ type: T.Type = T.self, atMost count: Int, from source: Int?, tag: Int?) throws
        -> [T] {
        try [T](unsafeUninitializedCapacity: count) { buffer, initialized in
            let room = UnsafeMutableBufferPointer(rebasing: buffer[0..<count])
            initialized = try receive(room, from: source, tag: tag).count
        }
    }

    /// Sends one buffer and receives another at the same time, which cannot deadlock.
    @discardableResult
    public func sendReceive<T: MPIDatatype>(_ buffer: UnsafeBufferPointer<T>, to destination: Int,
                                            into result: UnsafeMutableBufferPointer<T>, from source: Int,
                                            tag: Int) throws -> ReceivedMessage {
        var status = MPI_Status()
        let tag = try narrow(tag, "MPI_Sendrecv")
        try check(MPI_Sendrecv(buffer.baseAddress, try narrow(buffer.count, "MPI_Sendrecv"), T.mpiDatatype,
                               try narrow(destination, "MPI_Sendrecv"), tag,
                               result.baseAddress, try narrow(result.count, "MPI_Sendrecv"), T.mpiDatatype,
                               try narrow(source, "MPI_Sendrecv"), tag, raw, &status), "MPI_Sendrecv", rank: rank)
        return try message(status, T.self)
    }

    private func message<T: MPIDatatype>(_ status: MPI_Status, _: T.Type) throws -> ReceivedMessage {
        var status = status
        var count: Int32 = 0
        try check(MPI_Get_count(&status, T.mpiDatatype, &count), "MPI_Get_count", rank: rank)
        return ReceivedMessage(source: Int(status.MPI_SOURCE), tag: Int(status.MPI_TAG), count: Int(count))
    }
}
