import Configuration
import Diagnostics
import MPI
import ODE
import ReactionNetworks

/// `sages generate chemistry`: trajectories of a reaction network, solved in full.
struct GenerateChemistry {
    /// Where trajectories begin.
    enum Source {
        /// The first states of a file of abundances, at its times.
        case file(String)
        /// Drawn as a configuration says.
        case sampling(String)
    }

    let network: String
    let source: Source
    let options: FullOrderSolver.Options
    let output: String
    let isJSON: Bool

    init(_ arguments: Arguments) throws {
        network = try arguments.requiredText("network")
        switch (arguments.text("initial"), arguments.text("config")) {
        case (let initial?, nil): source = .file(initial)
        case (nil, let config?): source = .sampling(config)
        default: throw arguments.fault("chemistry starts from --initial or from --config: give one of them")
        }
        options = FullOrderSolver.Options(
            unknowns: FullOrderSolver.Unknowns(rawValue: try arguments.requiredText("unknowns")) ?? .densities,
            linearAlgebra: StiffSolver.LinearAlgebra(rawValue: try arguments.requiredText("matrix")) ?? .sparse,
            relativeTolerance: try arguments.requiredNumber("relative", in: .between(1e-14, 0.1)),
            absoluteTolerance: try arguments.requiredNumber("absolute", in: .between(1e-60, 1)))
        output = try arguments.requiredText("out")
        isJSON = arguments.isGiven("json")
    }

    func run(_ communicator: Communicator) throws -> ExitStatus {
        let begin = MPIEnvironment.wallTime()
        let (network, start, times, origin) = try communicator.agree { try read() }
        let count = start.conditions.count
        let progress = ProgressReport("chemistry", unit: "trajectories", of: count, isEnabled: communicator.rank == 0)
        let summary = try TrajectoryGeneration.run(
            network, start, times: times, options: options, provenance: provenance(network, origin), output: output,
            communicator: communicator
        ) { progress.advance(to: $0) }
        progress.finish()
        let seconds = MPIEnvironment.wallTime() - begin
        guard communicator.rank == 0 else { return .success }
        if isJSON {
            let result: JSONValue = [
                "kind": "abundances", "file": .string(output), "network": .string(network.name),
                "trajectories": .integer(count), "times": .integer(times.count),
                "species": .integer(network.species.count), "found": .integer(summary.found),
                "steps": .integer(summary.steps), "conservation_drift": .number(summary.conservationDrift),
                "ranks": .integer(communicator.size), "seconds": .number(seconds),
            ]
            print(result.text)
        } else {
            print("\(output): \(count) trajectories of \(network.species.count) species at \(times.count) times, "
                + (summary.found > 0 ? "\(summary.found) of them there already, " : "")
                + "\(summary.steps) steps in \(Digits.three(seconds)) s; elements and charge drift by "
                + "\(Digits.three(summary.conservationDrift)) at most")
        }
        return .success
    }

    private func read() throws -> (ReactionNetwork, TrajectoryGeneration.Start, [Double], String) {
        let network = try ReactionNetwork(file: self.network)
        switch source {
        case .file(let path):
            let file = try AbundanceFile(path)
            let places = try file.places(of: network)
            let first = try file.read(trajectories: 0..<file.trajectoryCount, times: 0..<1)
            var start = TrajectoryGeneration.Start(log10: [], conditions: [])
            for trajectory in 0..<file.trajectoryCount {
                start.log10 += places.map { first[trajectory * places.count + $0] }
                start.conditions.append(try file.conditions(of: trajectory, network))
            }
            return (network, start, file.times, "the first states of " + (path.split(separator: "/").last.map(String.init) ?? path))
        case .sampling(let path):
            let document = try ConfigurationDocument(file: path)
            let (sampling, text) = try document.decode(TrajectorySampling.self)
            return (network, try sampling.start(network), sampling.times, text)
        }
    }

    /// Nothing in it depends on the machine or the number of ranks.
    private func provenance(_ network: ReactionNetwork, _ origin: String) -> [(name: String, value: String)] {
        [
            ("program", "sages generate chemistry"), ("version", BuildInformation.version), ("network", network.name),
            ("reactions", "\(network.reactions.count)"), ("start", origin), ("unknowns", options.unknowns.rawValue),
            ("relative tolerance", "\(options.relativeTolerance)"),
            ("absolute tolerance, cm^-3", "\(options.absoluteTolerance)"), ("matrix", options.linearAlgebra.rawValue),
        ]
    }
}
