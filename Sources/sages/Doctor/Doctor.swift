import Diagnostics
import MPI

/// `sages doctor`: what works on this machine and what does not.
struct Doctor: Verb {
    static let specification = VerbSpecification(
        name: "doctor",
        summary: "check MPI, parallel HDF5, BLAS, processor, Slurm and gnuplot on this machine",
        description: """
            Tries what SAGES needs and prints one line for each: ok, warn (slow or incomplete, with a hint) or fail. \
            Run it as you run the other verbs, for example under srun in a job: it checks every rank.
            """,
        options: [
            .value("folder", "DIR", "the folder to try parallel writing in: one that all nodes see",
                   default: ".", kind: .folder),
            .json,
        ],
        examples: ["sages doctor", "mpirun -n 4 sages doctor --json"],
        exitStatuses: [.internal])

    let folder: String
    let isJSON: Bool

    init(_ arguments: Arguments) throws {
        folder = try arguments.requiredText("folder")
        isJSON = arguments.isGiven("json")
    }

    func run(_ communicator: Communicator) throws -> ExitStatus {
        let node = try communicator.splitByNode()
        var findings = [Self.version()]
        findings.append(try Self.processor().worst(communicator))
        findings.append(try Self.messagePassing(communicator))
        findings.append(try Self.placement(communicator, node: node))
        findings.append(try Self.parallelFiles(communicator, folder: folder))
        findings.append(try Self.linearAlgebra(ranksOnNode: node.size).worst(communicator))
        findings.append(try Self.slurm(communicator).worst(communicator))
        if communicator.rank == 0 { findings.append(Self.plotting()) }

        let worst = try communicator.broadcast((findings.map(\.state).max() ?? .ok).rawValue, root: 0)
        if communicator.rank == 0 { report(findings, communicator.size) }
        return worst == Finding.State.failure.rawValue ? .internal : .success
    }

    private func report(_ findings: [Finding], _ ranks: Int) {
        if isJSON {
            let isFit = !findings.contains { $0.state == .failure }
            let result: JSONValue = ["kind": "doctor", "version": .string(BuildInformation.version),
                                     "commit": BuildInformation.commit.map { .string($0) } ?? .null,
                                     "ranks": .integer(ranks), "fit": .boolean(isFit),
                                     "checks": .array(findings.map(\.json))]
            print(result.text)
        } else {
            for finding in findings { print(finding.line) }
        }
    }
}
