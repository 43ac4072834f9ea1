import CellularAutomata
import Diagnostics
import Grid
import MPI

/// `sages generate`: data with known answers.
struct Generate: Verb {
    static let specification = VerbSpecification.generate

    let automaton: GenerateAutomaton

    init(_ arguments: Arguments) throws {
        switch arguments.positionals[0] {
        case "ca": automaton = try GenerateAutomaton(arguments)
        case let other: preconditionFailure("the specification does not allow \(other)")
        }
    }

    func run(_ communicator: Communicator) throws -> ExitStatus { try automaton.run(communicator) }
}
