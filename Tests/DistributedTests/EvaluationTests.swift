import Foundation
import MPI
import SAGESnetTestSupport
import Tensor
import Trajectory
@testable import SAGESnet

/// A trajectory of free atoms whose every step misses ballistic motion by vectors of known length, whose sums over the
/// atoms are zero: a model whose network says nothing has errors of just these lengths.
private struct DriftingCrystal {
    static let perAxis = 4
    static let timeStep = 0.01
    static let missed = 0.003, kick = 0.4
    var frames = 7

    /// Not collective.
    func write(to path: String) throws {
        let count = Self.perAxis * Self.perAxis * Self.perAxis
        let box = SimulationBox(edges: SIMD3(repeating: 2 * Double(Self.perAxis)))
        var frame = AtomFrame()
        frame.box = box
        for atom in 0..<count {
            let cell = [atom % Self.perAxis, atom / Self.perAxis % Self.perAxis, atom / Self.perAxis / Self.perAxis]
            frame.ids.append(Int64(3 * atom + 2))
            frame.species.append(0)
            for axis in 0..<3 {
                frame.positions.append(2 * Double(cell[axis]) + 0.5)
                frame.velocities.append(atom % 2 == 0 ? 1.5 : -1.5)
            }
        }
        let writer = try H5MDWriter.create(
            path, communicator: nil, atomCount: count, species: SpeciesTable(symbols: ["C"], masses: [12.011]),
            box: box, options: H5MDOptions(precision: .float64))
        for index in 0..<frames {
            frame.step = Int64(index)
            frame.time = Double(index) * Self.timeStep
            try writer.append(frame)
            for component in frame.positions.indices {
                // Opposite in atoms next to each other, and from step to step.
                let sign = (component / 3 + index) % 2 == 0 ? 1.0 : -1.0
                let place = frame.positions[component] + Self.timeStep * frame.velocities[component] + sign * Self.missed
                frame.positions[component] = box.wrap(place, axis: component % 3).coordinate
                frame.velocities[component] += sign * Self.kick
            }
        }
        try writer.close()
    }
}

private func silentModel(timeStep: Double = DriftingCrystal.timeStep) throws -> (SAGESnetModel, Buffer<Float>) {
    var normalization = Normalization()
    normalization.timeStep = timeStep
    let model = SAGESnetModel(
        try modelConfiguration("elements: [\"C\"], cell: 1, channels: 8, blocks: 1"), normalization)
    return (model, Buffer<Float>(repeating: 0, count: model.layout.count))
}

/// Writes a file for all ranks, and removes it afterwards. Collective.
private func withCrystal(_ communicator: Communicator, _ body: (String) throws -> Void) throws {
    let name = try communicator.broadcast(UUID().uuidString, root: 0)
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("sages-\(name).h5").path
    defer { if communicator.rank == 0 { try? FileManager.default.removeItem(atPath: path) } }
    try communicator.agree { if communicator.rank == 0 { try DriftingCrystal().write(to: path) } }
    try body(path)
    try communicator.barrier()
}

