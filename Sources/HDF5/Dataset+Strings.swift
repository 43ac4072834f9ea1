import CHDF5

extension Dataset {
    /// The strings of a dataset of fixed or variable length. Not collective: each rank that calls reads.
    public func readStrings() throws -> [String] {
        try checkExtents()
        let type: Datatype = try place.take(H5Dget_type(handle.identifier), "read", .malformed)
        let space: Dataspace = try place.take(H5Dget_space(handle.identifier), "read", .malformed)
        return try HDF5.readStrings(type: type, space: space, count: count, place) {
            H5Dread(handle.identifier, $0, sages_h5_space_all(), sages_h5_space_all(), sages_h5_property_default(), $1)
        }
    }

    /// Writes all strings of a dataset of fixed length; every rank passes the same ones. Collective.
    public func writeStrings(_ strings: [String]) throws {
        try file.collectively {
            guard case .fixedString(let bytes) = elements, strings.count == count else {
                throw place.failure("write", .internal, "it does not hold \(strings.count) strings of fixed length")
            }
            if let long = strings.first(where: { $0.utf8.count > bytes }) {
                throw place.failure("write", .internal, "\"\(long)\" is longer than \(bytes) bytes")
            }
            // One rank writes: independent writes of the same bytes by all would only cost.
            guard count > 0, file.communicator.map({ $0.rank == 0 }) ?? true else { return }
            let type: Datatype = try place.take(H5Dget_type(handle.identifier), "write", .malformed)
            try place.check(H5Dwrite(handle.identifier, type.identifier, sages_h5_space_all(), sages_h5_space_all(),
                                     sages_h5_property_default(), packStrings(strings, bytes: bytes)),
                            "write", .inputOutput)
        }
    }
}
