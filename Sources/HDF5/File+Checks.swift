import CHDF5
import Foundation

/// What the system says of an error number.
func systemMessage(_ number: Int32) -> String { String(cString: strerror(number)) }

// The library's own messages for these cases are long and vary with the driver; the system's are short and exact.
extension File {
    /// Throws unless `path` is a readable HDF5 file (and a writable one, if that is asked).
    /// - Returns: its length.
    func checkReadable(_ access: Access) throws -> Int {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw place.failure("open the file", errno == ENOENT || errno == ENOTDIR ? .missingFile : .inputOutput,
                                systemMessage(errno))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw place.failure("open the file", .malformed, "it is not a regular file")
        }
        guard Foundation.access(path, access == .readOnly ? R_OK : R_OK | W_OK) == 0 else {
            throw place.failure(access == .readOnly ? "open the file" : "open the file for writing", .inputOutput,
                                systemMessage(errno))
        }
        let isHDF5 = H5Fis_hdf5(path)
        if isHDF5 == 0 {
            throw place.failure("open the file", .malformed,
                                status.st_size == 0 ? "it is empty" : "it is not an HDF5 file")
        }
        if isHDF5 < 0 { throw place.failure("open the file", .malformed) }
        return Int(status.st_size)
    }

    /// Throws unless a file at `path` can be created or overwritten.
    func checkWritable() throws {
        let descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw place.failure("create the file", .inputOutput, systemMessage(errno)) }
        Foundation.close(descriptor)
    }

    /// Whether a file holds anything yet: until its first flush a new one is empty, or zeros where room on the disk was
    /// taken. False too where there is no file. Not collective.
    public static func hasContent(_ path: String) -> Bool {
        guard let file = FileHandle(forReadingAtPath: path) else { return false }
        defer { try? file.close() }
        // Where reading fails, opening the file will say why.
        guard let beginning = try? file.read(upToCount: 512) ?? Data() else { return true }
        return beginning.contains { $0 != 0 }
    }
}
