import Grid
import HDF5
import MPI
import SAGESnetTestSupport
import Tensor
import Trajectory
@testable import SAGESnet

private let every: Set<Int> = [1, 2, 3, 4, 6, 8]

/// Few atoms, so that in some steps none comes near the face of its cell; fast enough that none stays there for long.
private func calm(_ members: String, slots: Int = 3) -> RandomRollout {
    var rollout = RandomRollout("slots: \(slots), channels: 6, blocks: 2, origin: \"corner\", \(members)")
    rollout.box.edges = SIMD3(5, 4, 6)
    (rollout.atoms, rollout.speed, rollout.kick, rollout.timeStep, rollout.steps) = (8, 6, 0.03, 0.01, 40)
    return rollout
}

/// Atoms that share cells and change the order of their slots.
private func crowd(_ members: String) -> RandomRollout {
    var rollout = calm(members, slots: 5)
    rollout.box.edges = SIMD3(1, 1, 3)
    (rollout.atoms, rollout.speed) = (5, 3)
    return rollout
}

private let variants = [
    "cells: \"occupied\"", "cells: \"dense\"", "cells: \"occupied\", predictor: \"increment\"",
    "cells: \"occupied\", environment: [\"temperature\"]",
]

/// The temperature that a simulation writes is that of its frame by `KineticState`.
private func checkTemperature(of output: String, _ members: String) throws {
    let reader = try H5MDReader(output)
    var frame = AtomFrame()
    try reader.readFrame(0, into: &frame)
    let masses = try reader.file.root.dataset("particles/all/mass").read(Double.self, transfer: .independent)
    let wanted = KineticState(velocities: frame.velocities, masses: masses).temperature
    let written = try reader.file.root.dataset("observables/temperature/value").read(Double.self, transfer: .independent)
    try expect(written.count == 1 && abs(written[0] / wanted - 1) < 1e-6, "\(members): \(written) K instead of \(wanted) K")
    try expect(try reader.file.root.group("provenance").stringAttribute("model") == "model.h5", "no provenance")
}

