import CHDF5

/// How a new dataset is stored.
public struct DatasetStorage: Sendable, Equatable {
    /// Extents of a chunk; nil for contiguous storage. A dataset that can grow or is compressed needs chunks.
    public var chunk: [Int]?
    /// Largest extent along each axis, nil for unlimited; nil altogether if the dataset cannot grow.
    public var maximumShape: [Int?]?
    /// Deflate level 1 to 9 with byte shuffling; nil for none. Compressed datasets are written collectively.
    public var deflate: Int?
    /// Value of elements never written. Without one they are 0 in compressed datasets and undefined in others: to
    /// initialize what is about to be written would double the cost of writing.
    public var fillValue: Double?

    public init(chunk: [Int]? = nil, maximumShape: [Int?]? = nil, deflate: Int? = nil, fillValue: Double? = nil) {
        self.chunk = chunk
        self.maximumShape = maximumShape
        self.deflate = deflate
        self.fillValue = fillValue
    }

    /// Chunks, and unlimited growth along the first axis.
    public static func growing(chunk: [Int], shape: [Int], deflate: Int? = nil) -> DatasetStorage {
        DatasetStorage(chunk: chunk, maximumShape: [nil] + shape.dropFirst().map { Optional($0) }, deflate: deflate)
    }
}

extension Group {
    /// Makes a dataset of numbers ([] makes a scalar), and the groups on the way to it. Collective.
    public func createDataset<T: HDF5Datatype>(_ name: String, of type: T.Type, shape: [Int],
                                               storage: DatasetStorage = DatasetStorage()) throws -> Dataset {
        try createDataset(name, fileType: T.hdf5Datatype, shape: shape, storage: storage)
    }

    /// Makes a dataset of UTF-8 strings of at most `bytes` bytes, which can be written collectively. Collective.
    public func createStringDataset(_ name: String, bytes: Int, shape: [Int],
                                    storage: DatasetStorage = DatasetStorage()) throws -> Dataset {
        let type = try stringDatatype(bytes: bytes, place(of: name))
        return try createDataset(name, fileType: type.identifier, shape: shape, storage: storage)
    }

    /// Makes a dataset and writes the same numbers to it that every rank passes. Collective.
    @discardableResult
    public func writeDataset<T: HDF5Datatype>(_ name: String, _ values: [T], shape: [Int]? = nil) throws -> Dataset {
        let dataset = try createDataset(name, of: T.self, shape: shape ?? [values.count])
        let isWriter = file.communicator.map { $0.rank == 0 } ?? true
        try values.withUnsafeBufferPointer { values in
            if isWriter {
                try dataset.write(values)
            } else {
                try dataset.write(UnsafeBufferPointer(rebasing: values[0..<0]), .none)
            }
        }
        return dataset
    }

    /// Makes a dataset of strings and writes the same ones that every rank passes. Collective.
    @discardableResult
    public func writeStrings(_ name: String, _ values: [String]) throws -> Dataset {
        let dataset = try createStringDataset(name, bytes: values.map(\.utf8.count).max() ?? 1, shape: [values.count])
        try dataset.writeStrings(values)
        return dataset
    }

    /// Opens a dataset. Not collective.
    /// - Throws: `HDF5Error` (65) if there is none of this name.
    public func dataset(_ name: String) throws -> Dataset {
        let place = place(of: name)
        guard exists(name) else { throw place.failure("open the dataset", .malformed, "it does not exist") }
        return try Dataset(file: file, path: path(of: name), handle: place.take(
            H5Dopen2(handle.identifier, name, sages_h5_property_default()), "open the dataset", .malformed))
    }

    private func createDataset(_ name: String, fileType: hid_t, shape: [Int], storage: DatasetStorage) throws -> Dataset {
        let place = place(of: name)
        // Compressed datasets take room as they are written.
        let data = storage.deflate == nil
            ? Dataset.allocation(of: shape, chunk: storage.chunk, elementBytes: H5Tget_size(fileType)) : 0
        try file.reserve(File.objectReserve + data)
        if storage.deflate != nil && !shape.contains(0) {
            try file.checkRoom(Dataset.allocation(of: shape, chunk: storage.chunk, elementBytes: H5Tget_size(fileType)))
        }
        return try file.collectively {
            if let maximum = storage.maximumShape, maximum.count != shape.count {
                throw place.failure("create the dataset", .internal, "shape and largest shape differ in rank")
            }
            let maximum = storage.maximumShape.map { $0.map { $0.map { hsize_t($0) } ?? sages_h5_unlimited() } }
            let space: Dataspace = try place.take(
                shape.isEmpty ? H5Screate(H5S_SCALAR)
                    : H5Screate_simple(Int32(shape.count), shape.map { hsize_t($0) }, maximum),
                "create the dataset", .internal)
            let links = try linkProperties(place)
            let creation = try creationProperties(storage, place)
            return try Dataset(file: file, path: path(of: name), handle: place.take(
                H5Dcreate2(handle.identifier, name, fileType, space.identifier, links.identifier, creation.identifier,
                           sages_h5_property_default()), "create the dataset", .inputOutput))
        }
    }

    private func creationProperties(_ storage: DatasetStorage, _ place: Place) throws -> PropertyList {
        let list: PropertyList = try place.take(H5Pcreate(sages_h5_property_dataset_create()), "create", .internal)
        try place.check(H5Pset_obj_track_times(list.identifier, false), "create", .internal)
        if let chunk = storage.chunk {
            try place.check(H5Pset_chunk(list.identifier, Int32(chunk.count), chunk.map { hsize_t($0) }),
                            "set the chunks", .internal)
        }
        if let deflate = storage.deflate {
            try place.check(H5Pset_shuffle(list.identifier), "set up compression", .internal)
            try place.check(H5Pset_deflate(list.identifier, UInt32(clamping: deflate)), "set up compression", .internal)
        } else {
            // MPI-IO allocates early anyway; doing so always gives files the same layout with and without it.
            try place.check(H5Pset_alloc_time(list.identifier, H5D_ALLOC_TIME_EARLY), "set up storage", .internal)
        }
        if storage.fillValue == nil && storage.deflate == nil {
            try place.check(H5Pset_fill_time(list.identifier, H5D_FILL_TIME_NEVER), "set up storage", .internal)
        }
        if var fill = storage.fillValue {
            try place.check(H5Pset_fill_value(list.identifier, sages_h5_native_double(), &fill), "set the fill value",
                            .internal)
        }
        return list
    }
}
