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
// The room lies behind the end of the file and does not count in its length: at a flush the library cuts a file that is
// longer than its header says, and with it the room, which would have to be taken anew for every flush. So a flush finds
// the file exactly as long as it must be.
//
// A file that is closed is cut to the length that its header gives, and gives back the room behind it.
extension File {
    /// Bytes for metadata beyond those in proportion to the data.
    private static let metadataReserve = 4 << 20
    /// Room is taken for an eighth more than is needed, but not for more bytes than this: seldom, and of a file that is
    /// never closed little stays behind.
    private static let largestAdvance = 64 << 20
    /// Bytes of the header and index of an object, generously.
    static let objectReserve = 16 << 10

    /// Takes room for `bytes` more. Collective.
    /// - Throws: `HDF5Error` (74) on all ranks if there is none.
    func reserve(_ bytes: Int) throws {
        if isInMemory { return }
        allocated += bytes
        allocatedSinceFlush += bytes
        do {
            try collectively { try onRoot { try takeRoom(initialLength + allocated + allocated / 16) } }
        } catch {
            // A flush of what is there already must not ask for this room again.
            allocated -= bytes
            allocatedSinceFlush -= bytes
            throw error
        }
    }

    /// Checks that there is room for `bytes` of compressed data, whose final size is not known: none is taken.
    /// Collective.
    /// - Throws: `HDF5Error` (74) on all ranks if there is none.
    func checkRoom(_ bytes: Int) throws {
        if isInMemory { return }
        allocatedSinceFlush += bytes
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

    /// Takes room for what a flush may write, and makes the file as long as its header is going to say, or longer where
    /// that is not known. Collective.
    ///
    /// - Returns: the length, and whether it is known, on the root.
    @discardableResult
    func reserveForFlush(dataEnd: (() throws -> Int)?) throws -> (length: Int, isExact: Bool) {
        guard !isReadOnly, !isInMemory else { return (0, false) }
        var length = 0, isExact = false
        try collectively {
            try onRoot {
                let bound = initialLength + allocated + allocated / 16
                try takeRoom(bound)
                var status = stat()
                guard stat(path, &status) == 0 else { throw place.failure("write", .inputOutput, systemMessage(errno)) }
                guard status.st_mode & S_IFMT == S_IFREG else { return }
                var end = haddr_t(0)
                if let dataEnd = try dataEnd?(), let exactLength, dataEnd - exactLength == allocatedSinceFlush {
                    (length, isExact) = (dataEnd, true)
                } else if try communicator == nil && H5Fget_eoa(identifier, &end) >= 0 {
                    // Without MPI-IO the library tells.
                    length = Int(clamping: end)
                    try takeRoom(length)
                } else {
                    length = max(bound, Int(status.st_size)) + Self.metadataReserve
                    try takeRoom(length)
                }
                if status.st_size < off_t(length) && truncate(path, off_t(length)) != 0 {
                    throw place.failure("lengthen the file", .inputOutput, systemMessage(errno))
                }
            }
        }
        return (length, isExact)
    }

    /// Learns what the library made of the length that `reserveForFlush` gave the file. One rank calls it after a flush.
    func noteLength(setTo length: Int, isExact: Bool) throws {
        guard !isReadOnly, !isInMemory else { return }
        var status = stat()
        guard stat(path, &status) == 0 else { throw place.failure("flush the file", .inputOutput, systemMessage(errno)) }
        let found = Int(status.st_size)
        // A file that was cut has lost the room behind its end. Without MPI-IO the library cuts to the same length, too.
        if found < length || communicator == nil { roomTaken = min(roomTaken, found) }
        // Where the library left a length that was but a bound, its own is not known.
        exactLength = isExact || found < length ? found : nil
    }

    /// Takes room on the disk for the first `bound` bytes of the file. One rank calls it.
    func takeRoom(_ bound: Int) throws {
        guard bound > roomTaken else { return }
        let room = bound + Self.metadataReserve + min(Self.largestAdvance, bound / 8)
        let descriptor = Foundation.open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw place.failure("write", .inputOutput, systemMessage(errno)) }
        defer { Foundation.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw place.failure("write", .inputOutput, systemMessage(errno)) }
        while status.st_mode & S_IFMT == S_IFREG && sages_take_room(descriptor, off_t(room)) != 0 {
            let number = errno
            if number == EINTR { continue }
            // A file system that cannot promise room: writing finds out.
            if number == EOPNOTSUPP || number == ENOSYS { break }
            throw place.failure("take room for \(room >> 20) MB", .inputOutput, systemMessage(number))
        }
        roomTaken = room
    }

    /// Cuts a file that is not open to the length that its header gives, and gives back the room behind it. One rank calls
    /// it.
    /// - Returns: the length.
    @discardableResult
    func trim() throws -> Int {
        let access: PropertyList = try place.take(H5Pcreate(sages_h5_property_file_access()), "set up access", .internal)
        let handle: Handle<FileCloser> = try place.take(
            H5Fopen(path, sages_h5_access_read_only(), access.identifier), "open the file again", .inputOutput)
        var end = haddr_t(0)
        try place.check(H5Fget_eoa(handle.identifier, &end), "find the end of the file", .internal)
        try place.check(handle.close(), "close the file", .inputOutput)
        var status = stat()
        guard stat(path, &status) == 0 else { throw place.failure("cut the file", .inputOutput, systemMessage(errno)) }
        // Room behind the end does not count in the length; to cut a file to the length that it has gives it back.
        if status.st_size > off_t(end) || roomTaken > 0 || status.st_blocks * 512 > status.st_size + status.st_blksize {
            guard truncate(path, off_t(max(end, 0))) == 0 else {
                throw place.failure("cut the file", .inputOutput, systemMessage(errno))
            }
        }
        roomTaken = 0
        return Int(end)
    }
}
