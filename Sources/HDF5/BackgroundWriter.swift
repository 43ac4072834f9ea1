import CHDF5
import Dispatch
import Foundation

/// Writes bytes into a file at given places while the caller goes on, beside the HDF5 library and without MPI: for the
/// places that `Dataset.forEachPiece` gives. Each rank writes for itself.
///
/// The library must not be asked to write or read the same bytes in the meantime; it may do anything else.
public final class BackgroundWriter: @unchecked Sendable {
    private let path: String
    let descriptor: Int32
    private let queue = DispatchQueue(label: "SAGES output")
    private let group = DispatchGroup()
    /// Of what the caller's thread wrote; the caller's alone.
    private var failure: HDF5Error?
    /// Of what the queue wrote; the queue's, and the caller's while the group is empty.
    private var queueFailure: HDF5Error?

    /// Copying fewer bytes to the system than this takes less than another thread's waking.
    private static let leastBytesInBackground = 1 << 18

    /// Opens the file, which exists.
    /// - Throws: `HDF5Error` (74).
    public init(_ file: File) throws {
        path = file.path
        descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw HDF5Error(.inputOutput, file: path, operation: "open for writing", message: systemMessage(errno))
        }
    }

    deinit { close(descriptor) }

    /// Begins to write bytes, which must stay as they are until `wait`. A few are written at once.
    public func write(_ bytes: UnsafeRawPointer, count: Int, at offset: Int) {
        guard count >= Self.leastBytesInBackground else {
            if failure == nil { failure = transfer(bytes, count, offset) }
            return
        }
        // Nobody but the queue reads these bytes before `wait`.
        nonisolated(unsafe) let bytes = bytes
        queue.async(group: group) { [self] in
            guard queueFailure == nil else { return }
            queueFailure = transfer(bytes, count, offset)
            // The disk begins with these bytes while the next ones are copied.
            sages_begin_writeback(descriptor, off_t(offset), off_t(count))
        }
    }

    /// Begins to bring to the disk what was written so far.
    public func synchronize() {
        queue.async(group: group) { [self] in
            while queueFailure == nil && fdatasync(descriptor) != 0 {
                if errno != EINTR { queueFailure = error("bring to the disk", errno) }
            }
        }
    }

    /// Waits until everything is done that was begun.
    /// - Throws: `HDF5Error` (74) if the system refused any of it, once.
    public func wait() throws {
        group.wait()
        let failure = self.failure ?? queueFailure
        (self.failure, queueFailure) = (nil, nil)
        if let failure { throw failure }
    }

    private func transfer(_ bytes: UnsafeRawPointer, _ count: Int, _ offset: Int) -> HDF5Error? {
        var done = 0
        while done < count {
            let written = pwrite(descriptor, bytes + done, count - done, off_t(offset + done))
            if written < 0 && errno == EINTR { continue }
            // A file system that takes nothing and says nothing has no room.
            guard written > 0 else { return error("write", written < 0 ? errno : ENOSPC) }
            done += written
        }
        return nil
    }

    private func error(_ operation: String, _ number: Int32) -> HDF5Error {
        HDF5Error(.inputOutput, file: path, operation: operation, message: systemMessage(number))
    }
}
