import CHDF5
import Foundation

// The library writes the new end of the file into its header before it makes the file that long; were the process
// killed in between, the file could not be opened. So before a flush the file gets a length that is certainly enough,
// and when it is closed it is cut to the length that the header gives. A file that is too long can be read.
extension File {
    /// Bytes for metadata beyond those in proportion to the data.
    private static let metadataReserve = 4 << 20

    /// Makes the file at least as long as what was allocated. Collective.
    func extendForFlush() throws {
        guard allocated > 0 else { return }
        let bound = initialLength + allocated + allocated / 16 + Self.metadataReserve
        try onRoot {
            var status = stat()
            guard stat(path, &status) == 0 else { throw place.failure("flush the file", .inputOutput, systemMessage(errno)) }
            guard status.st_mode & S_IFMT == S_IFREG, status.st_size < bound else { return }
            guard truncate(path, off_t(bound)) == 0 else {
                throw place.failure("extend the file", .inputOutput, systemMessage(errno))
            }
        }
    }

    /// Cuts the closed file to its length. One rank calls it.
    func trim() throws {
        guard allocated > 0, !isReadOnly else { return }
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
