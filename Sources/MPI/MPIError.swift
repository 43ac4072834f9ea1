import CMPI
import Diagnostics

/// A failed MPI call: which, on which rank, and what the library says of it.
public struct MPIError: SAGESError, Equatable {
    /// The library's error code, or nil where SAGES itself refused the call (a count beyond 32 bits, for example).
    public let code: Int32?
    public let message: String
    /// The MPI routine's name, for example `MPI_Allreduce`.
    public let operation: String
    /// The calling rank in the communicator concerned; nil before MPI is initialized.
    public let rank: Int?

    public var exitStatus: ExitStatus { .internal }

    public var description: String {
        let place = rank.map { " on rank \($0)" } ?? ""
        return "\(operation) failed\(place): \(message)"
    }

    public init(code: Int32?, message: String, operation: String, rank: Int?) {
        self.code = code
        self.message = message
        self.operation = operation
        self.rank = rank
    }

    /// The error of a code that an MPI routine returned.
    init(code: Int32, operation: StaticString, rank: Int?) {
        var text = [CChar](repeating: 0, count: Int(sages_mpi_max_error_string()) + 1)
        var length: Int32 = 0
        let known = MPI_Error_string(code, &text, &length) == sages_mpi_success()
        let bytes = text.prefix(Int(max(0, length))).map { UInt8(bitPattern: $0) }
        self.init(code: code, message: known ? String(decoding: bytes, as: UTF8.self) : "error code \(code)",
                  operation: operation.description, rank: rank)
    }
}

/// An error that happened on another rank and was made known to this one by `Communicator.agree`.
public struct RemoteRankError: SAGESError, Equatable {
    /// The lowest rank that failed.
    public let rank: Int
    /// That rank's exit status; this rank ends with the same.
    public let exitStatus: ExitStatus
    /// The description of that rank's error.
    public let message: String

    public init(rank: Int, exitStatus: ExitStatus, message: String) {
        self.rank = rank
        self.exitStatus = exitStatus
        self.message = message
    }

    public var description: String { "rank \(rank): \(message)" }
}

/// Every MPI call passes here: throws if `code` is not success.
@inline(__always)
func check(_ code: Int32, _ operation: StaticString, rank: Int?) throws(MPIError) {
    if code != sages_mpi_success() { throw MPIError(code: code, operation: operation, rank: rank) }
}

extension Error {
    /// The exit status of any error: its own, or `internal` for one that is not a `SAGESError`.
    var exitStatusOrInternal: ExitStatus { (self as? any SAGESError)?.exitStatus ?? .internal }
}
