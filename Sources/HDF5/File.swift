import CHDF5
import Diagnostics
import Foundation
import MPI

/// An open HDF5 file.
///
/// With a communicator the file is opened through MPI-IO, and everything that changes its structure (creating,
/// extending, attributes, flushing, closing) is collective: every rank makes the same calls with the same arguments.
/// Failures are agreed on, so that all ranks throw together. Without one, the calling process alone uses the file.
///
/// Closing the file closes the groups and datasets in it. A file that was not closed is closed with its last
/// reference, which is collective too.
public final class File {
    /// How an existing file is opened.
    public enum Access: Sendable { case readOnly, readWrite }

    /// Where objects of a new file lie and how its indexes are built; the defaults are HDF5's.
    public struct Layout: Sendable {
        /// Objects of at least `threshold` bytes start at multiples of `bytes`. For file systems with large blocks.
        public var alignment: (threshold: Int, bytes: Int)?
        /// Half the number of chunks in a node of a chunked dataset's index (32 by default, at most 16383). The larger
        /// it is, the rarer are changes of more than one node at once.
        public var chunkIndexHalfRank: Int?

        public init(alignment: (threshold: Int, bytes: Int)? = nil, chunkIndexHalfRank: Int? = nil) {
            self.alignment = alignment
            self.chunkIndexHalfRank = chunkIndexHalfRank
        }
    }

    /// The path as given.
    public let path: String
    /// The ranks that have the file open together; nil where one process uses it alone.
    public let communicator: Communicator?
    /// True if the file was opened for reading alone.
    public let isReadOnly: Bool
    var handle: Handle<FileCloser>?
    /// Bytes that datasets have taken since the file was opened, at most.
    var allocated = 0
    /// What datasets have taken since the last flush.
    var allocatedSinceFlush = 0
    /// For how many bytes of the file there is room on the disk; known on the root.
    var roomTaken = 0
    /// The file's length after the last flush, if that is what its header says; known on the root.
    var exactLength: Int?
    /// Length of the file when it was opened; known on the root.
    var initialLength = 0
    /// Whether the file has no place on a disk.
    var isInMemory = false

    init(path: String, communicator: Communicator?, isReadOnly: Bool) {
        self.path = path
        self.communicator = communicator
        self.isReadOnly = isReadOnly
        ErrorStack.silence()
    }

    /// Creates a file; one of this name is overwritten. Collective with a communicator.
    /// - Throws: `HDF5Error` (exit status 74) if the file cannot be created.
    public static func create(_ path: String, communicator: Communicator? = nil, layout: Layout = Layout()) throws -> File {
        let file = File(path: path, communicator: communicator, isReadOnly: false)
        try file.collectively {
            try file.onRoot {
                try file.checkWritable()
                try file.takeRoom(1)
            }
        }
        try file.collectively {
            let access = try file.accessProperties(layout)
            let creation = try file.creationProperties(layout)
            file.handle = try file.place.take(
                H5Fcreate(path, sages_h5_access_truncate(), creation.identifier, access.identifier),
                "create the file", .inputOutput)
            // The library has emptied the file.
            file.roomTaken = 0
        }
        return file
    }

    /// Opens a file. Collective with a communicator.
    /// - Throws: `HDF5Error`: 66 if the file is missing, 74 if permission is, 65 if it is truncated or no HDF5 file.
    public static func open(_ path: String, _ access: Access = .readOnly, communicator: Communicator? = nil) throws -> File {
        let file = File(path: path, communicator: communicator, isReadOnly: access == .readOnly)
        try file.collectively {
            try file.onRoot {
                file.initialLength = try file.checkReadable(access)
                // A killed writer may have left more than the header tells of. What cannot be opened fails below.
                guard access == .readWrite, let length = try? file.trim() else { return }
                (file.initialLength, file.exactLength) = (length, length)
            }
        }
        try file.collectively {
            let properties = try file.accessProperties(Layout())
            let flags = access == .readOnly ? sages_h5_access_read_only() : sages_h5_access_read_write()
            file.handle = try file.place.take(H5Fopen(path, flags, properties.identifier), "open the file", .malformed)
        }
        return file
    }

    /// The root group. Not collective.
    public var root: Group {
        get throws { try Group.root(of: self) }
    }

    /// Hands everything written so far to the operating system (with a communicator, to the disk). Collective.
    ///
    /// - Parameter dataEnd: where the data end that were allocated since the last flush, if those were all; then flushing is
    ///   faster, and correct if they were not. Called on the root.
    public func flush(dataEnd: (() throws -> Int)? = nil) throws {
        let identifier = try self.identifier
        let (length, isExact) = try reserveForFlush(dataEnd: dataEnd)
        try collectively {
            try place.check(H5Fflush(identifier, H5F_SCOPE_LOCAL), "flush the file", .inputOutput)
            try onRoot { try noteLength(setTo: length, isExact: isExact) }
        }
        allocatedSinceFlush = 0
    }

    /// Closes the file and all objects in it; closing again does nothing. Collective.
    public func close() throws {
        switch handle {
        case .none: return
        case .some: try reserveForFlush(dataEnd: nil)
        }
        guard let handle = handle.take() else { return }
        let status = handle.close()
        let failure = status < 0 ? place.failure("close the file", .inputOutput) : nil
        try collectively {
            if let failure { throw failure }
            try onRoot { if !isReadOnly && !isInMemory { try trim() } }
        }
    }

    // MARK: Within the module

    var place: Place { Place(file: self, object: nil) }

    /// The library's identifier; an error after `close`.
    var identifier: hid_t {
        get throws {
            switch handle {
            case .some(let handle): return handle.identifier
            case .none: throw place.failure("use the file", .internal, "it is closed")
            }
        }
    }

    /// Runs `body` and, where ranks share the file, makes its failure everybody's. Collective.
    @discardableResult
    func collectively<T>(_ body: () throws -> T) throws -> T {
        guard let communicator else { return try body() }
        return try communicator.agree(body)
    }

    /// Runs `body` on one rank only: file systems answer one question better than thousands of the same.
    func onRoot(_ body: () throws -> Void) throws {
        if communicator.map({ $0.rank == 0 }) ?? true { try body() }
    }

    private func accessProperties(_ layout: Layout) throws -> PropertyList {
        let list: PropertyList = try place.take(H5Pcreate(sages_h5_property_file_access()), "set up access", .internal)
        try place.check(H5Pset_fclose_degree(list.identifier, H5F_CLOSE_STRONG), "set up access", .internal)
        if !isReadOnly {
            try place.check(sages_h5_write_metadata_on_flush_only(list.identifier), "set up the cache", .internal)
        }
        if let alignment = layout.alignment {
            try place.check(H5Pset_alignment(list.identifier, hsize_t(alignment.threshold), hsize_t(alignment.bytes)),
                            "set the alignment", .internal)
        }
        if let communicator {
            try place.check(sages_h5_use_mpio(list.identifier, communicator.raw), "use MPI-IO", .internal)
        }
        return list
    }

    private func creationProperties(_ layout: Layout) throws -> PropertyList {
        let list: PropertyList = try place.take(H5Pcreate(sages_h5_property_file_create()), "set up creation", .internal)
        // Times of creation would make equal runs write unequal files.
        try place.check(H5Pset_obj_track_times(list.identifier, false), "set up creation", .internal)
        if let half = layout.chunkIndexHalfRank {
            try place.check(H5Pset_istore_k(list.identifier, UInt32(clamping: half)), "size the chunk index", .internal)
        }
        return list
    }
}
