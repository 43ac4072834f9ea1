import CHDF5
import Foundation

// Room for what is going to be written is taken before HDF5 writes it, for two reasons.
//
// A disk that is full: HDF5 and MPI-IO meet it on the one rank that writes, which then leaves the operation while the
// others wait for it for ever. Taken beforehand, the lack of room is an error like any other, on all ranks.
//
// A killed process: the library writes the new end of the file into its header before it makes the file that long; a
// process killed in between would leave a file that cannot be opened. A file that is too long can be read.
//
// A file that is closed is cut to the length that its header gives.
extension File {
    /// Bytes for metadata beyond those in proportion to the data.
    private static let metadataReserve = 4 << 20
    /// Bytes of the header and index of an object, generously.
    static let objectReserve = 16 << 10

    /// Takes room for `bytes` more. Collective.
    /// - Throws: `HDF5Error` (74) on all ranks if there is none.
    func reserve(_ bytes: Int) throws {
        if isInMemory { return }
        allocated += bytes
        do {
            try collectively { try onRoot { try takeRoom(initialLength + allocated + allocated / 16) } }
        } catch {
            // A flush of what is there already must not ask for this room again.
            allocated -= bytes
            throw error
        }
    }

    /// Checks that there is room for `bytes` of compressed data, whose final size is not known: none is taken.
    /// Collective.
    /// - Throws: `HDF5Error` (74) on all ranks if there is none.
    func checkRoom(_ bytes: Int) throws {
        if isInMemory { return }
        hasUnreserved = true
        try collectively {
            try onRoot {
                var status = statvfs()
                guard statvfs(path, &status) == 0 else { throw place.failure("write", .inputOutput, systemMessage(errno)) }
                let (needed, overflow) = bytes.addingReportingOverflow(Self.metadataReserve)
                let (available, isVast) = Int(clamping: status.f_bavail).multipliedReportingOverflow(by: Int(status.f_frsize))
                guard !overflow, isVast || needed <= available else {
                    throw place.failure("write \(bytes >> 20) MB", .inputOutput, systemMessage(ENOSPC))
                }
            }
        }
    }

    /// Takes room for what a flush may write. Collective.
    func reserveForFlush() throws {
        guard !isReadOnly, !isInMemory else { return }
        try collectively {
            try onRoot {
                var bound = initialLength + allocated + allocated / 16
                if communicator == nil {
                    // Without MPI-IO the library tells.
                    var end = haddr_t(0)
                    if try H5Fget_eoa(identifier, &end) >= 0 { bound = max(bound, Int(clamping: end)) }
                } else if hasUnreserved {
                    var status = stat()
                    if stat(path, &status) == 0 { bound = max(bound, Int(status.st_size) + 1) }
                }
                try takeRoom(bound)
            }
        }
        hasUnreserved = false
    }

    /// Makes the file at least `bound` bytes long, with room on the disk. One rank calls it.
    func takeRoom(_ bound: Int) throws {
        var status = stat()
        guard stat(path, &status) == 0 else { throw place.failure("write", .inputOutput, systemMessage(errno)) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size < off_t(bound) else { return }
        let length = off_t(bound + Self.metadataReserve)
        let descriptor = Foundation.open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw place.failure("write", .inputOutput, systemMessage(errno)) }
        defer { Foundation.close(descriptor) }
        while sages_take_room(descriptor, length) != 0 {
            let number = errno
            if number == EINTR { continue }
            // A file system that cannot promise room can still give length.
            if (number == EOPNOTSUPP || number == ENOSYS) && ftruncate(descriptor, length) == 0 { return }
            throw place.failure("take room for \(length >> 20) MB", .inputOutput, systemMessage(number))
        }
    }

    /// Cuts the closed file to its length. One rank calls it.
    func trim() throws {
        guard !isReadOnly, !isInMemory else { return }
        let access: PropertyList = try place.take(H5Pcreate(sages_h5_property_file_access()), "set up access", .internal)
        let handle: Handle<FileCloser> = try place.take(
            H5Fopen(path, sages_h5_access_read_only(), access.identifier), "open the file again", .inputOutput)
        var end = haddr_t(0)
        try place.check(H5Fget_eoa(handle.identifier, &end), "find the end of the file", .internal)
        try place.check(handle.close(), "close the file", .inputOutput)
        var status = stat()
        guard stat(path, &status) == 0 else { throw place.failure("close the file", .inputOutput, systemMessage(errno)) }
        guard status.st_size > off_t(end) else { return }
        guard truncate(path, off_t(end)) == 0 else { throw place.failure("cut the file", .inputOutput, systemMessage(errno)) }
    }
}
