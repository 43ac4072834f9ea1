import Foundation

/// A file that appears whole or not at all.
///
/// It is written under a temporary name in the folder of its final one; `commit` brings it to the disk and renames
/// it. A process that dies in between leaves the earlier file as it was. With several ranks one rank holds the
/// `WholeFile`; the others get `temporaryPath` from it.
public struct WholeFile: ~Copyable {
    /// The final name.
    public let path: String
    /// Write here.
    public let temporaryPath: String

    /// - Throws: `HDF5Error` (74) if the folder is missing or cannot be written.
    public init(_ path: String) throws {
        self.path = path
        let folder = Self.folder(of: path)
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        guard !name.isEmpty, !path.hasSuffix("/") else { throw Self.failure(path, "write", "it names no file") }
        var status = stat()
        guard stat(folder, &status) == 0 else { throw Self.failure(path, "write", systemMessage(errno)) }
        guard access(folder, W_OK | X_OK) == 0 else { throw Self.failure(path, "write", systemMessage(errno)) }
        temporaryPath = (folder == "." && !path.hasPrefix("./") ? "" : folder == "/" ? "/" : folder + "/")
            + ".\(name).incomplete"
    }

    /// Brings the file to the disk and gives it its final name, replacing an earlier file of that name.
    /// - Parameter keepingPrevious: keeps the earlier file as `path.previous`.
    public consuming func commit(keepingPrevious: Bool = false) throws {
        try Self.synchronize(temporaryPath, reportingAs: path)
        if keepingPrevious {
            // A hard link, not a rename: at no moment is there no file of the final name.
            let previous = path + ".previous"
            let linked = temporaryPath + ".previous"
            unlink(linked)
            if link(path, linked) == 0 {
                guard rename(linked, previous) == 0 else { throw Self.failure(path, "keep the earlier file", systemMessage(errno)) }
            } else if errno != ENOENT {
                throw Self.failure(path, "keep the earlier file", systemMessage(errno))
            }
        }
        guard rename(temporaryPath, path) == 0 else { throw Self.failure(path, "rename into place", systemMessage(errno)) }
        try Self.synchronize(Self.folder(of: path), reportingAs: path)
    }

    /// Removes what was written.
    public consuming func discardTemporary() { unlink(temporaryPath) }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func synchronize(_ target: String, reportingAs path: String) throws {
        let descriptor = open(target, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "bring to the disk", systemMessage(errno)) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(path, "bring to the disk", systemMessage(errno)) }
    }

    private static func failure(_ path: String, _ operation: String, _ message: String) -> HDF5Error {
        HDF5Error(.inputOutput, file: path, operation: operation, message: message)
    }
}
