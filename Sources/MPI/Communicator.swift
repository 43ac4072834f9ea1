import CMPI
import Diagnostics

/// A group of ranks that exchange messages apart from all others.
///
/// Nothing in SAGES assumes the world communicator: whoever needs messages of its own duplicates the communicator
/// that it is given. Calls are made from one thread; the class is `Sendable` because its handle never changes.
public final class Communicator: @unchecked Sendable {
    /// The library's handle, for other libraries (HDF5) and host programs.
    public let raw: MPI_Comm
    /// This process's number, from 0.
    public let rank: Int
    /// The number of ranks.
    public let size: Int
    private let isOwned: Bool

    /// All ranks of the job. MPI must be initialized.
    public static let world = predefined(sages_mpi_comm_world())
    /// This rank alone. MPI must be initialized.
    public static let selfOnly = predefined(sages_mpi_comm_self())

    private static func predefined(_ raw: MPI_Comm) -> Communicator {
        precondition(MPIEnvironment.isActive, "MPI is used before MPIEnvironment.initialize or after finalize")
        guard let communicator = try? Communicator(borrowing: raw) else {
            preconditionFailure("MPI refuses its own predefined communicator")
        }
        return communicator
    }

    private init(_ raw: MPI_Comm, isOwned: Bool) throws(MPIError) {
        var rank: Int32 = 0
        var size: Int32 = 0
        try check(MPI_Comm_rank(raw, &rank), "MPI_Comm_rank", rank: nil)
        try check(MPI_Comm_size(raw, &size), "MPI_Comm_size", rank: Int(rank))
        self.raw = raw
        self.rank = Int(rank)
        self.size = Int(size)
        self.isOwned = isOwned
    }

    /// Uses a communicator that belongs to someone else, with its error handler, and never frees it. Not collective.
    public convenience init(borrowing raw: MPI_Comm) throws {
        try self.init(raw, isOwned: false)
    }

    /// Duplicates a communicator: messages of the two never meet. Freed with this object. Collective.
    public convenience init(duplicating raw: MPI_Comm) throws {
        var box = sages_mpi_comm()
        try check(sages_mpi_comm_dup(raw, &box), "MPI_Comm_dup", rank: nil)
        try check(sages_mpi_errors_return(box.handle), "MPI_Comm_set_errhandler", rank: nil)
        try self.init(box.handle, isOwned: true)
    }

    /// Duplicates a communicator. Collective.
    public convenience init(duplicating other: Communicator) throws {
        try self.init(duplicating: other.raw)
    }

    /// Takes over a communicator that an MPI routine made.
    convenience init(owning box: sages_mpi_comm) throws {
        let raw: MPI_Comm = box.handle
        try check(sages_mpi_errors_return(raw), "MPI_Comm_set_errhandler", rank: nil)
        try self.init(raw, isOwned: true)
    }

    deinit {
        // Freeing is collective in principle, yet libraries do it without waiting; an error has nowhere to go here.
        if isOwned && MPIEnvironment.isActive { _ = sages_mpi_comm_free(raw) }
    }

    /// Splits the ranks into groups of equal `color`, ordered by `key`, then by rank. Nil on ranks whose color is nil.
    /// Collective.
    public func split(color: Int?, key: Int = 0) throws -> Communicator? {
        var box = sages_mpi_comm()
        let value = try color.map { try narrow($0, "MPI_Comm_split") } ?? sages_mpi_undefined()
        try check(sages_mpi_comm_split(raw, value, try narrow(key, "MPI_Comm_split"), &box), "MPI_Comm_split", rank: rank)
        return sages_mpi_comm_is_null(box) != 0 ? nil : try Communicator(owning: box)
    }

    /// The ranks that share this rank's memory (its node). Collective.
    public func splitByNode() throws -> Communicator {
        var box = sages_mpi_comm()
        try check(sages_mpi_comm_split_shared(raw, try narrow(rank, "MPI_Comm_split_type"), &box),
                  "MPI_Comm_split_type", rank: rank)
        return try Communicator(owning: box)
    }

    /// Ends all ranks of the job at once with a non-zero status. Not collective.
    public func abort(_ status: ExitStatus) -> Never {
        MPIEnvironment.abort(status)
    }

    /// An integer argument of an MPI routine, which takes 32 bits.
    @inline(__always)
    func narrow(_ value: Int, _ operation: StaticString) throws(MPIError) -> Int32 {
        guard let narrowed = Int32(exactly: value) else { throw tooLarge(value, operation) }
        return narrowed
    }

    /// Out of line, so that the path without an error makes no string.
    @inline(never)
    private func tooLarge(_ value: Int, _ operation: StaticString) -> MPIError {
        MPIError(code: nil, message: "\(value) does not fit MPI's 32-bit integers", operation: operation.description,
                 rank: rank)
    }
}
