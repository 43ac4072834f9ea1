import Diagnostics
import MPI
import Tensor
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The program `sages`: finds the verb, has its arguments read, runs it.
enum Program {
    /// The verbs, in the order of the overview.
    static var commands: [any Command.Type] {
        [Import.self, Generate.self, Train.self, Simulate.self, Evaluate.self, Patterns.self, Export.self, Plot.self, Info.self,
         Bench.self, Doctor.self, Completion.self]
    }

    static var specifications: [VerbSpecification] { commands.map { $0.specification } }

    static func main(_ arguments: [String]) -> Never {
        let words = arguments.dropFirst()
        do {
            guard let command = try command(words) else { exit(ExitStatus.success.rawValue) }
            run(command)
        } catch {
            fail(error)
        }
    }

    /// The verb with its arguments, or `nil` where the answer was a help text. MPI is not needed for any of it.
    private static func command(_ words: ArraySlice<String>) throws -> (any Command)? {
        guard let name = words.first else {
            throw CommandLineError("what is to be done? sages needs a verb: "
                                   + specifications.map(\.name).joined(separator: ", "), verb: nil)
        }
        switch name {
        case "--help", "-h", "help":
            printOnce(HelpText.overview(specifications))
            return nil
        case "--version":
            printOnce("sages \(BuildInformation.fullVersion)\n")
            return nil
        default: break
        }
        guard let type = commands.first(where: { $0.specification.name == name }) else {
            let nearest = NearestName.of(name, in: specifications.map(\.name)).map { "; did you mean \($0)?" } ?? ""
            throw CommandLineError(name.hasPrefix("-") ? "unknown option \(name) before a verb"
                                   : "unknown verb '\(name)'\(nearest)", verb: nil)
        }
        let rest = words.dropFirst()
        if rest.prefix(while: { $0 != "--" }).contains(where: { $0 == "--help" || $0 == "-h" }) {
            printOnce(HelpText.verb(type.specification))
            return nil
        }
        return try type.init(ArgumentParser.parse(rest, type.specification))
    }

    private static func run(_ command: any Command) -> Never {
        if let verb = command as? any ReplacementVerb {
            do { try verb.replaceProcess() } catch { fail(error) }
        }
        if let verb = command as? any SerialVerb {
            guard ProcessRank.current == 0 else { exit(ExitStatus.success.rawValue) }
            do { exit(try verb.run().rawValue) } catch { fail(error) }
        }
        guard let verb = command as? any Verb else { preconditionFailure("a command is a Verb or a SerialVerb") }
        // The doctor says it with the rest; any other verb would end in an illegal instruction.
        if !(verb is Doctor) {
            do { try BuildInformation.requireProcessor() } catch { fail(error) }
        }
        MPIEnvironment.run { communicator in
            ThreadTeam.shared.resize(to: verb.threads)
            defer { ThreadTeam.shared.resize(to: 1) }
            return try verb.run(communicator)
        }
    }

    /// An error before MPI runs, which is the same on every rank: rank 0 prints it.
    private static func fail(_ error: any Error) -> Never {
        if ProcessRank.current == 0 {
            Message.error("\(error)")
        } else {
            // A launcher kills the other ranks when one ends with an error: rank 0 must have printed by then.
            sleep(2)
        }
        exit(((error as? any SAGESError)?.exitStatus ?? .internal).rawValue)
    }

    private static func printOnce(_ text: String) {
        if ProcessRank.current == 0 { print(text, terminator: "") }
    }
}
