import Foundation

/// A text file that is written through a buffer and appears whole.
final class TextWriter {
    let path: String
    private let temporaryPath: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var isOpen = true

    /// - Throws: `TrajectoryError` (74) if the file cannot be created.
    init(_ path: String) throws {
        self.path = path
        temporaryPath = path + ".incomplete"
        descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Self.failure(path, "cannot create the file") }
        buffer.reserveCapacity(1 << 16)
    }

    deinit {
        if isOpen {
            close(descriptor)
            unlink(temporaryPath)
        }
    }

    func write(_ text: String) throws {
        buffer.append(contentsOf: text.utf8)
        if buffer.count >= 1 << 16 { try drain() }
    }

    /// The shortest text that reads as the same number again.
    func write(_ number: Double) throws {
        // Most numbers' text has no exponent; LAMMPS, Swift and C read both forms.
        try write(number.description)
    }

    /// Brings the file to the disk and gives it its name.
    func finish() throws {
        try drain()
        isOpen = false
        let synchronized = fsync(descriptor)
        guard close(descriptor) == 0, synchronized == 0 else { throw Self.failure(path, "cannot write the file") }
        guard rename(temporaryPath, path) == 0 else { throw Self.failure(path, "cannot name the file") }
    }

    private func drain() throws {
        var written = 0
        while written < buffer.count {
            let count = buffer.withUnsafeBytes { bytes in
                Foundation.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Self.failure(path, "cannot write the file") }
            written += count
        }
        buffer.removeAll(keepingCapacity: true)
    }

    private static func failure(_ path: String, _ what: String) -> TrajectoryError {
        TrajectoryError(.io, file: path, message: "\(what): \(String(cString: strerror(errno)))")
    }
}
