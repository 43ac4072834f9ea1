import Diagnostics
import Grid
import MPI
import SAGESnet
import Tensor
import Training

/// `sages simulate` with a model of a grid's cells.
extension Simulate {
    func runGrid(_ communicator: Communicator) throws -> ExitStatus {
        try refuseOptionsOfAtoms()
        if let scales { return try runScales(scales, communicator) }
        let (model, parameters, configuration, text) = try GridModel.load(
            self.model, as: Float.self, communicator: communicator)
        if resumes, let coarse = model.coarse, coarse.steps > 1 {
            throw SAGESnetError.badRequest(
                "--resume starts from one frame, and the coarse level \(coarse.path) of \(self.model) needs \(coarse.steps)")
        }
        let first = try GridSimulationStart(input, frame: frame, for: model, communicator: communicator)
        let boundaries = boundaries ?? first.source.boundaries
        // What is behind the last whole frame is done again.
        let resumed = resumes
            ? try GridSimulationStart(resuming: output, of: first, for: model, communicator: communicator) : nil
        let done = Int(((resumed?.step ?? first.step) - first.step) / model.stride.steps)
        guard done <= steps else {
            throw SAGESnetError.unsuitableData(
                file: output, reason: "it holds \(done) steps already, more than the \(steps) of this run")
        }
        let simulator = try GridSimulator<Float>(
            model: model, parameters: parameters, cells: first.source.cells, boundaries: boundaries,
            communicator: communicator, parts: parts)
        let start = resumed ?? first
        try communicator.agree { try simulator.start(from: start.source, frame: start.frame) }
        let writer: GridSimulationOutput<Float>
        if resumed != nil {
            try start.source.close()
            writer = try GridSimulationOutput(appendingTo: output, flushInterval: flushInterval, communicator: communicator)
        } else {
            let provenance = SimulationProvenance(
                program: "sages simulate", model: self.model, configuration: text, seed: configuration.training.seed,
                input: input, startStep: first.step, boundaries: boundaries.description)
            writer = try GridSimulationOutput(
                creating: output, like: first.source, boundaries: boundaries, provenance: provenance, deflate: deflate,
                flushInterval: flushInterval, communicator: communicator)
        }

        guard let seconds = try advance(simulator, writer, first, stride: model.stride, from: done, communicator) else {
            Message.note("--resume goes on behind the last frame of \(output)")
            return .resumable
        }
        try GridDescription.write(beside: output, communicator)
        if communicator.rank == 0 { report(simulator, steps - done, seconds, communicator) }
        return .success
    }

    /// Advances and writes until all steps are done; returns the wall time, nil where a signal came before.
    func advance<Grid: SteppedGrid>(
        _ simulator: Grid, _ writer: GridSimulationOutput<Grid.Scalar>, _ first: GridSimulationStart,
        stride: GridModel.Stride, from done: Int, _ communicator: Communicator
    ) throws -> Double? {
        var step = done
        func write() throws {
            try simulator.write(to: writer, time: first.time + Double(step) * stride.time)
        }
        if done == 0 { try write() }
        let progress = ProgressReport("simulation", unit: "steps", from: done, of: steps)
        let begin = MPIEnvironment.wallTime()
        var isInterrupted = false
        while step < steps && !isInterrupted {
            // One rank's signal stops all, at the same step.
            isInterrupted = try simulator.advance(request: JobSignals.received != nil)
            step += 1
            isInterrupted = isInterrupted && step < steps
            if step % every == 0 || step == steps { try write() }
            progress.advance(to: step)
        }
        progress.finish()
        try writer.close()
        if isInterrupted { Message.note("stopped after \(step) of \(steps) steps") }
        return isInterrupted ? nil : MPIEnvironment.wallTime() - begin
    }

    private func refuseOptionsOfAtoms() throws {
        let given = [
            ("precision", precision != nil), ("writers", writers != nil), ("replicate", replicate != SIMD3(1, 1, 1)),
            ("environment", !environment.isEmpty), ("force", !forces.isEmpty), ("confidence", confidence != nil && coarse == nil),
        ]
        for (option, isGiven) in given where isGiven {
            throw SAGESnetError.badRequest("--\(option) is for atoms, and \(model) is a model of a grid's cells")
        }
    }

    private func report(
        _ simulator: GridSimulator<Float>, _ steps: Int, _ seconds: Double, _ communicator: Communicator
    ) {
        let cells = simulator.decomposition.cells
        let active = simulator.decomposition.activeRanks
        if isJSON {
            let result: JSONValue = [
                "kind": "simulation", "file": .string(output), "steps": .integer(steps),
                "cells": [.integer(cells.z), .integer(cells.y), .integer(cells.x)], "ranks": .integer(communicator.size),
                "active_ranks": .integer(active), "seconds": .number(seconds),
            ]
            print(result.text)
        } else {
            print("\(output): \(cells) cells, \(steps) steps in \(Digits.three(seconds)) s on \(active) of "
                  + "\(communicator.size) ranks")
        }
    }
}
