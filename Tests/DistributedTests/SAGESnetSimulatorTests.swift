import Grid
import Kernels
import MPI
import SAGESnetTestSupport
import Tensor
import Trajectory
@testable import SAGESnet

private let several: Set<Int> = [2, 3, 4, 6, 8]

/// Rolls out on all ranks and on one, and wants the same bits.
func expectSerialBits(_ rollout: RandomRollout, _ communicator: Communicator) throws {
    try withFile(communicator, rollout.writeGas) { path in
        let mine = try rollout.result(path, communicator)
        var alone = rollout
        alone.parts = nil
        let serial = try shared(try onFirst(1, of: communicator) { try alone.result(path, $0) }, communicator)
        try expect(mine == serial, "\(rollout.members): not the atoms of one rank")
        // A comparison that cannot fail is none.
        try expect(mine.count == wordsOfAtom * rollout.atoms, "\(mine.count) words")
        alone.steps -= 1
        let earlier = try shared(try onFirst(1, of: communicator) { try alone.result(path, $0) }, communicator)
        try expect(mine != earlier, "\(rollout.members): nothing moved in the last step")
    }
}

private let occupied = "cells: \"occupied\", slots: 6, channels: 8, blocks: 2, origin: \"corner\""
private let dense = "cells: \"dense\", slots: 6, channels: 8, blocks: 2, origin: \"corner\""

/// Rows of atoms, with some two bonds each.
private func bonded(_ edges: SIMD3<Double>, torsionChannels: Int = 0, kicks: Int = 3) -> RandomRollout {
    var rollout = RandomRollout(
        "predictor: \"bonds\", bonds: { cutoff: 0.9, bondCutoff: 0.8, margin: 0.1, pairFunctions: 3, pairChannels: 3, "
            + "bondFunctions: 4, bondChannels: 5, bondWidth: 6, angleFunctions: 3, angleChannels: 5, atomWidth: 4, "
            + "torsionChannels: \(torsionChannels) }, kicks: \(kicks)")
    rollout.box.edges = edges
    rollout.atoms = Int(edges.x * edges.y * edges.z)
    (rollout.timeStep, rollout.kick, rollout.speed) = (0.002, 0.00005, 5)
    return rollout
}

/// Several periods of a box that is one or a few cells thick.
private func small(_ members: String, _ edges: SIMD3<Double>, atoms: Int) -> RandomRollout {
    var rollout = RandomRollout(members)
    rollout.box.edges = edges
    rollout.atoms = atoms
    rollout.speed = 5
    return rollout
}

/// Atoms, ids, mass, momentum and the motion of the center of mass in a violent random model of small time steps.
private func expectConservation(_ predictor: String, steps: Int, _ communicator: Communicator) throws {
    var rollout = RandomRollout("\(occupied), predictor: \"\(predictor)\"")
    rollout.atoms = 300
    (rollout.timeStep, rollout.kick, rollout.steps) = (0.002, 10, steps)
    try withFile(communicator, rollout.writeGas) { path in
        let simulator = try rollout.simulator(path, communicator)
        let start = try Totals(simulator, communicator)
        let before = Set(simulator.localAtoms.map(\.id))
        for _ in 0..<rollout.steps { try simulator.advance() }
        let end = try Totals(simulator, communicator)
        try expect(end.ids == start.ids && end.ids.count == 300, "\(end.ids.count) atoms")
        try expect(end.mass == start.mass, "mass \(start.mass) became \(end.mass)")
        try expect(end.motion > 1.1 * start.motion, "hardly violent: \(start.motion) became \(end.motion) u A/ps")
        try expect(simulator.conservation.largestVelocityCorrection > 1e-3, "there was nothing to correct")
        func length(_ vector: SIMD3<Double>) -> Double { (vector * vector).sum().squareRoot() }
        let drift = length(end.momentum - start.momentum)
        try expect(drift < 1e-9 * end.motion, "momentum drifts by \(drift) u A/ps of \(end.motion)")
        // The center of mass moves with the velocity that it had.
        let time = Double(rollout.steps) * rollout.timeStep
        let stray = length(end.moment - start.moment - time * start.momentum)
        try expect(stray < 1e-9 * end.motion, "the center of mass strays by \(stray) u A")
        let moved = simulator.localAtoms.filter { !before.contains($0.id) }.count
        let all = try communicator.allReduce(moved, .sum)
        try expect(communicator.size == 1 || all > 5, "\(all) atoms changed their rank")
    }
}

