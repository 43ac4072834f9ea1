import Diagnostics
import Foundation
import MPI

let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.contains("--help") {
    if ProcessRank.current == 0 { Command.output(Command.help) }
    exit(ExitStatus.success.rawValue)
}
// Before MPI starts and before any kernel: a processor without their instructions would end the program.
do { try BuildInformation.requireProcessor() } catch {
    if ProcessRank.current == 0 { Message.error("\(error)") }
    exit(error.exitStatus.rawValue)
}
MPIEnvironment.run { communicator in
    try Command.run(arguments, on: communicator)
    return .success
}
