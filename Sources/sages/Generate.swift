import CellularAutomata
import Diagnostics
import Grid
import MPI

/// `sages generate`: data with known answers.
struct Generate: Verb {
    static let specification = VerbSpecification.generate

    private enum What {
        case automaton(GenerateAutomaton)
        case chemistry(GenerateChemistry)
    }

    private let what: What

    init(_ arguments: Arguments) throws {
        let kind = arguments.positionals[0]
        let others = kind == "ca" ? Self.chemistryOptions : Self.automatonOptions
        if let other = others.first(where: { arguments.isGiven($0) }) {
            throw arguments.fault("--\(other) is not for \(kind)")
        }
        what = kind == "ca" ? .automaton(try GenerateAutomaton(arguments)) : .chemistry(try GenerateChemistry(arguments))
    }

    private static let automatonOptions = ["rule", "grid", "frames", "seed", "density", "boundary", "deflate"]
    private static let chemistryOptions = ["network", "initial", "config", "unknowns", "matrix", "relative", "absolute"]

    func run(_ communicator: Communicator) throws -> ExitStatus {
        switch what {
        case .automaton(let automaton): try automaton.run(communicator)
        case .chemistry(let chemistry): try chemistry.run(communicator)
        }
    }
}
