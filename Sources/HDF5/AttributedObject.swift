import CHDF5

/// What can have attributes: groups and datasets.
///
/// Writing an attribute is collective and replaces one of the same name; reading is not collective.
/// Reading throws `HDF5Error` (65) if the attribute is missing or of another class.
public protocol AttributedObject: AnyObject {
    var file: File { get }
    /// Absolute path within the file.
    var path: String { get }
}

protocol IdentifiedObject: AttributedObject {
    var objectIdentifier: hid_t { get }
}

extension Group: IdentifiedObject {}
extension Dataset: IdentifiedObject {}

extension AttributedObject {
    var place: Place { Place(file: file, object: path) }

    private func place(_ name: String) -> Place { Place(file: file, object: "\(path)@\(name)") }

    private var identifier: hid_t {
        // The protocol's only conformers are this module's.
        (self as? any IdentifiedObject)?.objectIdentifier ?? -1
    }

    // MARK: Writing

    /// Writes one number as a scalar attribute.
    public func setAttribute<T: HDF5Datatype>(_ name: String, _ value: T) throws {
        try write(name, shape: nil, fileType: T.hdf5Datatype, memoryType: T.hdf5Datatype) { body in
            try withUnsafePointer(to: value) { try body(UnsafeRawPointer($0)) }
        }
    }

    /// Writes numbers as a one-dimensional attribute.
    public func setAttribute<T: HDF5Datatype>(_ name: String, _ values: [T]) throws {
        try write(name, shape: [values.count], fileType: T.hdf5Datatype, memoryType: T.hdf5Datatype) { body in
            try values.withUnsafeBytes { try body($0.baseAddress) }
        }
    }

    /// Writes a string (UTF-8) as a scalar attribute of variable length, which h5py reads as `str`; with
    /// `fixed`, of fixed length, which h5py reads as bytes.
    public func setAttribute(_ name: String, _ value: String, fixed: Bool = false) throws {
        try writeStrings(name, [value], shape: nil, fixed: fixed)
    }

    /// Writes strings (UTF-8) as a one-dimensional attribute.
    public func setAttribute(_ name: String, _ values: [String], fixed: Bool = false) throws {
        try writeStrings(name, values, shape: [values.count], fixed: fixed)
    }

    private func writeStrings(_ name: String, _ values: [String], shape: [Int]?, fixed: Bool) throws {
        if fixed {
            let bytes = max(1, values.map(\.utf8.count).max() ?? 1)
            let type = try stringDatatype(bytes: bytes, place(name))
            let packed = packStrings(values, bytes: bytes)
            try write(name, shape: shape, fileType: type.identifier, memoryType: type.identifier) { body in
                try packed.withUnsafeBytes { try body($0.baseAddress) }
            }
        } else {
            let type = try stringDatatype(bytes: nil, place(name))
            try withCStrings(values) { pointers in
                try write(name, shape: shape, fileType: type.identifier, memoryType: type.identifier) { body in
                    try pointers.withUnsafeBytes { try body($0.baseAddress) }
                }
            }
        }
    }

    private func write(_ name: String, shape: [Int]?, fileType: hid_t, memoryType: hid_t,
                       _ withData: ((UnsafeRawPointer?) throws -> Void) throws -> Void) throws {
        let place = place(name)
        try file.collectively {
            if H5Aexists(identifier, name) > 0 {
                try place.check(H5Adelete(identifier, name), "replace the attribute", .inputOutput)
            }
            let space: Dataspace = try place.take(
                shape.map { H5Screate_simple(Int32($0.count), $0.map { hsize_t($0) }, nil) } ?? H5Screate(H5S_SCALAR),
                "write the attribute", .internal)
            let attribute: Handle<AttributeCloser> = try place.take(
                H5Acreate2(identifier, name, fileType, space.identifier, sages_h5_property_default(),
                           sages_h5_property_default()), "create the attribute", .inputOutput)
            if shape?.contains(0) ?? false { return }
            try withData { pointer in
                try place.check(H5Awrite(attribute.identifier, memoryType, pointer), "write the attribute", .inputOutput)
            }
        }
    }

