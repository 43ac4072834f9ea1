import Diagnostics
import MPI
import SAGESnet
import Trajectory

/// `sages import`: other programs' trajectories as H5MD.
struct Import: Verb {
    static let specification = VerbSpecification.import

    let sources: [String]
    let output: String
    let options: TrajectoryImport.Options
    let isJSON: Bool

    init(_ arguments: Arguments) throws {
        sources = arguments.positionals
        output = try arguments.requiredText("out")
        isJSON = arguments.isGiven("json")
        let symbols = arguments.text("elements").map { text in
            text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        for symbol in symbols ?? [] where PeriodicTable.atomicNumber(of: symbol) == nil {
            let nearest = NearestName.of(symbol, in: PeriodicTable.elements.map(\.symbol)).map { "; did you mean \($0)?" } ?? ""
            throw arguments.fault("'\(symbol)' in --elements is no chemical element\(nearest)")
        }
        let reading = ReadingOptions(elements: symbols, timestep: try arguments.number("timestep", in: .above(0)),
                                     units: Units(rawValue: try arguments.requiredText("units")) ?? .metal)
        options = TrajectoryImport.Options(
            reading: reading,
            precision: H5MDOptions.Precision(rawValue: try arguments.requiredText("precision")) ?? .float64,
            deflate: try arguments.number("deflate", in: .between(1, 9)),
            every: try arguments.requiredNumber("every", in: .atLeast(1)),
            environment: Dictionary(
                uniqueKeysWithValues: try arguments.environment().map { ($0.key.rawValue, $0.value) }),
            version: BuildInformation.fullVersion)
        guard !sources.contains(output) else {
            throw arguments.fault("--out \(output) is one of the sources; it would be overwritten")
        }
    }

    func run(_ communicator: Communicator) throws -> ExitStatus {
        let progress = ProgressReport("import", unit: "frames", of: nil, isEnabled: communicator.rank == 0)
        let summary = try TrajectoryImport.run(sources: sources, output: output, communicator: communicator,
                                               options: options) { progress.advance(to: $0) }
        progress.finish()
        guard communicator.rank == 0 else { return .success }
        if isJSON {
            let result: JSONValue = [
                "kind": "import", "file": .string(output), "atoms": .integer(summary.atomCount),
                "frames": .integer(summary.frameCount), "first_step": .integer(Int(summary.firstStep)),
                "last_step": .integer(Int(summary.lastStep)),
                "elements": .array(summary.species.symbols.map { .string($0) }),
                "velocities": .boolean(summary.hasVelocities),
            ]
            print(result.text)
        } else {
            print("\(output): \(summary.frameCount) frames (steps \(summary.firstStep) to \(summary.lastStep)) of "
                  + "\(summary.atomCount) atoms (\(summary.species.symbols.joined(separator: ", "))), "
                  + (summary.hasVelocities ? "with velocities" : "without velocities"))
        }
        return .success
    }
}
