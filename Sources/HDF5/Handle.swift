import CHDF5

/// How one kind of HDF5 identifier is closed.
protocol HandleCloser {
    static func close(_ identifier: hid_t) -> herr_t
}

enum FileCloser: HandleCloser { static func close(_ identifier: hid_t) -> herr_t { H5Fclose(identifier) } }
enum GroupCloser: HandleCloser { static func close(_ identifier: hid_t) -> herr_t { H5Gclose(identifier) } }
enum DatasetCloser: HandleCloser { static func close(_ identifier: hid_t) -> herr_t { H5Dclose(identifier) } }
enum AttributeCloser: HandleCloser { static func close(_ identifier: hid_t) -> herr_t { H5Aclose(identifier) } }
enum DataspaceCloser: HandleCloser { static func close(_ identifier: hid_t) -> herr_t { H5Sclose(identifier) } }
enum DatatypeCloser: HandleCloser { static func close(_ identifier: hid_t) -> herr_t { H5Tclose(identifier) } }
enum PropertyListCloser: HandleCloser { static func close(_ identifier: hid_t) -> herr_t { H5Pclose(identifier) } }
enum ObjectCloser: HandleCloser { static func close(_ identifier: hid_t) -> herr_t { H5Oclose(identifier) } }

/// Sole owner of an HDF5 identifier; nothing but the identifier.
///
/// `close` may throw; `deinit` closes what was not closed and has nowhere to report to.
struct Handle<Closer: HandleCloser>: ~Copyable {
    let identifier: hid_t

    /// Takes over an identifier that the library returned; nil if it is the library's mark of failure.
    init?(taking identifier: hid_t) {
        guard identifier >= 0 else { return nil }
        self.identifier = identifier
    }

    /// Closes and reports.
    consuming func close() -> herr_t {
        let identifier = self.identifier
        discard self
        return Closer.close(identifier)
    }

    deinit {
        // Closing a file closes the objects in it, so an identifier may have ended before its handle.
        if H5Iis_valid(identifier) > 0 { _ = Closer.close(identifier) }
    }
}

typealias PropertyList = Handle<PropertyListCloser>
typealias Dataspace = Handle<DataspaceCloser>
typealias Datatype = Handle<DatatypeCloser>

/// Where an operation happens: for its error, and for the ranks that take part.
struct Place {
    let file: File
    let object: String?

    /// Throws unless `status` is a success.
    @discardableResult
    func check(_ status: herr_t, _ operation: String, _ kind: HDF5Error.Kind) throws -> herr_t {
        guard status >= 0 else { throw failure(operation, kind) }
        return status
    }

    /// A handle of what the library returned, or its error.
    func take<Closer>(_ identifier: hid_t, _ operation: String, _ kind: HDF5Error.Kind) throws -> Handle<Closer> {
        guard let handle = Handle<Closer>(taking: identifier) else { throw failure(operation, kind) }
        return handle
    }

    /// The library's last error.
    func failure(_ operation: String, _ kind: HDF5Error.Kind) -> HDF5Error {
        HDF5Error(kind, file: file.path, object: object, operation: operation, message: ErrorStack.message())
    }

    /// An error found by this module.
    func failure(_ operation: String, _ kind: HDF5Error.Kind, _ message: String) -> HDF5Error {
        HDF5Error(kind, file: file.path, object: object, operation: operation, message: message)
    }
}
