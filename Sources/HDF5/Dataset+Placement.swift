import CHDF5

/// The chunks at one index along the first axis, as far as they were looked up.
struct KnownChunks {
    var first = -1
    /// By index along the second axis; -1 for one not looked up.
    var addresses: [Int] = []
}

// What is written beside the library must lie where the library will read it: datasets whose storage is allocated when
// they grow, and whose elements are stored as they are in memory.
extension Dataset {
    /// Whether elements of type `T` can be written at the places that `forEachPiece` gives: the dataset is chunked and
    /// not compressed, chunks are cut along the first two axes alone, and `T` is stored as it is in memory.
    public func isPlaced<T: HDF5Datatype>(of type: T.Type) throws -> Bool {
        guard let chunk, !isCompressed, Array(chunk.extents.dropFirst(2)) == Array(shape.dropFirst(2)) else { return false }
        let stored: Datatype = try place.take(H5Dget_type(handle.identifier), "read the type", .malformed)
        return try place.check(H5Tequal(stored.identifier, T.hdf5Datatype), "compare types", .internal) > 0
    }

    /// Calls `body` for each piece of adjacent bytes in the file that `rows` of one entry along the first axis consist
    /// of, in order: where the piece begins in the file, where it begins in memory that holds the rows alone, and its
    /// length. A row is what lies at one index along the second axis (the entry itself where there is no such axis).
    ///
    /// The dataset must be as `isPlaced` says. Not collective; every rank sees the same places.
    /// - Throws: `HDF5Error` (65) if the entry is not allocated.
    public func forEachPiece(
        ofEntry entry: Int, rows: Range<Int>, _ body: (_ offset: Int, _ start: Int, _ count: Int) -> Void
    ) throws {
        guard let chunk else { preconditionFailure("\(path) is not chunked") }
        let extents = chunk.extents
        let rowsInChunk = extents.count > 1 ? extents[1] : 1
        let rowBytes = chunk.bytes / (extents[0] * rowsInChunk)
        let (first, entryInChunk) = entry.quotientAndRemainder(dividingBy: extents[0])
        var row = rows.lowerBound
        while row < rows.upperBound {
            let (second, rowInChunk) = row.quotientAndRemainder(dividingBy: rowsInChunk)
            let count = min(rows.upperBound - row, rowsInChunk - rowInChunk)
            let address = try address(ofChunk: first, second, rowsInChunk: rowsInChunk)
            body(address + (entryInChunk * rowsInChunk + rowInChunk) * rowBytes, (row - rows.lowerBound) * rowBytes,
                 count * rowBytes)
            row += count
        }
    }

    /// Where the last of the chunks ends that one entry along the first axis lies in. Not collective.
    ///
    /// The dataset must be as `isPlaced` says.
    /// - Throws: `HDF5Error` (65) if the entry is not allocated.
    public func end(ofEntry entry: Int) throws -> Int {
        guard let chunk else { preconditionFailure("\(path) is not chunked") }
        let rowsInChunk = chunk.extents.count > 1 ? chunk.extents[1] : 1
        let last = shape.count > 1 ? (shape[1] - 1) / rowsInChunk : 0
        // Chunks of an entry are allocated in order.
        return try address(ofChunk: entry / chunk.extents[0], last, rowsInChunk: rowsInChunk) + chunk.bytes
    }

    /// Looked up once for each chunk: the library goes through the whole index to find one.
    private func address(ofChunk first: Int, _ second: Int, rowsInChunk: Int) throws -> Int {
        if knownChunks.first != first {
            let count = shape.count > 1 ? (shape[1] + rowsInChunk - 1) / rowsInChunk : 1
            knownChunks = KnownChunks(first: first, addresses: [Int](repeating: -1, count: count))
        }
        if knownChunks.addresses[second] >= 0 { return knownChunks.addresses[second] }
        guard let extents = chunk?.extents else { preconditionFailure("\(path) is not chunked") }
        var corner = [hsize_t](repeating: 0, count: shape.count)
        corner[0] = hsize_t(first * extents[0])
        if corner.count > 1 { corner[1] = hsize_t(second * rowsInChunk) }
        var address = haddr_t(0), size = hsize_t(0)
        try place.check(H5Dget_chunk_info_by_coord(handle.identifier, corner, nil, &address, &size), "find a chunk", .internal)
        guard size > 0, let offset = Int(exactly: address) else {
            throw place.failure("find a chunk", .malformed, "the chunk at \(corner) is not allocated")
        }
        knownChunks.addresses[second] = offset
        return offset
    }
}
