import CMPI
import CSAGES
import Diagnostics
import MPI
import Trajectory

@c @implementation
public func sages_version() -> UnsafePointer<CChar>? { version.pointer }

nonisolated(unsafe) private let version = HostText(BuildInformation.fullVersion)

@c @implementation
public func sages_last_error() -> UnsafePointer<CChar>? { lastMessage() }

@c @implementation
public func sages_atomic_number(_ symbol: UnsafePointer<CChar>?) -> CInt {
    guard let symbol else { return 0 }
    return CInt(PeriodicTable.atomicNumber(of: String(cString: symbol)) ?? 0)
}

/// A duplicate of the host's communicator. Collective.
///
/// - Throws: `InterfaceError`, `MPIError`: on this rank alone, for without a communicator no rank can be told.
func hostCommunicator(_ fortran: CInt) throws -> Communicator {
    guard MPIEnvironment.isActive else { throw InterfaceError.noMPI }
    let box = sages_mpi_comm_f2c(fortran)
    guard sages_mpi_comm_is_null(box) == 0 else { throw InterfaceError.notACommunicator }
    return try Communicator(duplicating: box.handle)
}

extension Communicator {
    /// Throws on every rank if a text is not the same on all. Collective.
    func requireSame(_ text: String, _ name: String) throws {
        let first = try broadcast(text, root: 0)
        try agree { if text != first { throw InterfaceError.differs(name) } }
    }
}
