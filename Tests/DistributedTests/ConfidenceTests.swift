import Grid
import MPI
import SAGESnetTestSupport
import Tensor
import Trajectory
@testable import SAGESnet

private let several: Set<Int> = [1, 2, 3, 4, 6]

private func gas(_ members: String) -> RandomRollout {
    var rollout = RandomRollout("slots: 6, channels: 6, origin: \"corner\", \(members)")
    rollout.atoms = 200
    (rollout.timeStep, rollout.kick, rollout.speed, rollout.steps) = (0.004, 1, 10, 4)
    return rollout
}

/// Rows of atoms, with some two bonds each.
private var bonded: RandomRollout {
    var rollout = RandomRollout(
        "predictor: \"bonds\", bonds: { cutoff: 0.9, bondCutoff: 0.8, margin: 0.1, pairFunctions: 3, pairChannels: 3, "
            + "bondFunctions: 4, bondChannels: 5, bondWidth: 6, angleFunctions: 3, angleChannels: 4, atomWidth: 4 }")
    rollout.box.edges = SIMD3(7, 6, 5)
    rollout.atoms = 210
    (rollout.timeStep, rollout.kick, rollout.speed, rollout.steps) = (0.002, 0.00005, 5, 4)
    return rollout
}

private let variants = [
    bonded, gas("blocks: 2"), gas("blocks: 1, predictor: \"increment\", form: \"scatter\""), gas("blocks: 1, cells: \"dense\""),
]

let confidenceTests: [DistributedTest] = [
    DistributedTest("sagesnet.sensitivity.serialBits", ranks: several) { communicator in
        for rollout in variants {
            try withFile(communicator, rollout.writeGas) { path in
                func gradient(_ communicator: Communicator) throws -> [UInt64] {
                    let simulator = try rollout.simulator(path, communicator, differentiatesKicks: true)
                    let start = try SimulationStart(path, for: rollout.model(), communicator: communicator)
                    let found = try RolloutSensitivity(
                        of: .init(.temperature, of: .region(lower: SIMD3(0, 0, 0), upper: SIMD3(6, 6, 6)), steps: rollout.steps),
                        simulator, start)
                    return (found.gradient.position + found.gradient.velocity).flatMap { vector in
                        (0..<3).map { vector[$0].bitPattern }
                    } + [found.value.bitPattern]
                }
                let mine = try gradient(communicator)
                let serial = try shared(try onFirst(1, of: communicator, gradient), communicator)
                try expect(mine == serial, "\(rollout.members): not the derivatives of one rank")
                try expect(mine.count == 6 * rollout.atoms + 1, "\(mine.count) words")
                try expect(Set(mine).count > mine.count / 2, "\(rollout.members): derivatives are alike")
            }
        }
    },
    DistributedTest("sagesnet.sensitivity.serialBitsOfGrid", ranks: several) { communicator in
        var series = AutomatonSeries("4555", Extent3(z: 6, y: 8, x: 10))
        series.frames = 3
        let configuration = try gridConfiguration("channels: 6, blocks: 2, crop: 2")
        let model = GridModel(configuration, stride: .init(steps: 1, time: 1))
        let parameters = Buffer<Double>(repeating: 0, count: model.layout.count)
        model.layout.initialize(parameters.pointer, seed: 4)
        try withFile(communicator, series.write) { path in
            func gradient(_ communicator: Communicator) throws -> [UInt64] {
                let source = try GridSource(path, for: configuration)
                let region = CellRange(lower: Extent3(z: 1, y: 1, x: 1), upper: Extent3(z: 4, y: 4, x: 9))
                let (found, error) = try GridSensitivity.run(
                    .init(region: region, steps: 3, frame: 0), model, parameters: parameters, source: source,
                    communicator: communicator, isChecked: true)
                try expect((error ?? 1) < 1e-4, "differs by \(error ?? .nan) from perturbations")
                var words: [UInt64] = []
                for (index, value) in found.gradient.enumerated() {
                    let cell = found.range.lower + found.range.extent.cell(at: index)
                    words += [UInt64((cell.z * 8 + cell.y) * 10 + cell.x), value.bitPattern]
                }
                let all = try communicator.allGatherV(words).elements
                let order = (0..<(all.count / 2)).sorted { all[2 * $0] < all[2 * $1] }
                return order.map { all[2 * $0 + 1] } + [found.value.bitPattern, try found.norm(communicator).bitPattern]
            }
            let mine = try gradient(communicator)
            let serial = try shared(try onFirst(1, of: communicator, gradient), communicator)
            try expect(mine == serial && mine.count == 482, "not the derivatives of one rank")
            try expect(Set(mine).count > 50, "derivatives are alike")
        }
    },
    DistributedTest("sagesnet.confidence.serialBits", ranks: several) { communicator in
        // What a network of confidence sees of each atom, along a simulation.
        for rollout in variants {
            try withFile(communicator, rollout.writeGas) { path in
                func seen(_ communicator: Communicator) throws -> [UInt64] {
                    let simulator = try rollout.simulator(path, communicator)
                    let surroundings = Surroundings(simulator)
                    let width = simulator.model.surroundingsCount
                    var result: [UInt64] = []
                    for _ in 0..<rollout.steps {
                        let (features, rows) = try surroundings.compute()
                        let slots = simulator.model.configuration.slots
                        var words: [UInt64] = []
                        for (index, atom) in simulator.localAtoms.enumerated() {
                            let row = Int(simulator.atoms.arrays.entries[index]) / slots
                            try expect(row < rows, "row \(row) of \(rows)")
                            words.append(UInt64(bitPattern: atom.id))
                            words += (0..<width).map { UInt64(features[row * width + $0].bitPattern) }
                        }
                        let all = try communicator.allGatherV(words).elements
                        let order = (0..<rollout.atoms).sorted { all[(width + 1) * $0] < all[(width + 1) * $1] }
                        result += order.flatMap { all[((width + 1) * $0)..<((width + 1) * ($0 + 1))] }
                        try simulator.advance()
                    }
                    return result
                }
                let mine = try seen(communicator)
                let serial = try shared(try onFirst(1, of: communicator, seen), communicator)
                try expect(mine == serial, "\(rollout.members): not what one rank sees")
                try expect(Set(mine).count > rollout.atoms * rollout.steps, "\(rollout.members): atoms see the same")
            }
        }
    },
]