    // MARK: Reading

    /// Whether there is an attribute of this name.
    public func hasAttribute(_ name: String) -> Bool { H5Aexists(identifier, name) > 0 }

    /// Names of the attributes in ascending order.
    public var attributeNames: [String] {
        get throws {
            var names: [String] = []
            try withUnsafeMutablePointer(to: &names) { pointer in
                var index = hsize_t(0)
                try place.check(H5Aiterate2(identifier, H5_INDEX_NAME, H5_ITER_INC, &index, { _, name, _, context in
                    if let name, let context {
                        context.assumingMemoryBound(to: [String].self).pointee.append(String(cString: name))
                    }
                    return 0
                }, pointer), "list the attributes", .malformed)
            }
            return names
        }
    }

    /// The shape of an attribute ([] for a scalar) and the class of its elements.
    public func attributeType(_ name: String) throws -> (shape: [Int], elements: ElementClass) {
        let place = place(name)
        let attribute = try openAttribute(name)
        let type: Datatype = try place.take(H5Aget_type(attribute.identifier), "read the attribute", .malformed)
        return (try attributeShape(attribute, place), ElementClass(type.identifier))
    }

    /// The numbers of an attribute, converted to `T`; one for a scalar.
    public func attribute<T: HDF5Datatype>(_ name: String, as type: T.Type) throws -> [T] {
        let place = place(name)
        let attribute = try openAttribute(name)
        let stored: Datatype = try place.take(H5Aget_type(attribute.identifier), "read the attribute", .malformed)
        guard ElementClass(stored.identifier).isNumber else {
            throw place.failure("read the attribute", .malformed, "it is not a number")
        }
        let count = try attributeShape(attribute, place).reduce(1, *)
        if count == 0 { return [] }
        return try [T](unsafeUninitializedCapacity: count) { buffer, initialized in
            try place.check(H5Aread(attribute.identifier, T.hdf5Datatype, buffer.baseAddress), "read the attribute",
                            .malformed)
            initialized = count
        }
    }

    /// The string of a scalar attribute or of one with a single element.
    public func stringAttribute(_ name: String) throws -> String {
        let strings = try stringsAttribute(name)
        guard strings.count == 1 else {
            throw place(name).failure("read the attribute", .malformed, "it holds \(strings.count) strings, not one")
        }
        return strings[0]
    }

    /// The strings of an attribute, of fixed or variable length; one for a scalar.
    public func stringsAttribute(_ name: String) throws -> [String] {
        let place = place(name)
        let attribute = try openAttribute(name)
        let type: Datatype = try place.take(H5Aget_type(attribute.identifier), "read the attribute", .malformed)
        let space: Dataspace = try place.take(H5Aget_space(attribute.identifier), "read the attribute", .malformed)
        let count = try attributeShape(attribute, place).reduce(1, *)
        return try readStrings(type: type, space: space, count: count, place) {
            H5Aread(attribute.identifier, $0, $1)
        }
    }

    private func openAttribute(_ name: String) throws -> Handle<AttributeCloser> {
        let place = place(name)
        guard hasAttribute(name) else { throw place.failure("read the attribute", .malformed, "it does not exist") }
        return try place.take(H5Aopen(identifier, name, sages_h5_property_default()), "open the attribute", .malformed)
    }

    private func attributeShape(_ attribute: borrowing Handle<AttributeCloser>, _ place: Place) throws -> [Int] {
        let space: Dataspace = try place.take(H5Aget_space(attribute.identifier), "read the attribute", .malformed)
        let shape = try shapeAndMaximum(of: space, place).shape
        // Attributes are small; a large one is damage, and memory is not to be asked for on its word.
        var count = 1
        for extent in shape {
            let (next, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow, next <= 1 << 22 else {
                throw place.failure("read the attribute", .malformed, "its shape is \(shape)")
            }
            count = next
        }
        return shape
    }
}
