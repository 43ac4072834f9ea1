import Configuration
import Foundation
import MPI
import SAGESnet
import Tensor
import Training

/// Whole steps of the quick start's model on synthetic diamond.
enum StepBenchmark: Benchmark {
    static let name = "step"
    static let summary = "a training step and a simulation step of a SAGESnet (energy predictor, occupied cells)"

    private struct Model: Configurable {
        let configuration: SAGESnetConfiguration
        init(from section: ConfigurationSection) throws { configuration = try SAGESnetConfiguration(from: section) }
    }

    static func run(on communicator: Communicator, report: (Measurement) -> Void) throws {
        let path = try SyntheticDiamond.temporaryPath("step.h5", communicator)
        defer { if communicator.rank == 0 { try? FileManager.default.removeItem(atPath: path) } }
        try SyntheticDiamond.write(path, cells: 5, frames: 9, communicator: communicator)
        for channels in [32, 64] {
            let text = "{ cell: 0.89175, channels: \(channels), blocks: 4 }"
            let model = try ConfigurationDocument(text: text, source: "benchmark").decode(Model.self).value.configuration
            try measureTraining(model, path, communicator, report)
            try measureSimulation(model, path, communicator, report)
        }
    }

    private static func measureTraining(
        _ model: SAGESnetConfiguration, _ path: String, _ communicator: Communicator, _ report: (Measurement) -> Void
    ) throws {
        let task = try SAGESnetTask<Float>(model, training: [path], validation: [])
        // One sample a rank and step: weak scaling.
        let configuration = TrainingConfiguration(length: .steps(1_000_000), globalBatch: communicator.size, microBatch: 1)
        let trainer = try Trainer(task: task, configuration: configuration, communicator: communicator)
        report(
            try Measurement(
                "training, \(model.channels) channels, 1,000 atoms a rank", unit: "samples/s",
                work: Double(communicator.size), repeats: 9, seconds: 0.2, on: communicator
            ) { try trainer.takeStep() })
    }

    private static func measureSimulation(
        _ configuration: SAGESnetConfiguration, _ path: String, _ communicator: Communicator,
        _ report: (Measurement) -> Void
    ) throws {
        let task = try SAGESnetTask<Float>(configuration, training: [path], validation: [])
        let parameters = Buffer<Float>(repeating: 0, count: task.layout.count)
        task.layout.initialize(parameters.pointer, seed: 1)
        let start = try SimulationStart(
            path, for: task.model, replicate: SIMD3(1, 1, communicator.size), communicator: communicator)
        let simulator = try Simulator<Float>(
            model: task.model, parameters: parameters, start: start, communicator: communicator)
        let atoms = Double(simulator.atomCount)
        report(
            try Measurement(
                "simulation, \(configuration.channels) channels, 1,000 atoms a rank", unit: "atom steps/s", work: atoms,
                repeats: 9, seconds: 0.2, on: communicator
            ) { try simulator.advance() })
    }
}
