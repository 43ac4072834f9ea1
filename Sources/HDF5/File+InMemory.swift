import CHDF5
import Foundation

// A small file that one process writes is best made in memory: the library then meets no disk that is full. It does
// not recover from one: what a failed close leaves behind makes it crash when the process ends.
extension File {
    /// Creates a file in this process's memory, to be written with `writeImage`. Not collective.
    ///
    /// - Parameter path: its name in errors.
    public static func createInMemory(_ path: String) throws -> File {
        let file = File(path: path, communicator: nil, isReadOnly: false)
        file.isInMemory = true
        let place = file.place
        let access: PropertyList = try place.take(
            H5Pcreate(sages_h5_property_file_access()), "set up access", .internal)
        try place.check(H5Pset_fclose_degree(access.identifier, H5F_CLOSE_STRONG), "set up access", .internal)
        try place.check(H5Pset_fapl_core(access.identifier, 1 << 20, false), "keep the file in memory", .internal)
        let creation: PropertyList = try place.take(
            H5Pcreate(sages_h5_property_file_create()), "set up creation", .internal)
        try place.check(H5Pset_obj_track_times(creation.identifier, false), "set up creation", .internal)
        file.handle = try place.take(
            H5Fcreate(path, sages_h5_access_truncate(), creation.identifier, access.identifier),
            "create the file in memory", .internal)
        return file
    }

    /// Writes a file made by `createInMemory` to the disk, whole or not at all, under the path it was made for.
    ///
    /// - Parameter keepingPrevious: keeps an earlier file of the same name as `path.previous`.
    /// - Throws: `HDF5Error` (74); the earlier file is then untouched.
    public func writeImage(keepingPrevious: Bool = false) throws {
        let image = try self.image()
        let whole = try WholeFile(path)
        do {
            try write(image, to: whole.temporaryPath)
        } catch {
            whole.discardTemporary()
            throw error
        }
        try whole.commit(keepingPrevious: keepingPrevious)
    }

    /// The bytes that the file has on a disk.
    private func image() throws -> [UInt8] {
        let identifier = try self.identifier
        try place.check(H5Fflush(identifier, H5F_SCOPE_LOCAL), "flush the file", .internal)
        let count = H5Fget_file_image(identifier, nil, 0)
        guard count > 0 else { throw place.failure("take the file's image", .internal) }
        return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            guard H5Fget_file_image(identifier, buffer.baseAddress, count) == count else {
                throw place.failure("take the file's image", .internal)
            }
            initialized = count
        }
    }

    private func write(_ bytes: [UInt8], to temporaryPath: String) throws {
        let descriptor = Foundation.open(temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw place.failure("create the file", .inputOutput, systemMessage(errno)) }
        defer { Foundation.close(descriptor) }
        try bytes.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = Foundation.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                if count < 0 {
                    if errno == EINTR { continue }
                    throw place.failure("write the file", .inputOutput, systemMessage(errno))
                }
                done += count
            }
        }
    }
}
