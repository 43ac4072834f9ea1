import Grid
import MPI
import SAGESnetTestSupport
import Trajectory
@testable import SAGESnet

private let occupied = "cells: \"occupied\", slots: 6, channels: 8, blocks: 2, origin: \"corner\""
/// Regions by coordinates, cells and ids, which overlap, and atoms come and go.
private let forces = ["x=2..7.5,z=..4:0.03,-0.01,0", "cell-y=3..:0,0.02,0.01@2-5", "id=10..60:-0.005,0,0.03@4-"]

/// A gas that is pushed around.
private func pushed(_ members: String) -> RandomRollout {
    var rollout = RandomRollout(members)
    rollout.forces = forces
    return rollout
}

let forceTests: [DistributedTest] = [
    DistributedTest("forces.serialBits", ranks: [2, 3, 4, 6]) { communicator in
        for predictor in ["energy", "increment"] {
            try expectSerialBits(pushed("\(occupied), predictor: \"\(predictor)\""), communicator)
        }
    },
    DistributedTest("forces.impulseIsTheChangeOfMomentum", ranks: [1, 2, 3, 4, 6]) { communicator in
        for predictor in ["energy", "increment"] {
            let rollout = pushed("\(occupied), predictor: \"\(predictor)\"")
            try withFile(communicator, rollout.writeGas) { path in
                let simulator = try rollout.simulator(path, communicator)
                let start = try Totals(simulator, communicator)
                var expected = SIMD3<Double>()
                for step in 1...rollout.steps {
                    expected += try firstPush(simulator, communicator, step)
                    try simulator.advance()
                }
                let end = try Totals(simulator, communicator)
                let impulse = simulator.conservation.impulse
                let change = end.momentum - start.momentum
                func length(_ vector: SIMD3<Double>) -> Double { (vector * vector).sum().squareRoot() }
                try expect(length(change - impulse) < 1e-9 * end.motion, "\(change) and the impulse \(impulse)")
                try expect(length(impulse) > 1e-2 * end.motion, "hardly a push: \(impulse) of \(end.motion)")
                // Few atoms come or go within a step, so that twice its first push is nearly all of it.
                try expect(length(2 * expected - impulse) < 0.1 * length(impulse), "\(2 * expected), \(impulse)")
                let all = try communicator.allGather([impulse.x, impulse.y, impulse.z])
                try expect(all.count == 3 * communicator.size && Set(all).count <= 3, "ranks differ: \(all)")
            }
        }
    },
    DistributedTest("forces.moveFreeAtoms", ranks: [1, 2, 4]) { communicator in
        // A network of zeros: nothing but the force acts, and the motion is known.
        for predictor in ["energy", "increment"] {
            var rollout = RandomRollout("\(occupied), predictor: \"\(predictor)\"")
            (rollout.steps, rollout.kick) = (5, 0)
            rollout.forces = ["id=1..70:0.02,0,-0.04@1-3"]
            try withFile(communicator, rollout.writeGas) { path in
                let simulator = try rollout.simulator(path, communicator)
                let before = try bits(of: simulator, communicator)
                for _ in 0..<rollout.steps { try simulator.advance() }
                let after = try bits(of: simulator, communicator)
                let mass = try masses(simulator, communicator)
                for atom in 0..<rollout.atoms {
                    func vector(_ words: [UInt64], _ first: Int) -> SIMD3<Double> {
                        SIMD3((0..<3).map { Double(bitPattern: words[wordsOfAtom * atom + first + $0]) })
                    }
                    func place(_ words: [UInt64]) -> SIMD3<Double> {
                        let images = (0..<3).map { Double(Int64(bitPattern: words[wordsOfAtom * atom + 7 + $0])) }
                        return vector(words, 1) + SIMD3(images) * simulator.grid.period
                    }
                    let isPushed = before[wordsOfAtom * atom] <= 70
                    let acceleration = isPushed
                        ? SIMD3(0.02, 0, -0.04) / (PhysicalConstants.kineticEnergyUnit * mass[atom]) : .zero
                    // Three steps of acceleration, then two of uniform motion.
                    let (t, rest) = (3 * rollout.timeStep, 2 * rollout.timeStep)
                    let velocity = vector(before, 4) + t * acceleration
                    let position = place(before) + t * vector(before, 4) + 0.5 * t * t * acceleration + rest * velocity
                    let miss = (vector(after, 4) - velocity, place(after) - position)
                    try expect(
                        (miss.0 * miss.0).sum() < 1e-20 && (miss.1 * miss.1).sum() < 1e-20,
                        "atom \(before[wordsOfAtom * atom]) of \(mass[atom]) u: \(miss)")
                }
            }
        }
    },
    DistributedTest("forces.mustFit", ranks: [1, 3]) { communicator in
        let rollout = RandomRollout(occupied)
        try withFile(communicator, rollout.writeGas) { path in
            let simulator = try rollout.simulator(path, communicator)
            for (text, part) in [
                ("x=13..14:1,0,0", "outside of the box"), ("cell-z=7..9:1,0,0", "the grid has 7"),
                ("all:1e9,0,0", "faster than anything"),
            ] {
                let error = try expectError(SAGESnetError.self, text) {
                    try simulator.apply(try AppliedForce(parsing: text))
                }
                try expect("\(error)".contains(part), "\(error)")
            }
            try expect(simulator.forces.isEmpty, "\(simulator.forces)")
        }
    },
]

/// What the first push of a step will give, from the atoms of all ranks as a person would count them.
private func firstPush(
    _ simulator: Simulator<Float>, _ communicator: Communicator, _ step: Int
) throws -> SIMD3<Double> {
    var counts = [Int64](repeating: 0, count: 3)
    for atom in simulator.localAtoms {
        let place = simulator.placeInBox(atom).position
        if place.x >= 2, place.x < 7.5, place.z < 4 { counts[0] += 1 }
        if place.y >= 3, (2...5).contains(step) { counts[1] += 1 }
        if (10...60).contains(atom.id), step >= 4 { counts[2] += 1 }
    }
    let vectors: [SIMD3<Double>] = [SIMD3(0.03, -0.01, 0), SIMD3(0, 0.02, 0.01), SIMD3(-0.005, 0, 0.03)]
    let half = 0.5 * simulator.model.normalization.timeStep / PhysicalConstants.kineticEnergyUnit
    var sum = SIMD3<Double>()
    for index in 0..<3 { sum += Double(try communicator.allReduce(counts[index], .sum)) * half * vectors[index] }
    return sum
}

/// The masses of all atoms in the order of ids, u. Collective.
private func masses(_ simulator: Simulator<Float>, _ communicator: Communicator) throws -> [Double] {
    let own = simulator.localAtoms.flatMap { [Double($0.id), $0.mass] }
    let all = try communicator.allGatherV(own).elements
    return (0..<(all.count / 2)).sorted { all[2 * $0] < all[2 * $1] }.map { all[2 * $0 + 1] }
}
