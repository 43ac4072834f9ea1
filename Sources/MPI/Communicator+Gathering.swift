import CMPI

/// How many elements each rank has in a gathered or scattered buffer, and where they begin.
public struct Partition: Sendable {
    /// Elements of each rank.
    public private(set) var counts: [Int32]
    /// First element of each rank: the running sum of `counts`.
    public private(set) var offsets: [Int32]
    /// All elements.
    public private(set) var total: Int

    /// A partition of `parts` empty parts.
    public init(parts: Int) {
        counts = [Int32](repeating: 0, count: parts)
        offsets = counts
        total = 0
    }

    /// Throws `MPIError` where the sum exceeds the 32 bits that MPI counts with.
    public init(counts: [Int]) throws {
        self.init(parts: counts.count)
        try set { counts[$0] }
    }

    /// Sets every count anew, in place and without allocation. Throws as `init(counts:)`.
    public mutating func set(_ count: (Int) throws -> Int) throws {
        total = 0
        for part in counts.indices {
            let value = try count(part)
            precondition(value >= 0, "a rank cannot have \(value) elements")
            guard total + value <= Int(Int32.max) else {
                throw MPIError(code: nil, message: "more than \(Int32.max) elements in one message",
                               operation: "MPI_Alltoallv", rank: nil)
            }
            counts[part] = Int32(value)
            offsets[part] = Int32(total)
            total += value
        }
    }
}

extension Communicator {
    // MARK: Gather

    /// The ranks' arrays one after another on `root`; nil on the others. All must have the same count. Collective.
    public func gather<T: MPIDatatype>(_ array: [T], root: Int) throws -> [T]? {
        let count = try narrow(array.count, "MPI_Gather")
        let destination = try narrow(root, "MPI_Gather")
        guard rank == root else {
            try array.withUnsafeBufferPointer {
                try check(MPI_Gather($0.baseAddress, count, T.mpiDatatype, nil, count, T.mpiDatatype, destination, raw),
                          "MPI_Gather", rank: rank)
            }
            return nil
        }
        return try [T](unsafeUninitializedCapacity: array.count * size) { buffer, initialized in
            try array.withUnsafeBufferPointer {
                try check(MPI_Gather($0.baseAddress, count, T.mpiDatatype, buffer.baseAddress, count, T.mpiDatatype,
                                     destination, raw), "MPI_Gather", rank: rank)
            }
            initialized = array.count * size
        }
    }

    /// The ranks' values in order of rank, on `root`; nil on the others. Collective.
    public func gather<T: MPIDatatype>(_ value: T, root: Int) throws -> [T]? { try gather([value], root: root) }

    /// The ranks' arrays one after another, on every rank. All must have the same count. Collective.
    public func allGather<T: MPIDatatype>(_ array: [T]) throws -> [T] {
        try [T](unsafeUninitializedCapacity: array.count * size) { buffer, initialized in
            try array.withUnsafeBufferPointer {
                try allGather($0, into: UnsafeMutableBufferPointer(rebasing: buffer[0..<(array.count * size)]))
            }
            initialized = array.count * size
        }
    }

    /// The ranks' values in order of rank, on every rank. Collective.
    public func allGather<T: MPIDatatype>(_ value: T) throws -> [T] { try allGather([value]) }

    /// The ranks' buffers one after another into `result`, which holds `size` times as many. Collective.
    public func allGather<T: MPIDatatype>(_ buffer: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>) throws {
        precondition(result.count == buffer.count * size, "allGather needs room for the elements of every rank")
        let count = try narrow(buffer.count, "MPI_Allgather")
        try check(MPI_Allgather(buffer.baseAddress, count, T.mpiDatatype, result.baseAddress, count, T.mpiDatatype, raw),
                  "MPI_Allgather", rank: rank)
    }

    /// The ranks' arrays, of any counts, one after another, on every rank, and where each rank's begin. Collective.
    public func allGatherV<T: MPIDatatype>(_ array: [T]) throws -> (elements: [T], partition: Partition) {
        let partition = try Partition(counts: try allGather(array.count))
        let elements = try [T](unsafeUninitializedCapacity: partition.total) { buffer, initialized in
            try array.withUnsafeBufferPointer {
                try allGatherV($0, into: UnsafeMutableBufferPointer(rebasing: buffer[0..<partition.total]),
                               partition: partition)
            }
            initialized = partition.total
        }
        return (elements, partition)
    }

    /// The ranks' buffers one after another into `result`, by counts that every rank knows. Collective.
    public func allGatherV<T: MPIDatatype>(_ buffer: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>,
                                           partition: Partition) throws {
        precondition(partition.counts.count == size && result.count >= partition.total
                     && buffer.count == Int(partition.counts[rank]), "partition does not describe the buffers")
        let count = try narrow(buffer.count, "MPI_Allgatherv")
        try partition.counts.withUnsafeBufferPointer { counts in
            try partition.offsets.withUnsafeBufferPointer { offsets in
                try check(MPI_Allgatherv(buffer.baseAddress, count, T.mpiDatatype, result.baseAddress,
                                         counts.baseAddress, offsets.baseAddress, T.mpiDatatype, raw),
                          "MPI_Allgatherv", rank: rank)
            }
        }
    }

    // MARK: All to all

    /// Block r of `buffer` goes to rank r, where it becomes block `rank` of `result`; all blocks have the same
    /// count. Collective.
    public func allToAll<T: MPIDatatype>(_ buffer: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>) throws {
        precondition(buffer.count == result.count && buffer.count % size == 0, "allToAll needs equal blocks, one a rank")
        let count = try narrow(buffer.count / size, "MPI_Alltoall")
        try check(MPI_Alltoall(buffer.baseAddress, count, T.mpiDatatype, result.baseAddress, count, T.mpiDatatype, raw),
                  "MPI_Alltoall", rank: rank)
    }

    /// Element block r of `array` goes to rank r. Collective.
    public func allToAll<T: MPIDatatype>(_ array: [T]) throws -> [T] {
        try [T](unsafeUninitializedCapacity: array.count) { buffer, initialized in
            try array.withUnsafeBufferPointer {
                try allToAll($0, into: UnsafeMutableBufferPointer(rebasing: buffer[0..<array.count]))
            }
            initialized = array.count
        }
    }

    /// Part r of `buffer` goes to rank r; part s of `result` comes from rank s. Counts of both sides must match
    /// (exchange them with `allToAll` first). Collective.
    public func allToAllV<T: MPIDatatype>(_ buffer: UnsafeBufferPointer<T>, partition: Partition,
                                          into result: UnsafeMutableBufferPointer<T>, resultPartition: Partition) throws {
        precondition(partition.counts.count == size && resultPartition.counts.count == size
                     && buffer.count >= partition.total && result.count >= resultPartition.total,
                     "partitions do not describe the buffers")
        try partition.counts.withUnsafeBufferPointer { counts in
            try partition.offsets.withUnsafeBufferPointer { offsets in
                try resultPartition.counts.withUnsafeBufferPointer { resultCounts in
                    try resultPartition.offsets.withUnsafeBufferPointer { resultOffsets in
                        try check(MPI_Alltoallv(buffer.baseAddress, counts.baseAddress, offsets.baseAddress,
                                                T.mpiDatatype, result.baseAddress, resultCounts.baseAddress,
                                                resultOffsets.baseAddress, T.mpiDatatype, raw),
                                  "MPI_Alltoallv", rank: rank)
                    }
                }
            }
        }
    }
}
