import MPI

/// Whole steps of SAGESnet on synthetic diamond.
enum StepBenchmark: Benchmark {
    static let name = "step"
    static let summary = "a training step and a simulation step of a SAGESnet (energy predictor, occupied cells)"

    static func run(
        _ options: BenchmarkOptions, on communicator: Communicator, report: (Measurement) throws -> Void
    ) throws {
        for channels in [32, 64] {
            let model = StepModel(channels: channels)
            let training = try TrainingWork(model, communicator: communicator)
            try report(
                Measurement(
                    "training, \(channels) channels, 1,000 atoms a rank", unit: "samples/s",
                    work: Double(communicator.size), repeats: 9, seconds: 0.2, on: communicator
                ) { try training.step() })
            for cells in [5, 15] {
                let simulation = try SimulationWork(model, cells: cells, communicator: communicator)
                try report(
                    Measurement(
                        "simulation, \(channels) channels, \(8 * cells * cells * cells) atoms a rank",
                        unit: "atom steps/s", work: Double(simulation.simulator.atomCount), repeats: 9, seconds: 0.2,
                        on: communicator
                    ) { try simulation.step() })
            }
        }
    }
}