let evaluationTests: [DistributedTest] = [
    DistributedTest("evaluation.step.knownErrors", ranks: [1, 2, 3, 4, 8]) { communicator in
        try withCrystal(communicator) { path in
            let (model, parameters) = try silentModel()
            let run = try AtomRun(path, for: model.configuration)
            let result = try StepEvaluation(
                model, parameters: parameters, baseline: .unavailable(reason: "none"), run: run,
                communicator: communicator)
            try expect(result.samples == 6 && result.atomCount == 64, "\(result)")
            func check(_ value: Double, _ expected: Double, _ what: String) throws {
                try expect(abs(value - expected) <= 1e-7 * expected, "\(what) is \(value), not \(expected)")
            }
            try check(result.ballistic.position, DriftingCrystal.missed, "ballistic position")
            try check(result.ballistic.velocity, DriftingCrystal.kick, "ballistic velocity")
            try check(result.model.position, DriftingCrystal.missed, "model's position")
            try check(result.model.velocity, DriftingCrystal.kick, "model's velocity")
            try check(result.persistence.velocity, DriftingCrystal.kick, "persistent velocity")
            // Velocities of even atoms are 1.5 and 1.9 by turns, of the others the opposite; so are what is missed.
            let moved = [1.5 * 0.01 + 0.003, 1.9 * 0.01 - 0.003]
            try check(
                result.persistence.position, ((moved[0] * moved[0] + moved[1] * moved[1]) / 2).squareRoot(),
                "persistent position")
            try expect(result.linear == nil && result.linearUnavailable == "none", "no regression")

            // The same bits as on one rank.
            let alone = try StepEvaluation(
                model, parameters: parameters, baseline: .unavailable(reason: "none"), run: run, communicator: .selfOnly)
            try expect(result == alone, "figures depend on the number of ranks: \(result), \(alone)")
        }
    },

    DistributedTest("evaluation.rollout.knownFigures", ranks: [1, 2, 3, 4, 8]) { communicator in
        try withCrystal(communicator) { path in
            let (model, parameters) = try silentModel()
            let run = try AtomRun(path, for: model.configuration)
            // Nobody leaves its cell in 0.2 ps.
            let result = try RolloutEvaluation.run(
                model, parameters: parameters, run: run, frame: 0, steps: 20, communicator: communicator)
            try expect((result != nil) == (communicator.rank == 0), "the figures are on rank 0")
            guard let result else { return }
            // Free motion keeps velocities: 12.011 u at 1.5 Angstrom/ps in each direction, 3 N - 3 freedoms.
            let temperature = 12.011 * 2.25 / 0.8314462618 * 64 / 63
            try expect(abs(result.temperatureMean - temperature) < 1e-4 * temperature, "\(result.temperatureMean) K")
            try expect(
                abs(result.temperatureTrend?.slope ?? 1) < 1e-6, "drift \(String(describing: result.temperatureTrend))")
            try expect(result.stepsDone == 20 && result.failure == nil, "\(result)")
            try expect(result.atomsLost == 0 && result.massDrift == 0 && result.momentumDrift < 1e-6, "\(result)")
            // Frames of the data have 1.5 and 1.9 Angstrom/ps by turns, four and three of them.
            let reference = temperature / 2.25 * (4 * 2.25 + 3 * 3.61) / 7
            try expect(abs(result.temperatureReference - reference) < 1e-4 * reference, "\(result.temperatureReference) K")
            try expect((result.rdfError ?? 0) > 0, "neighbors that come nearer change g(r)")
        }
    },

    DistributedTest("evaluation.rollout.failureIsAResult", ranks: [1, 3]) { communicator in
        try withCrystal(communicator) { path in
            let (model, parameters) = try silentModel()
            let run = try AtomRun(path, for: model.configuration)
            // Half an Angstrom away, after a third of a picosecond, neighbors meet in a cell.
            let result = try RolloutEvaluation.run(
                model, parameters: parameters, run: run, frame: 0, steps: 200, communicator: communicator)
            guard let result else { return }
            try expect(result.failure?.contains("holds 2 atoms") == true, "\(String(describing: result.failure))")
            try expect(result.stepsDone > 30 && result.stepsDone < 100, "\(result.stepsDone) steps")
        }
    },

    DistributedTest("evaluation.otherTimeStepIsRefused", ranks: [1, 2, 3]) { communicator in
        try withCrystal(communicator) { path in
            let (model, parameters) = try silentModel(timeStep: 0.005)
            let run = try AtomRun(path, for: model.configuration)
            let error = try expectError(SAGESnetError.self, "another time step") {
                _ = try StepEvaluation(
                    model, parameters: parameters, baseline: .unavailable(reason: "none"), run: run,
                    communicator: communicator)
            }
            try expect(error.description.contains("0.01 ps apart"), error.description)
        }
    },
]
