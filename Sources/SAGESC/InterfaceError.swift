import Diagnostics

/// A call of the C interface that cannot be carried out.
enum InterfaceError: SAGESError, Equatable {
    /// A pointer that must not be NULL.
    case missing(String)
    /// A handle that is NULL, freed, or of another kind.
    case notAHandle(String)
    /// A value that an argument cannot have.
    case badArgument(String)
    /// MPI has not begun, or has ended.
    case noMPI
    case notACommunicator
    /// An option that the way of starting a simulation does not have.
    case inapplicable(String)
    /// Arguments that differ between ranks.
    case differs(String)
    /// A simulation that an earlier error ended.
    case ended(String)

    var exitStatus: ExitStatus { .usage }

    var description: String {
        switch self {
        case .missing(let name): "the argument \(name) is NULL"
        case .notAHandle(let kind): "this is no \(kind), or one that was freed"
        case .badArgument(let reason), .inapplicable(let reason): reason
        case .noMPI: "MPI does not run: the host calls MPI_Init before and MPI_Finalize after"
        case .notACommunicator: "this is no communicator"
        case .differs(let name): "\(name) differs from rank 0's"
        case .ended(let reason): "the simulation ended with an earlier error: \(reason)"
        }
    }
}
