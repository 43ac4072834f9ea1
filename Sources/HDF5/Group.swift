import CHDF5

/// A group of an HDF5 file: a folder of datasets and groups, with attributes.
public final class Group: AttributedObject {
    public let file: File
    /// Absolute path within the file.
    public let path: String
    let handle: Handle<GroupCloser>

    private init(file: File, path: String, handle: consuming Handle<GroupCloser>) {
        self.file = file
        self.path = path
        self.handle = handle
    }

    static func root(of file: File) throws -> Group {
        let place = Place(file: file, object: "/")
        return Group(file: file, path: "/", handle: try place.take(
            H5Gopen2(try file.identifier, "/", sages_h5_property_default()), "open the root group", .malformed))
    }

    var objectIdentifier: hid_t { handle.identifier }

    /// Path of a member.
    func path(of name: String) -> String { path == "/" ? "/\(name)" : "\(path)/\(name)" }

    /// Makes a group, and those on the way to it that do not exist. Collective.
    public func createGroup(_ name: String) throws -> Group {
        let place = place(of: name)
        try file.reserve(File.objectReserve)
        return try file.collectively {
            let links = try linkProperties(place)
            let creation: PropertyList = try place.take(H5Pcreate(sages_h5_property_group_create()), "create", .internal)
            try place.check(H5Pset_obj_track_times(creation.identifier, false), "create", .internal)
            return Group(file: file, path: path(of: name), handle: try place.take(
                H5Gcreate2(handle.identifier, name, links.identifier, creation.identifier,
                           sages_h5_property_default()), "create the group", .inputOutput))
        }
    }

    /// Opens a group. Not collective.
    /// - Throws: `HDF5Error` (65) if there is none of this name.
    public func group(_ name: String) throws -> Group {
        let place = place(of: name)
        guard exists(name) else { throw place.failure("open the group", .malformed, "it does not exist") }
        return Group(file: file, path: path(of: name), handle: try place.take(
            H5Gopen2(handle.identifier, name, sages_h5_property_default()), "open the group", .malformed))
    }

    /// Whether there is a member at this path, which may go through groups. Not collective.
    public func exists(_ name: String) -> Bool {
        var prefix = name.hasPrefix("/") ? "/" : ""
        for part in name.split(separator: "/") {
            prefix += prefix.isEmpty || prefix == "/" ? String(part) : "/" + part
            // H5Lexists fails, rather than answers no, where a group on the way is missing.
            guard H5Lexists(handle.identifier, prefix, sages_h5_property_default()) > 0 else { return false }
        }
        return H5Oexists_by_name(handle.identifier, name.isEmpty ? "." : name, sages_h5_property_default()) > 0
    }

    /// Whether the member at this path is a group. Not collective.
    public func isGroup(_ name: String) -> Bool { type(of: name) == H5I_GROUP }

    /// Whether the member at this path is a dataset. Not collective.
    public func isDataset(_ name: String) -> Bool { type(of: name) == H5I_DATASET }

    private func type(of name: String) -> H5I_type_t {
        guard exists(name),
              let object = Handle<ObjectCloser>(taking: H5Oopen(handle.identifier, name, sages_h5_property_default()))
        else { return H5I_BADID }
        return H5Iget_type(object.identifier)
    }

    /// Names of the members in ascending order. Not collective.
    public var memberNames: [String] {
        get throws {
            var names: [String] = []
            try withUnsafeMutablePointer(to: &names) { pointer in
                var index = hsize_t(0)
                try place.check(H5Literate(handle.identifier, H5_INDEX_NAME, H5_ITER_INC, &index, { _, name, _, context in
                    if let name, let context {
                        context.assumingMemoryBound(to: [String].self).pointee.append(String(cString: name))
                    }
                    return 0
                }, pointer), "list the members", .malformed)
            }
            return names
        }
    }

    /// Makes `name` another name (a hard link) of the object at `target`, an absolute path in this file. Collective.
    public func link(_ name: String, to target: String) throws {
        let place = place(of: name)
        try file.collectively {
            let links = try linkProperties(place)
            try place.check(H5Lcreate_hard(try file.identifier, target, handle.identifier, name, links.identifier,
                                           sages_h5_property_default()), "link", .inputOutput)
        }
    }

    /// Removes the link to a member; its space in the file is not given back before the file is closed. Collective.
    public func remove(_ name: String) throws {
        let place = place(of: name)
        try file.collectively {
            try place.check(H5Ldelete(handle.identifier, name, sages_h5_property_default()), "remove", .inputOutput)
        }
    }

    func place(of name: String) -> Place { Place(file: file, object: path(of: name)) }

    func linkProperties(_ place: Place) throws -> PropertyList {
        let list: PropertyList = try place.take(H5Pcreate(sages_h5_property_link_create()), "create", .internal)
        try place.check(H5Pset_create_intermediate_group(list.identifier, 1), "create", .internal)
        return list
    }
}