let sagesnetStepTests: [DistributedTest] = [
    DistributedTest("sagesnet.step.reuseChangesNothing", ranks: every) { communicator in
        // What a step keeps of the one before (cells, rows, neighbors, the last kick) has the bits of what is found anew.
        for members in variants {
            for (rollout, isCalm) in [(calm(members), true), (crowd(members), false)] {
                try withFile(communicator, rollout.writeGas) { path in
                    let (kept, anew) = (
                        try rollout.simulator(path, communicator), try rollout.simulator(path, communicator)
                    )
                    for step in 1...rollout.steps {
                        try kept.advance()
                        try anew.advance()
                        try anew.changeAtoms(moving: true) { _ in }
                        let (one, other) = (try bits(of: kept, communicator), try bits(of: anew, communicator))
                        try expect(one == other, "\(rollout.members): another state after step \(step)")
                    }
                    try expect(anew.searches > rollout.steps, "\(anew.searches) searches for cells in the other run")
                    let sorted = try communicator.allReduce(kept.arrangements, .maximum)
                    try expect(sorted > 1, "\(rollout.members): rows never changed")
                    // Random increments make atoms ever faster.
                    guard isCalm, !members.contains("increment") else { return }
                    try expect(
                        sorted < rollout.steps && kept.searches < rollout.steps,
                        "\(rollout.members): \(kept.searches) searches for cells, \(sorted) arrangements")
                }
            }
        }
    },
    DistributedTest("sagesnet.step.serialBitsOfCalmAtoms", ranks: [2, 3, 4, 6, 8]) { communicator in
        for members in variants {
            let rollout = calm(members)
            try withFile(communicator, rollout.writeGas) { path in
                let mine = try rollout.result(path, communicator)
                let serial = try shared(try onFirst(1, of: communicator) { try rollout.result(path, $0) }, communicator)
                try expect(mine == serial, "\(members): not the atoms of one rank")
            }
        }
    },
    DistributedTest("sagesnet.step.resumes", ranks: every) { communicator in
        // From a frame of the output, and from the state beside it.
        for members in variants {
            let rollout = RandomRollout("slots: 6, channels: 6, blocks: 2, origin: \"aligned\", \(members)")
            try withFolder(communicator) { folder in
                let (data, output) = (folder + "/data.h5", folder + "/output.h5")
                if communicator.rank == 0 { try rollout.writeGas(to: data) }
                try communicator.barrier()
                let model = try rollout.model()
                let first = try SimulationStart(data, for: model, communicator: communicator)
                let whole = try rollout.simulator(data, communicator)
                let provenance = SimulationProvenance(
                    program: "test", model: "folder/model.h5", configuration: "{}", seed: 1, start: first)
                let writer = try SimulationOutput<Float>(
                    creating: output, atomCount: whole.atomCount, species: whole.species, box: whole.grid.box,
                    provenance: provenance, communicator: communicator)
                for _ in 0..<2 { try whole.advance() }
                try writer.write(whole)
                try writer.close()
                try communicator.agree { try checkTemperature(of: output, members) }
                for isBetween in [false, true] {
                    let step = whole.step
                    if isBetween {
                        let begun = try SimulationOutput<Float>(appendingTo: output, communicator: communicator)
                        try SimulationRestart.write(
                            whole, beside: begun, provenance: provenance, communicator: communicator)
                        try begun.close()
                    }
                    guard let start = try SimulationStart(
                        resuming: output, of: first, for: model, communicator: communicator)
                    else { return try expect(false, "nothing to resume") }
                    try expect(start.completedSteps == step && start.isBetweenFrames == isBetween, "\(start.completedSteps)")
                    let environment = Dictionary(
                        uniqueKeysWithValues: zip(model.configuration.environment, whole.environment))
                    let resumed = try Simulator(
                        model: model, parameters: rollout.parameters(model), start: start, communicator: communicator,
                        environment: environment, alignment: try first.alignment(for: model, communicator))
                    try expect(resumed.time == whole.time, "\(resumed.time) ps")
                    for _ in 0..<3 {
                        try whole.advance()
                        try resumed.advance()
                    }
                    try expect(
                        try inBox(whole, communicator) == inBox(resumed, communicator), "\(members): another state")
                    try expect(
                        whole.conservation.largestVelocityCorrection == resumed.conservation.largestVelocityCorrection
                            && whole.conservation.largestDisplacementCorrection
                                == resumed.conservation.largestDisplacementCorrection, "other corrections")
                }
                try SimulationRestart.remove(beside: output, communicator: communicator)
                try SimulationRestart.remove(beside: output, communicator: communicator)
                let last = try SimulationStart(resuming: output, of: first, for: model, communicator: communicator)
                try expect(last?.completedSteps == 2, "the state beside the output is still there")
            }
        }
    },
    DistributedTest("sagesnet.step.tellsRequests", ranks: every) { communicator in
        for predictor in ["energy", "increment"] {
            let rollout = calm("predictor: \"\(predictor)\"")
            try withFile(communicator, rollout.writeGas) { path in
                let simulator = try rollout.simulator(path, communicator)
                for rank in 0..<communicator.size {
                    try expect(try simulator.advance(request: communicator.rank == rank), "rank \(rank) was not heard")
                    try expect(try !simulator.advance(), "a request that nobody made")
                }
            }
        }
    },
]

/// Everything that a file would say of the atoms, in the order of ids. Collective.
private func inBox(_ simulator: Simulator<Float>, _ communicator: Communicator) throws -> [UInt64] {
    var words: [UInt64] = []
    for atom in simulator.localAtoms {
        let place = simulator.placeInBox(atom)
        words.append(UInt64(bitPattern: atom.id))
        for axis in 0..<3 { words.append(place.position[axis].bitPattern) }
        for axis in 0..<3 { words.append(atom.velocity[axis].bitPattern) }
        for axis in 0..<3 { words.append(UInt64(bitPattern: Int64(place.image[axis]))) }
    }
    let all = try communicator.allGatherV(words).elements
    let order = (0..<(all.count / wordsOfAtom)).sorted { all[wordsOfAtom * $0] < all[wordsOfAtom * $1] }
    return order.flatMap { all[(wordsOfAtom * $0)..<(wordsOfAtom * ($0 + 1))] }
}
