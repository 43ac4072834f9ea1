import MPI
import NeuralNetworks
import SAGESnetTestSupport
import Tensor
import Training
import Trajectory
@testable import SAGESnet

private let few: Set<Int> = [1, 2]

/// A crystal whose atoms stay in their cells.
private func withCrystal(_ communicator: Communicator, _ body: (String) throws -> Void) throws {
    try withFile(communicator, { try HarmonicLattice().write(to: $0) }, body)
}

private func training(microBatch: Int = 1) -> TrainingConfiguration {
    TrainingConfiguration(
        length: .steps(100), globalBatch: 4, microBatch: microBatch, schedule: Schedule(peak: 1e-3), clip: 1,
        averaging: 0.9)
}

/// The bits of the weights after some steps of training. Collective.
private func weights(_ members: String, _ path: String, microBatch: Int, _ communicator: Communicator) throws -> [UInt64] {
    let task = try SAGESnetTask<Float>(modelConfiguration(members, defaults: ["cell": "1"]), training: [path], validation: [])
    let trainer = try Trainer(
        task: task, configuration: training(microBatch: microBatch), communicator: communicator)
    for _ in 0..<4 { try trainer.takeStep() }
    return trainer.parameters.map { UInt64($0.bitPattern) } + [trainer.loss.bitPattern]
}

/// Runs `body` with more threads for the programs of this rank.
private func withThreads<Result>(_ count: Int, _ body: () throws -> Result) rethrows -> Result {
    ThreadTeam.shared.resize(to: count)
    defer { ThreadTeam.shared.resize(to: 1) }
    return try body()
}

/// What a training can be made of.
private let variants = [
    "channels: 6, blocks: 1",
    "channels: 6, blocks: 1, cells: \"dense\", predictor: \"increment\"",
    "channels: 6, blocks: 1, predictor: \"increment\", form: \"scatter\", rollout: 2, positionNoise: 0.01, "
        + "velocityNoise: 0.1, environment: [\"temperature\"]",
    "channels: 6, blocks: 1, slots: 4, origin: \"random\"",
    "cell: 2, predictor: \"bonds\", bonds: { cutoff: 1.75, bondCutoff: 1.6, margin: 0.2, bondChannels: 5, angleChannels: 5 }, kicks: 5",
]

let sagesnetTrainingTests: [DistributedTest] = [
    DistributedTest("sagesnet.training.serialBits", ranks: [2, 3, 4]) { communicator in
        try withCrystal(communicator) { path in
            for members in variants {
                let mine = try weights(members, path, microBatch: 1, communicator)
                let serial = try onFirst(1, of: communicator) { try weights(members, path, microBatch: 1, $0) }
                try expect(mine == (try shared(serial, communicator)), "\(members): not the weights of one rank")
            }
        }
    },
    DistributedTest("sagesnet.training.threadBits", ranks: few) { communicator in
        try withCrystal(communicator) { path in
            for members in variants {
                let alone = try weights(members, path, microBatch: 1, communicator)
                let together = try withThreads(3) { try weights(members, path, microBatch: 1, communicator) }
                try expect(alone == together, "\(members): not the weights of one thread")
            }
        }
    },
    DistributedTest("sagesnet.training.threadsAllocateNothing", ranks: few) { communicator in
        try withCrystal(communicator) { path in
            for members in variants {
                let task = try SAGESnetTask<Float>(modelConfiguration(members, defaults: ["cell": "1"]), training: [path], validation: [])
                let trainer = try Trainer(task: task, configuration: training(microBatch: 2), communicator: communicator)
                for index in 0..<task.training[0].frameCount { _ = try task.training[0].frame(index) }
                try withThreads(3) {
                    for _ in 0..<8 { try trainer.takeStep() }
                    let allocations = try countAllocations { for _ in 0..<3 { try trainer.takeStep() } }
                    try expect(allocations == 0, "\(members): \(allocations) allocations in 3 steps of 3 threads")
                }
            }
        }
    },
    DistributedTest("sagesnet.simulator.threadBits", ranks: few) { communicator in
        try withCrystal(communicator) { path in
            for members in variants {
                func velocities() throws -> [SIMD3<Double>] {
                    var rollout = RandomRollout(members)
                    (rollout.timeStep, rollout.speed, rollout.kick) = (0.004, 3, 0.01)
                    let simulator = try rollout.simulator(path, communicator)
                    for _ in 0..<6 { try simulator.advance() }
                    return simulator.localAtoms.sorted { $0.id < $1.id }.map(\.velocity)
                }
                let alone = try velocities()
                let together = try withThreads(3) { try velocities() }
                try expect(alone == together, "\(members): not the atoms of one thread")
            }
        }
    },
    DistributedTest("sagesnet.training.allocatesNothing", ranks: few) { communicator in
        try withCrystal(communicator) { path in
            for members in variants {
                let task = try SAGESnetTask<Float>(modelConfiguration(members, defaults: ["cell": "1"]), training: [path], validation: [])
                let trainer = try Trainer(
                    task: task, configuration: training(microBatch: 2), communicator: communicator)
                // Until each rank has read all frames: with them goes the allocation.
                for index in 0..<task.training[0].frameCount { _ = try task.training[0].frame(index) }
                for _ in 0..<8 { try trainer.takeStep() }
                let allocations = try countAllocations { for _ in 0..<3 { try trainer.takeStep() } }
                try expect(allocations == 0, "\(members): \(allocations) allocations in 3 steps")
            }
        }
    },
    DistributedTest("sagesnet.simulator.allocatesNothing", ranks: few) { communicator in
        try withCrystal(communicator) { path in
            for members in variants {
                var rollout = RandomRollout(members)
                (rollout.timeStep, rollout.speed, rollout.kick) = (0.004, 3, 0.01)
                let simulator = try rollout.simulator(path, communicator)
                for _ in 0..<10 { try simulator.advance() }
                let allocations = try countAllocations { for _ in 0..<5 { try simulator.advance() } }
                try expect(allocations == 0, "\(members): \(allocations) allocations in 5 steps")
                try expect(simulator.plans == 1, "\(simulator.plans) plans")
            }
        }
    },
]
