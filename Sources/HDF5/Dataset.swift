import CHDF5

/// How the ranks that share a file transfer data.
public enum Transfer: Sendable {
    /// All ranks make the call, each with its own selection, maybe an empty one.
    case collective
    /// Each rank on its own. Not for writing compressed datasets.
    case independent
}

/// An array in an HDF5 file.
public final class Dataset: AttributedObject {
    public let file: File
    /// Absolute path within the file.
    public let path: String
    let handle: Handle<DatasetCloser>
    /// Current extents; [] for a scalar.
    public private(set) var shape: [Int]
    /// Largest extents, nil for unlimited.
    public let maximumShape: [Int?]
    /// Class of the stored elements; transfers convert.
    public let elements: ElementClass
    /// Extents of a chunk, and bytes of one; nil for contiguous storage.
    let chunk: (extents: [Int], bytes: Int)?
    let isCompressed: Bool
    /// Where chunks lie in the file, for `Dataset+Placement`.
    var knownChunks = KnownChunks()

    init(file: File, path: String, handle: consuming Handle<DatasetCloser>) throws {
        let place = Place(file: file, object: path)
        let space: Dataspace = try place.take(H5Dget_space(handle.identifier), "read the shape", .malformed)
        let type: Datatype = try place.take(H5Dget_type(handle.identifier), "read the type", .malformed)
        let extents = try shapeAndMaximum(of: space, place)
        self.file = file
        self.path = path
        self.shape = extents.shape
        self.maximumShape = extents.maximum
        self.elements = ElementClass(type.identifier)
        let creation: PropertyList = try place.take(H5Dget_create_plist(handle.identifier), "read the layout", .malformed)
        isCompressed = H5Pget_nfilters(creation.identifier) > 0
        if H5Pget_layout(creation.identifier) == H5D_CHUNKED {
            var chunk = [hsize_t](repeating: 0, count: extents.shape.count)
            try place.check(H5Pget_chunk(creation.identifier, Int32(chunk.count), &chunk), "read the layout", .malformed)
            let size = chunk.map { max(1, Int(clamping: $0)) }
            // A chunk has less than 4 GB.
            let bytes = size.reduce(H5Tget_size(type.identifier)) { $0.multipliedReportingOverflow(by: $1).partialValue }
            self.chunk = (size, bytes)
        } else {
            chunk = nil
        }
        self.handle = handle
    }

    /// Bytes that this dataset takes with another shape, uncompressed.
    private func allocation(of shape: [Int]) -> Int {
        guard let chunk else { return 0 }
        return Self.allocation(of: shape, chunk: chunk.extents, elementBytes: 1) / max(1, chunk.extents.reduce(1, *)) * chunk.bytes
    }

    /// Bytes that a dataset takes, uncompressed.
    static func allocation(of shape: [Int], chunk: [Int]?, elementBytes: Int) -> Int {
        guard let chunk else { return shape.reduce(elementBytes, *) }
        return zip(shape, chunk).reduce(elementBytes) { $0 * (($1.0 + $1.1 - 1) / $1.1 * $1.1) }
    }

    var objectIdentifier: hid_t { handle.identifier }

    /// The number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// Extents of a chunk and deflate level, as the dataset was made. Not collective.
    public var storage: DatasetStorage {
        get throws {
            let list: PropertyList = try place.take(H5Dget_create_plist(handle.identifier), "read the layout", .malformed)
            var storage = DatasetStorage(chunk: chunk?.extents, maximumShape: maximumShape)
            var flags: UInt32 = 0
            var values: [UInt32] = [0]
            var valueCount = 1
            if H5Pget_filter_by_id2(list.identifier, H5Z_filter_t(1), &flags, &valueCount, &values, 0, nil, nil) >= 0 {
                storage.deflate = Int(values[0])
            }
            return storage
        }
    }

    /// Throws if the dataset claims more elements than the bytes that it occupies can hold, as in damaged files: memory
    /// must not be asked for on the word of its shape alone. Deflate shrinks at most 1032 times; 16 MB of elements may
    /// never have been written. Not collective.
    /// - Throws: `HDF5Error` (65).
    public func checkExtents() throws {
        let bytes: Int
        switch elements {
        case .integer(let width, _), .float(let width), .fixedString(let width): bytes = width
        case .variableString: bytes = 16
        case .other: bytes = 1
        }
        let largest = storedBytes.multipliedReportingOverflow(by: 1032)
        var total = bytes
        for extent in shape {
            let (next, overflow) = total.multipliedReportingOverflow(by: extent)
            guard !overflow, largest.overflow || next <= largest.partialValue + 1 << 24 else {
                throw place.failure("read", .malformed, "its shape \(shape) does not fit the \(storedBytes) bytes that it occupies")
            }
            total = next
        }
    }

    /// Bytes that the dataset occupies in the file. Not collective.
    public var storedBytes: Int { Int(clamping: H5Dget_storage_size(handle.identifier)) }

    /// Changes the extents, within `maximumShape`; what is cut off is lost. Collective.
    public func resize(to shape: [Int]) throws {
        try Dataset.resize([(self, shape)])
    }

