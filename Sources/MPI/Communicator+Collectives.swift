import CMPI

/// Elements in one call at most where a routine can be split: MPI's counts have 32 bits.
private let largestCount = 1 << 30

extension Communicator {
    /// Returns when every rank has called it. Collective.
    public func barrier() throws {
        try check(MPI_Barrier(raw), "MPI_Barrier", rank: rank)
    }

    // MARK: Broadcast

    /// Copies `root`'s buffer to all ranks; counts must be equal. Collective.
    public func broadcast<T: MPIDatatype>(_ buffer: UnsafeMutableBufferPointer<T>, root: Int) throws {
        let root = try narrow(root, "MPI_Bcast")
        var done = 0
        while done < buffer.count {
            let count = min(buffer.count - done, largestCount)
            try check(MPI_Bcast(buffer.baseAddress.map { $0 + done }, Int32(count), T.mpiDatatype, root, raw),
                      "MPI_Bcast", rank: rank)
            done += count
        }
    }

    /// Copies `root`'s bytes to all ranks; counts must be equal. Collective.
    public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws {
        try broadcast(bytes.bindMemory(to: UInt8.self), root: root)
    }

    /// `root`'s value, on every rank. Collective.
    public func broadcast<T: MPIDatatype>(_ value: T, root: Int) throws -> T {
        var result = value
        try withUnsafeMutablePointer(to: &result) {
            try broadcast(UnsafeMutableBufferPointer(start: $0, count: 1), root: root)
        }
        return result
    }

    /// `root`'s array, on every rank; the others' arguments are ignored. Collective.
    public func broadcast<T: MPIDatatype>(_ array: [T], root: Int) throws -> [T] {
        let count = try broadcast(array.count, root: root)
        return try [T](unsafeUninitializedCapacity: count) { buffer, initialized in
            let whole = UnsafeMutableBufferPointer(rebasing: buffer[0..<count])
            if rank == root { _ = whole.update(from: array) }
            try broadcast(whole, root: root)
            initialized = count
        }
    }

    /// `root`'s string, on every rank; the others' arguments are ignored. Collective.
    public func broadcast(_ string: String, root: Int) throws -> String {
        String(decoding: try broadcast(Array(string.utf8), root: root), as: UTF8.self)
    }

    // MARK: Reductions

    /// Combines the ranks' buffers element by element and leaves the result in each; counts must be equal.
    /// Collective.
    public func allReduce<T: MPIDatatype>(_ buffer: UnsafeMutableBufferPointer<T>, _ operation: ReductionOperation) throws {
        var done = 0
        while done < buffer.count {
            let count = min(buffer.count - done, largestCount)
            try check(MPI_Allreduce(sages_mpi_in_place(), buffer.baseAddress.map { $0 + done }, Int32(count),
                                    T.mpiDatatype, operation.raw, raw), "MPI_Allreduce", rank: rank)
            done += count
        }
    }

    /// The combination of all ranks' values, on every rank. Collective.
    @inlinable
    public func allReduce<T: MPIDatatype>(_ value: T, _ operation: ReductionOperation) throws -> T {
        var result = value
        try withUnsafeMutablePointer(to: &result) {
            try allReduce(UnsafeMutableBufferPointer(start: $0, count: 1), operation)
        }
        return result
    }

    /// Combines the ranks' buffers element by element into `root`'s; the others' keep their content. Collective.
    public func reduce<T: MPIDatatype>(_ buffer: UnsafeMutableBufferPointer<T>, _ operation: ReductionOperation,
                                       root: Int) throws {
        let destination = try narrow(root, "MPI_Reduce")
        var done = 0
        while done < buffer.count {
            let count = min(buffer.count - done, largestCount)
            let part = buffer.baseAddress.map { UnsafeMutableRawPointer($0 + done) }
            let source = rank == root ? sages_mpi_in_place() : UnsafeRawPointer(part)
            try check(MPI_Reduce(source, rank == root ? part : nil, Int32(count), T.mpiDatatype, operation.raw,
                                 destination, raw), "MPI_Reduce", rank: rank)
            done += count
        }
    }

    /// The combination of all ranks' values on `root`; nil on the others. Collective.
    public func reduce<T: MPIDatatype>(_ value: T, _ operation: ReductionOperation, root: Int) throws -> T? {
        var result = value
        try withUnsafeMutablePointer(to: &result) {
            try reduce(UnsafeMutableBufferPointer(start: $0, count: 1), operation, root: root)
        }
        return rank == root ? result : nil
    }

    /// The combination of the values of ranks 0 to this one. Collective.
    public func scan<T: MPIDatatype>(_ value: T, _ operation: ReductionOperation) throws -> T {
        var result = value
        try check(MPI_Scan(sages_mpi_in_place(), &result, 1, T.mpiDatatype, operation.raw, raw), "MPI_Scan", rank: rank)
        return result
    }

    /// The combination of the values of the ranks below this one; nil on rank 0, which has none below. Collective.
    public func exclusiveScan<T: MPIDatatype>(_ value: T, _ operation: ReductionOperation) throws -> T? {
        var result = value
        try check(MPI_Exscan(sages_mpi_in_place(), &result, 1, T.mpiDatatype, operation.raw, raw), "MPI_Exscan",
                  rank: rank)
        return rank == 0 ? nil : result
    }
}
