import Configuration
import Foundation
import MPI
import SAGESnet
import Tensor
import Training

/// What communication costs steps that compute while messages travel: whole steps of all ranks together, beside steps of
/// as many ranks that work alone on as much at the same time. "Of peak" is the ratio of the two; the rest of the time
/// is communication that was not hidden.
enum OverlapBenchmark: Benchmark {
    static let name = "overlap"
    static let summary = "steps of ranks together beside steps of ranks alone: communication that is not hidden"

    private struct Model: Configurable {
        let configuration: SAGESnetConfiguration
        init(from section: ConfigurationSection) throws { configuration = try SAGESnetConfiguration(from: section) }
    }

    static func run(
        _ options: BenchmarkOptions, on communicator: Communicator, report: (Measurement) throws -> Void
    ) throws {
        let path = try SyntheticDiamond.temporaryPath("overlap.h5", communicator)
        defer { if communicator.rank == 0 { try? FileManager.default.removeItem(atPath: path) } }
        try SyntheticDiamond.write(path, cells: 5, frames: 9, communicator: communicator)
        let model = try model("")
        for microBatches in [1, 4] { try measureTraining(model, path, microBatches, communicator, report) }
        for replicas in 1...3 { try measureSimulation(model, path, replicas, "occupied cells", communicator, report) }
        let dense = try self.model(", predictor: \"increment\", cells: \"dense\"")
        for replicas in 1...2 { try measureSimulation(dense, path, replicas, "every cell", communicator, report) }
    }

    /// The quick start's model, but for some members of its configuration.
    private static func model(_ members: String) throws -> SAGESnetConfiguration {
        let text = "{ cell: 0.89175, channels: 32, blocks: 4\(members) }"
        return try ConfigurationDocument(text: text, source: "benchmark").decode(Model.self).value.configuration
    }

    /// The rate of `body` on this rank beside the others, for at least `seconds`. Collective.
    private static func rateAlone(
        _ communicator: Communicator, seconds: Double, _ body: @escaping () throws -> Void
    ) -> () -> Double {
        {
            do {
                try communicator.barrier()
                let start = BenchmarkClock.wall.seconds
                var count = 0.0
                repeat {
                    try body()
                    count += 1
                } while BenchmarkClock.wall.seconds - start < seconds
                let rate = count / (BenchmarkClock.wall.seconds - start)
                return try communicator.allReduce(rate, .minimum)
            } catch {
                return .nan
            }
        }
    }

    private static func measureTraining(
        _ model: SAGESnetConfiguration, _ path: String, _ microBatches: Int, _ communicator: Communicator,
        _ report: (Measurement) throws -> Void
    ) throws {
        func trainer(_ ranks: Communicator) throws -> Trainer<SAGESnetTask<Float>> {
            try Trainer(
                task: SAGESnetTask<Float>(model, training: [path], validation: []),
                configuration: TrainingConfiguration(
                    length: .steps(1_000_000), globalBatch: microBatches * ranks.size, microBatch: 1),
                communicator: ranks)
        }
        let (together, alone) = (try trainer(communicator), try trainer(.selfOnly))
        try report(
            try Measurement(
                "training, 1,000 atoms a sample, \(microBatches) sample\(microBatches > 1 ? "s" : "") a rank and step",
                unit: "steps/s", work: 1, repeats: 9, seconds: 0.15,
                peak: rateAlone(communicator, seconds: 0.15) { try alone.takeStep() }, on: communicator
            ) { try together.takeStep() })
    }

    private static func measureSimulation(
        _ configuration: SAGESnetConfiguration, _ path: String, _ replicas: Int, _ cells: String,
        _ communicator: Communicator, _ report: (Measurement) throws -> Void
    ) throws {
        let model = try SAGESnetTask<Float>(configuration, training: [path], validation: []).model
        // Without forces and velocities the crystal stays as it is, at the same cost.
        let parameters = Buffer<Float>(repeating: 0, count: model.layout.count)
        func simulator(_ ranks: Communicator) throws -> Simulator<Float> {
            let start = try SimulationStart(
                path, for: model, replicate: SIMD3(replicas, replicas, replicas * ranks.size), communicator: ranks)
            let simulator = try Simulator<Float>(
                model: model, parameters: parameters, start: start, communicator: ranks)
            let zeros = [Double](repeating: 0, count: 3 * simulator.localAtoms.count)
            try AtomCoupling(simulator).set(.velocity, count: simulator.localAtoms.count, ids: nil, values: zeros)
            return simulator
        }
        let (together, alone) = (try simulator(communicator), try simulator(.selfOnly))
        try report(
            try Measurement(
                "simulation, \(alone.atomCount) atoms a rank, \(cells)", unit: "steps/s", work: 1, repeats: 9, seconds: 0.15,
                peak: rateAlone(communicator, seconds: 0.15) { try alone.advance() }, on: communicator
            ) { try together.advance() })
    }
}
