import MPI

/// Whole steps of SAGESnet on synthetic diamond.
enum StepBenchmark: Benchmark {
    static let name = "step"
    static let summary = "a training step and a simulation step of a SAGESnet (predictors energy and bonds)"

    static func run(
        _ options: BenchmarkOptions, on communicator: Communicator, report: (Measurement) throws -> Void
    ) throws {
        let models = [("32 channels", StepModel(channels: 32)), ("64 channels", StepModel(channels: 64)),
                      ("bonds", StepModel(form: .bonds))]
        for (name, model) in models {
            let training = try TrainingWork(model, communicator: communicator)
            try report(
                Measurement(
                    "training, \(name), 1,000 atoms a rank", unit: "samples/s",
                    work: Double(communicator.size), repeats: 9, seconds: 0.2, on: communicator
                ) { try training.step() })
            for cells in [5, 15] {
                let simulation = try SimulationWork(model, cells: cells, communicator: communicator)
                try report(
                    Measurement(
                        "simulation, \(name), \(8 * cells * cells * cells) atoms a rank",
                        unit: "atom steps/s", work: Double(simulation.simulator.atomCount), repeats: 9, seconds: 0.2,
                        on: communicator
                    ) { try simulation.step() })
            }
        }
    }
}