    /// Changes the extents of several datasets of one file, which costs the ranks one agreement. Collective.
    public static func resize(_ changes: [(dataset: Dataset, shape: [Int])]) throws {
        guard let file = changes.first?.dataset.file else { return }
        var room = 0, compressedRoom = 0
        for (dataset, shape) in changes {
            precondition(shape.count == dataset.shape.count, "a dataset cannot change its rank")
            let growth = max(0, dataset.allocation(of: shape) - dataset.allocation(of: dataset.shape))
            if dataset.isCompressed { compressedRoom += growth } else { room += growth }
        }
        if room > 0 { try file.reserve(room) }
        if compressedRoom > 0 { try file.checkRoom(compressedRoom) }
        try file.collectively {
            for (dataset, shape) in changes {
                try dataset.place.check(H5Dset_extent(dataset.handle.identifier, shape.map { hsize_t($0) }),
                                        "resize the dataset", .inputOutput)
            }
        }
        // Cutting a chunk fills what is cut off through each rank's chunk cache, which later transfers through MPI-IO or
        // beside the library bypass: written any later, the cached chunk would undo them.
        let isCut = changes.contains { zip($0.shape, $0.dataset.shape).contains { $0 < $1 } }
        if isCut { try file.flush() }
        for (dataset, shape) in changes {
            dataset.shape = shape
            if isCut { dataset.knownChunks = KnownChunks() }
        }
    }

    // MARK: Transfers

    /// Writes a selection from adjacent elements in memory, in row-major order, converting to the stored type.
    ///
    /// - Parameter transfer: collective unless given, where ranks share the file. Where the element type in memory
    ///   differs from the stored one, HDF5 falls back to independent transfers: convert first where speed matters.
    /// - Throws: `HDF5Error` (74) if the system refuses.
    public func write<T: HDF5Datatype>(_ values: UnsafeBufferPointer<T>, _ selection: Selection = .all,
                                       transfer: Transfer = .collective) throws {
        try move(selection, count: values.count, transfer, "write") { memory, space, properties in
            // The library wants an address even for nothing.
            var nothing: UInt64 = 0
            return withUnsafePointer(to: &nothing) {
                H5Dwrite(handle.identifier, T.hdf5Datatype, memory, space, properties,
                         values.baseAddress.map { UnsafeRawPointer($0) } ?? UnsafeRawPointer($0))
            }
        }
    }

    /// Writes a selection from an array. See `write(_:_:transfer:)` of a buffer.
    public func write<T: HDF5Datatype>(_ values: [T], _ selection: Selection = .all,
                                       transfer: Transfer = .collective) throws {
        try values.withUnsafeBufferPointer { try write($0, selection, transfer: transfer) }
    }

    /// Reads a selection to adjacent elements in memory, in row-major order, converting from the stored type.
    /// - Throws: `HDF5Error` (65) if the selection does not fit, the dataset holds no numbers or is damaged.
    public func read<T: HDF5Datatype>(into values: UnsafeMutableBufferPointer<T>, _ selection: Selection = .all,
                                      transfer: Transfer = .collective) throws {
        try move(selection, count: values.count, transfer, "read") { memory, space, properties in
            var nothing: UInt64 = 0
            return withUnsafeMutablePointer(to: &nothing) {
                H5Dread(handle.identifier, T.hdf5Datatype, memory, space, properties,
                        values.baseAddress.map { UnsafeMutableRawPointer($0) } ?? UnsafeMutableRawPointer($0))
            }
        }
    }

    /// Reads a selection as an array.
    public func read<T: HDF5Datatype>(_ type: T.Type = T.self, _ selection: Selection = .all,
                                      transfer: Transfer = .collective) throws -> [T] {
        try checkExtents()
        guard let count = selection.count(in: shape) else {
            // Let the transfer report it, so that all ranks of a collective one learn of it.
            try read(into: UnsafeMutableBufferPointer<T>(start: nil, count: 0), selection, transfer: transfer)
            return []
        }
        return try [T](unsafeUninitializedCapacity: count) { buffer, initialized in
            try read(into: UnsafeMutableBufferPointer(rebasing: buffer[0..<count]), selection, transfer: transfer)
            initialized = count
        }
    }

    private func move(_ selection: Selection, count: Int, _ transfer: Transfer, _ operation: String,
                      _ body: (hid_t, hid_t, hid_t) -> herr_t) throws {
        let isCollective = transfer == .collective && file.communicator != nil
        // A rank that finds its arguments wrong must keep the others from waiting for it in the transfer.
        func agreed<R>(_ body: () throws -> R) throws -> R { isCollective ? try file.collectively(body) : try body() }
        try agreed {
            guard elements.isNumber else {
                throw place.failure(operation, .malformed, "it holds no numbers")
            }
            guard let selected = selection.count(in: shape) else {
                throw place.failure(operation, .malformed, "its shape is \(shape), which \(selection) does not fit")
            }
            guard selected == count else {
                throw place.failure(operation, .internal, "\(selected) elements are selected, \(count) are in memory")
            }
        }
        try agreed {
            let space: Dataspace = try place.take(H5Dget_space(handle.identifier), operation, .internal)
            try selection.apply(to: space, place)
            // With the extents of the selection, which the library then maps as a whole; of another shape, element by
            // element, which takes longer than the writing.
            let extents = count == 0 ? [1] : selection.extents(in: shape)
            let memory: Dataspace = try place.take(
                H5Screate_simple(Int32(extents.count), extents.map { hsize_t($0) }, nil), operation, .internal)
            if count == 0 {
                try place.check(H5Sselect_none(memory.identifier), operation, .internal)
                try place.check(H5Sselect_none(space.identifier), operation, .internal)
            }
            let properties: PropertyList = try place.take(H5Pcreate(sages_h5_property_dataset_transfer()), operation, .internal)
            if isCollective {
                try place.check(H5Pset_dxpl_mpio(properties.identifier, H5FD_MPIO_COLLECTIVE), operation, .internal)
            }
            try place.check(body(memory.identifier, space.identifier, properties.identifier), operation,
                            operation == "read" ? .malformed : .inputOutput)
        }
    }
}
