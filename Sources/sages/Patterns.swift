import Diagnostics
import MPI
import SAGESnet
import Training
import Trajectory

/// `sages patterns`: recurring structures of a trajectory, as clusters of what a model knows of its atoms.
struct Patterns: Verb {
    static let specification = VerbSpecification.patterns

    let model: String
    let data: String
    let output: String
    let frames: Range<Int>?
    let every: Int
    let options: PatternAnalysis.Options
    let threads: Int
    let isJSON: Bool

    init(_ arguments: Arguments) throws {
        model = arguments.positionals[0]
        data = try arguments.requiredText("data")
        output = try arguments.requiredText("out")
        frames = try arguments.frames("frames")
        every = try arguments.requiredNumber("every", in: .atLeast(1))
        options = PatternAnalysis.Options(
            clusters: try arguments.number("clusters", in: .between(1, 256)),
            leaves: try arguments.requiredNumber("leaves", in: .between(2, 256)),
            seed: UInt64(try arguments.requiredNumber("seed", as: Int.self, in: .atLeast(0))))
        threads = try arguments.threads()
        isJSON = arguments.isGiven("json")
        guard data != output else { throw arguments.fault("--out \(output) is the data; it would be overwritten") }
    }

    func run(_ communicator: Communicator) throws -> ExitStatus {
        let (model, parameters, configuration, text) = try SAGESnetModel.load(
            self.model, as: Float.self, communicator: communicator)
        let count = try communicator.broadcast(
            try communicator.agree { communicator.rank == 0 ? try H5MDReader(data).frameCount : 0 }, root: 0)
        let range = frames ?? 0..<count
        guard range.upperBound <= count, !range.isEmpty else {
            throw SAGESnetError.badRequest(
                "\(data) has \(count) frames, not those from \(range.lowerBound) to \(range.upperBound - 1)")
        }
        let indices = Array(stride(from: range.lowerBound, to: range.upperBound, by: every))
        let progress = ProgressReport("patterns", unit: "frames", of: indices.count)
        let begin = MPIEnvironment.wallTime()
        let analysis = try PatternAnalysis(
            data, frames: indices, model: model, parameters: parameters, options: options, communicator: communicator,
            progress: { progress.advance(to: $0) })
        progress.finish()
        let start = try SimulationStart(data, frame: indices[0], for: model, communicator: communicator)
        try analysis.write(
            to: output,
            provenance: SimulationProvenance(
                program: "sages patterns", model: self.model, configuration: text, seed: configuration.training.seed,
                start: start, settings: [("frames", "\(range.lowerBound):\(range.upperBound)"), ("every", "\(every)")]),
            communicator: communicator)
        if communicator.rank == 0 { report(analysis, MPIEnvironment.wallTime() - begin) }
        return .success
    }

    private func report(_ analysis: PatternAnalysis, _ seconds: Double) {
        let total = analysis.clusters.reduce(0) { $0 + $1.count }
        func number(_ value: Double?) -> JSONValue { value.map { $0.isFinite ? .number($0) : .null } ?? .null }
        if isJSON {
            let result: JSONValue = [
                "kind": "patterns", "file": .string(output), "model": .string(model), "data": .string(data),
                "samples": .integer(total), "seconds": .number(seconds),
                "silhouettes": .array(analysis.silhouettes.map {
                    ["clusters": .integer($0.clusters), "silhouette": .number($0.silhouette)]
                }),
                "clusters": .array(analysis.clusters.map { cluster in
                    [
                        "count": .integer(cluster.count), "energy_eV": number(cluster.energy),
                        "coordination": number(cluster.coordination), "residence_ps": number(cluster.residence),
                        "typical_frame": .integer(cluster.typicalFrame), "typical_atom": .integer(Int(cluster.typicalAtom)),
                    ]
                }),
            ]
            print(result.text)
            return
        }
        let count = analysis.clusters.count
        print("\(output): \(count) cluster\(count == 1 ? "" : "s") of \(total) atoms of all frames")
        print("cluster     share  energy (eV)  neighbors  residence (ps)  typical")
        for (index, cluster) in analysis.clusters.enumerated() {
            func column(_ text: String, _ width: Int) -> String {
                String(repeating: " ", count: max(1, width - text.count)) + text
            }
            func value(_ number: Double?) -> String { number.map { $0.isFinite ? Digits.three($0) : "all" } ?? "-" }
            print(
                column("\(index)", 7) + column(Digits.three(100 * Double(cluster.count) / Double(total)) + " %", 10)
                    + column(value(cluster.energy), 13) + column(value(cluster.coordination), 11)
                    + column(value(cluster.residence), 16)
                    + "  atom \(cluster.typicalAtom) of frame \(cluster.typicalFrame)")
        }
    }
}
