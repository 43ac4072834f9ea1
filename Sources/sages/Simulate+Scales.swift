import Diagnostics
import Grid
import MPI
import SAGESnet
import Training

/// `sages simulate` of a grid's cells with a coarse level where that is good enough.
extension Simulate {
    /// What chooses a level for each region.
    struct Scales {
        /// The coarse level's file, and that of a network of confidence in it.
        let coarse, confidence: String
        /// The part of a region's cells that may be wrong after a step of the coarse level.
        let tolerance: Double
    }

    /// Nil where all regions are at level 0.
    var scales: Scales? {
        guard let coarse, let confidence, let tolerance else { return nil }
        return Scales(coarse: coarse, confidence: confidence, tolerance: tolerance)
    }

    func runScales(_ scales: Scales, _ communicator: Communicator) throws -> ExitStatus {
        guard !resumes else {
            throw SAGESnetError.badRequest("--resume starts from one frame, and a coarse level needs several (--coarse)")
        }
        let (model, parameters, configuration, text) = try GridModel.load(
            self.model, as: Float.self, communicator: communicator)
        let coarse = try CoarseLevel(scales.coarse, communicator: communicator)
        let confidence = try TrainedConfidence(
            scales.confidence, of: try ConfidenceSubject(scales.coarse, communicator: communicator),
            featureCount: coarse.featureCount, communicator: communicator)
        let first = try GridSimulationStart(input, frame: frame, for: model, communicator: communicator)
        let boundaries = boundaries ?? first.source.boundaries
        let simulator = try ScaleSimulator<Float>(
            model: model, parameters: parameters, coarse: coarse, confidence: confidence, tolerance: scales.tolerance,
            cells: first.source.cells, boundaries: boundaries, communicator: communicator, parts: parts)
        try communicator.agree { try simulator.start(from: first.source, frame: first.frame) }
        func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
        let provenance = SimulationProvenance(
            program: "sages simulate", model: self.model, configuration: text, seed: configuration.training.seed,
            input: input, startStep: first.step, boundaries: boundaries.description,
            settings: [
                (name: "coarse", value: name(scales.coarse)), (name: "confidence", value: name(scales.confidence)),
                (name: "tolerance", value: "\(scales.tolerance)"),
            ])
        let writer = try GridSimulationOutput<Float>(
            creating: output, like: first.source, boundaries: boundaries, provenance: provenance,
            regionSide: ScaleSimulator<Float>.side, deflate: deflate, flushInterval: flushInterval, communicator: communicator)
        guard let seconds = try advance(simulator, writer, first, stride: model.stride, from: 0, communicator) else {
            return .resumable
        }
        try GridDescription.write(beside: output, communicator)
        if communicator.rank == 0 { report(simulator, seconds, communicator) }
        return .success
    }

    private func report(_ simulator: ScaleSimulator<Float>, _ seconds: Double, _ communicator: Communicator) {
        let cells = simulator.cells
        let share = Double(simulator.coarseRegions) / Double(max(1, simulator.allRegions))
        if isJSON {
            let result: JSONValue = [
                "kind": "simulation", "file": .string(output), "steps": .integer(steps),
                "cells": [.integer(cells.z), .integer(cells.y), .integer(cells.x)], "coarse_share": .number(share),
                "ranks": .integer(communicator.size), "active_ranks": .integer(simulator.activeRanks),
                "seconds": .number(seconds),
            ]
            print(result.text)
        } else {
            print("\(output): \(cells) cells, \(steps) steps in \(Digits.three(seconds)) s on \(simulator.activeRanks) of "
                  + "\(communicator.size) ranks; \(Digits.three(100 * share)) % of the regions' steps at the coarse level")
        }
    }
}
