import CZlib
import Foundation

/// Bytes of a file from its beginning on, decompressed if it is compressed with gzip.
final class ByteSource {
    let path: String
    private let file: gzFile

    /// - Throws: `TrajectoryError` (66 if the file is missing, 74 if it may not be read).
    init(_ path: String) throws {
        self.path = path
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw TrajectoryError(errno == ENOENT || errno == ENOTDIR ? .noInput : .io, file: path,
                                  message: "cannot open the file: \(String(cString: strerror(errno)))")
        }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw TrajectoryError(file: path, message: "cannot read the file: it is a folder")
        }
        guard let file = gzopen(path, "rb") else {
            throw TrajectoryError(.io, file: path, message: "cannot open the file: \(String(cString: strerror(errno)))")
        }
        gzbuffer(file, 1 << 18)
        self.file = file
    }

    deinit { gzclose_r(file) }

    /// Reads up to `capacity` bytes.
    /// - Returns: their number; 0 at the end of the file.
    /// - Throws: `TrajectoryError` if the compressed data are damaged or cut off, or the system refuses.
    func read(into buffer: UnsafeMutablePointer<UInt8>, capacity: Int) throws -> Int {
        let count = gzread(file, buffer, UInt32(min(capacity, 1 << 30)))
        if count > 0 { return Int(count) }
        var code: Int32 = 0
        let text = gzerror(file, &code).map { String(cString: $0) } ?? ""
        switch code {
        case Z_OK, Z_STREAM_END: return 0
        case Z_BUF_ERROR:
            throw TrajectoryError(file: path, message: "the compressed file is truncated")
        case Z_ERRNO:
            throw TrajectoryError(.io, file: path, message: "cannot read the file: \(String(cString: strerror(errno)))")
        default:
            throw TrajectoryError(file: path, message: "the compressed file is damaged: \(text)")
        }
    }
}
