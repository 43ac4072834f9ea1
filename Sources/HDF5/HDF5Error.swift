import CHDF5
import Diagnostics

/// A failed operation on an HDF5 file.
///
/// Exit statuses: a missing file 66; a truncated or foreign file, a missing object, a wrong shape or type 65; a file
/// that cannot be created, written or opened for lack of permission or space 74.
public struct HDF5Error: SAGESError, Equatable {
    /// What kind of fault it is; decides the exit status.
    public enum Kind: Sendable, Equatable {
        /// The file does not exist.
        case missingFile
        /// The content of the file is not what was expected: truncated, foreign, an absent object, a wrong shape.
        case malformed
        /// The system refused: disk full, permission, quota, hardware.
        case inputOutput
        /// A fault of the library or of its use.
        case `internal`
    }

    public let kind: Kind
    /// Path of the file.
    public let file: String
    /// Path of the dataset, group or attribute (`/group/dataset@attribute`) within the file, if it is about one.
    public let object: String?
    /// What was tried, as in "read", "create".
    public let operation: String
    /// What the library or the system said.
    public let message: String

    public init(_ kind: Kind, file: String, object: String? = nil, operation: String, message: String) {
        self.kind = kind
        self.file = file
        self.object = object
        self.operation = operation
        self.message = message
    }

    public var exitStatus: ExitStatus {
        switch kind {
        case .missingFile: .noInput
        case .malformed: .data
        case .inputOutput: .io
        case .internal: .internal
        }
    }

    public var description: String {
        guard let object else { return "\(file): cannot \(operation): \(message)" }
        return "\(file): \(object): cannot \(operation): \(message)"
    }
}

/// What HDF5 says of the last failure in this process.
enum ErrorStack {
    private struct Summary {
        var outermost = ""
        var innermost = ""
    }

    /// The library prints its error stack to standard error unless told not to. Idempotent.
    static func silence() {
        H5open()
        H5Eset_auto2(sages_h5_error_stack(), nil, nil)
    }

    /// "outer description: inner description" of the current error stack.
    static func message() -> String {
        var summary = Summary()
        withUnsafeMutablePointer(to: &summary) { pointer in
            _ = H5Ewalk2(sages_h5_error_stack(), H5E_WALK_DOWNWARD, { level, entry, context in
                guard let entry, let context, let text = entry.pointee.desc else { return 0 }
                let summary = context.assumingMemoryBound(to: Summary.self)
                let line = String(cString: text)
                if level == 0 { summary.pointee.outermost = line }
                // A level without text of its own adds nothing.
                if !line.isEmpty { summary.pointee.innermost = line }
                return 0
            }, pointer)
        }
        H5Eclear2(sages_h5_error_stack())
        if summary.outermost.isEmpty { return "unknown HDF5 error" }
        return summary.outermost == summary.innermost
            ? summary.outermost : "\(summary.outermost) (\(summary.innermost))"
    }
}