let sagesnetSimulatorTests: [DistributedTest] = [
    DistributedTest("sagesnet.simulator.serialBits.occupied", ranks: several) { communicator in
        for predictor in ["energy", "increment"] {
            for form in ["gather", "scatter"] {
                try expectSerialBits(
                    RandomRollout("\(occupied), predictor: \"\(predictor)\", form: \"\(form)\""), communicator)
            }
        }
    },
    DistributedTest("sagesnet.simulator.serialBits.bonds", ranks: several) { communicator in
        for edges in [SIMD3<Double>(13, 11, 7), SIMD3(2, 9, 2), SIMD3(1, 4, 3)] {
            try expectSerialBits(bonded(edges), communicator)
            try expectSerialBits(bonded(edges, torsionChannels: 2, kicks: 7), communicator)
            // Every cut there can be.
            for parts in [Extent3(z: 2, y: 1, x: 1), Extent3(z: 1, y: 2, x: 1)] {
                var cut = bonded(edges)
                cut.parts = parts
                try expectSerialBits(cut, communicator)
            }
        }
        var open = bonded(SIMD3(6, 8, 7))
        open.box = SimulationBox(edges: open.box.edges, boundaries: (.open, .periodic, .open))
        open.margin = 1
        try expectSerialBits(open, communicator)
    },
    DistributedTest("sagesnet.simulator.serialBits.dense", ranks: several) { communicator in
        for algorithm in ConvolutionAlgorithm.allCases
        where algorithm != .bfloat16 || InstructionSet.multipliesBFloat16 {
            for predictor in ["energy", "increment"] {
                try expectSerialBits(
                    RandomRollout("\(dense), predictor: \"\(predictor)\", convolution: \"\(algorithm)\""), communicator)
            }
        }
    },
    DistributedTest("sagesnet.simulator.serialBits.openBoundaries", ranks: several) { communicator in
        for cells in [occupied, dense] {
            var rollout = RandomRollout("\(cells), environment: [\"temperature\"]")
            rollout.box = SimulationBox(
                origin: SIMD3(-3, 0.5, 100), edges: SIMD3(13, 11, 7), boundaries: (.open, .periodic, .open))
            rollout.margin = 2.5
            try expectSerialBits(rollout, communicator)
        }
    },
    DistributedTest("sagesnet.simulator.serialBits.idleRanks", ranks: [4, 6, 8]) { communicator in
        for cells in [occupied, dense] {
            // At most three ranks have cells.
            var thin = small(cells, SIMD3(3, 1, 1), atoms: 6)
            thin.parts = Extent3(z: 1, y: 1, x: 3)
            try withFile(communicator, thin.writeGas) { path in
                let simulator = try thin.simulator(path, communicator)
                try expect(simulator.decomposition.activeRanks == 3, "\(simulator.decomposition.parts)")
            }
            try expectSerialBits(thin, communicator)
            var cube = small(cells, SIMD3(3, 3, 3), atoms: 30)
            try expectSerialBits(cube, communicator)
            cube.parts = Extent3(z: 1, y: 3, x: 1)
            try expectSerialBits(cube, communicator)
        }
    },
    DistributedTest("sagesnet.simulator.serialBits.wideChannels", ranks: [3, 4]) { communicator in
        // More numbers a cell in the readable state than in the code, and the other way round.
        for channels in [3, 33] {
            try expectSerialBits(
                RandomRollout("cells: \"occupied\", slots: 6, channels: \(channels), blocks: 1, origin: \"aligned\""),
                communicator)
        }
    },
    DistributedTest("sagesnet.simulator.formsAgree", ranks: [1, 2, 3, 4, 6, 8]) { communicator in
        for predictor in ["energy", "increment"] {
            let members = "\(occupied), predictor: \"\(predictor)\""
            let gather = RandomRollout("\(members), form: \"gather\"")
            try withFile(communicator, gather.writeGas) { path in
                let one = try gather.result(path, communicator)
                let other = try RandomRollout("\(members), form: \"scatter\"").result(path, communicator)
                try expect(one == other, "gather and scatter differ for the \(predictor) predictor")
            }
        }
    },
    DistributedTest("sagesnet.simulator.conservesAtomsAndMomentum", ranks: [1, 2, 3, 4, 6, 8]) { communicator in
        // Increments feed on the velocities that they make; kicks of an energy do not.
        try expectConservation("increment", steps: 6, communicator)
        try expectConservation("energy", steps: 40, communicator)
    },
    DistributedTest("sagesnet.simulator.crowdedCell", ranks: [1, 3]) { communicator in
        let rollout = RandomRollout("cells: \"occupied\", slots: 1, channels: 4, blocks: 1, origin: \"corner\"")
        try withFile(communicator, rollout.writeGas) { path in
            let error = try expectError((any Error).self, "two atoms in a slot") {
                _ = try rollout.simulator(path, communicator)
            }
            try expect("\(error)".contains("the model has 1 slot for cells of side 1.0 Angstrom"), "\(error)")
        }
    },
    DistributedTest("sagesnet.simulator.divergence", ranks: [1, 3]) { communicator in
        var rollout = RandomRollout(occupied)
        rollout.kick = 1e30
        try withFile(communicator, rollout.writeGas) { path in
            let simulator = try rollout.simulator(path, communicator)
            let error = try expectError(SAGESnetError.self, "infinite kicks") { try simulator.advance() }
            guard case .diverged(step: 0, let atom) = error else { return try expect(false, "\(error)") }
            try expect(atom > 0, "atom \(atom)")
        }
    },
]
