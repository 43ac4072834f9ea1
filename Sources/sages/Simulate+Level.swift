import Diagnostics
import Grid
import MPI
import SAGESnet
import Training

/// `sages simulate` with a model of a coarse level.
extension Simulate {
    func runLevel(_ communicator: Communicator) throws -> ExitStatus {
        let given = [
            ("writers", writers != nil), ("replicate", replicate != SIMD3(1, 1, 1)), ("resume", resumes),
            ("environment", !environment.isEmpty), ("boundary", boundaries != nil), ("force", !forces.isEmpty),
            ("confidence", confidence != nil), ("coarse", coarse != nil),
        ]
        for (option, isGiven) in given where isGiven {
            throw SAGESnetError.badRequest("--\(option) is not for coarse levels, and \(model) is a model of one")
        }
        let (model, parameters, configuration, text) = try LevelModel.load(
            self.model, as: Float.self, communicator: communicator)
        let simulation = try LevelSimulation(
            model, parameters: parameters, input: input, frame: frame, output: output,
            provenance: { startStep, boundaries in
                SimulationProvenance(
                    program: "sages simulate", model: self.model, configuration: text, seed: configuration.training.seed,
                    input: input, startStep: startStep, boundaries: boundaries.description,
                    settings: [(name: "level", value: String(model.configuration.level))])
            },
            parts: parts, precision: precision ?? .float64, deflate: deflate, communicator: communicator)
        let simulator = simulation.simulator
        let progress = ProgressReport("simulation", unit: "steps", of: steps)
        let begin = MPIEnvironment.wallTime()
        var isInterrupted = false
        while simulator.step < steps && !isInterrupted {
            // One rank's signal stops all, at the same step.
            isInterrupted = try simulator.advance(request: JobSignals.received != nil) && simulator.step < steps
            if simulator.step % every == 0 || simulator.step == steps { try simulation.write() }
            progress.advance(to: simulator.step)
        }
        progress.finish()
        try simulation.close()
        let seconds = MPIEnvironment.wallTime() - begin
        if isInterrupted {
            Message.note("stopped after \(simulator.step) of \(steps) steps; the frames so far are in \(output)")
            return .resumable
        }
        if model.configuration.base == .grid { try GridDescription.write(beside: output, communicator) }
        if communicator.rank == 0 { report(simulation, seconds, communicator) }
        return .success
    }

    private func report(_ simulation: LevelSimulation, _ seconds: Double, _ communicator: Communicator) {
        let simulator = simulation.simulator
        let (cells, level) = (simulator.decomposition.cells, simulator.model.configuration.level)
        let simulated = Double(simulator.step) * simulation.timeStep
        if isJSON {
            let result: JSONValue = [
                "kind": "simulation", "file": .string(output), "level": .integer(level), "steps": .integer(simulator.step),
                "cells": [.integer(cells.z), .integer(cells.y), .integer(cells.x)], "simulated_time": .number(simulated),
                "ranks": .integer(communicator.size), "active_ranks": .integer(simulator.decomposition.activeRanks),
                "seconds": .number(seconds),
                "largest_velocity_correction": .number(simulator.conservation.largestVelocityCorrection),
                "largest_displacement_correction": .number(simulator.conservation.largestDisplacementCorrection),
            ]
            print(result.text)
        } else {
            print("\(output): level \(level), \(cells) cells, \(simulator.step) steps, \(Digits.three(simulated)) of "
                  + "simulated time, in \(Digits.three(seconds)) s on \(simulator.decomposition.activeRanks) of "
                  + "\(communicator.size) ranks")
        }
    }
}
