import Diagnostics
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A text file read whole.
enum SmallFile {
    struct Failure: SAGESError {
        let exitStatus: ExitStatus
        let description: String
    }

    static func contents(_ path: String, atMost limit: Int) throws(Failure) -> [UInt8] {
        guard let file = fopen(path, "r") else {
            throw Failure(exitStatus: .noInput, description: "\(path): cannot open: \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk[..<count]
            guard bytes.count <= limit else {
                throw Failure(exitStatus: .data, description: "\(path): it has more than \(limit >> 20) MiB")
            }
        }
        // A folder opens, but cannot be read.
        guard ferror(file) == 0 else {
            throw Failure(exitStatus: .noInput, description: "\(path): cannot read: \(String(cString: strerror(errno)))")
        }
        return bytes
    }
}
