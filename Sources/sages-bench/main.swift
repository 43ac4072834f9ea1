import Diagnostics
import MPI

MPIEnvironment.run { communicator in
    try Command.run(Array(CommandLine.arguments.dropFirst()), on: communicator)
    return .success
}
