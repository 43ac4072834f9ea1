import Diagnostics
import MPI

/// What `sages` can do with a name on the command line.
protocol Command {
    static var specification: VerbSpecification { get }
    /// Checks the arguments; opens nothing.
    init(_ arguments: Arguments) throws
}

/// A verb that runs under MPI, on every rank.
protocol Verb: Command {
    /// Threads of each rank; verbs that compute take them from `--threads`.
    var threads: Int { get }
    /// Collective over `communicator`. An error, on whichever rank, ends all of them.
    func run(_ communicator: Communicator) throws -> ExitStatus
}

extension Verb {
    var threads: Int { 1 }
}

/// A verb that needs no MPI; rank 0 runs it.
protocol SerialVerb: Command {
    func run() throws -> ExitStatus
}

/// A verb that becomes another program, on every rank, before MPI begins.
protocol ReplacementVerb: Command {
    /// Returns only by an error.
    func replaceProcess() throws -> Never
}
