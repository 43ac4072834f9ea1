import CellularAutomata
import Grid
import MPI
import NeuralNetworks
import SAGESnetTestSupport
import Tensor
import Training
@testable import SAGESnet

private let several: Set<Int> = [2, 3, 4, 6, 8]

private let grids: [(cells: Extent3, boundaries: Boundaries)] = [
    (Extent3(z: 10, y: 12, x: 8), .periodic), (Extent3(z: 9, y: 7, x: 13), .open),
    (Extent3(z: 24, y: 6, x: 5), Boundaries(z: .periodic, y: .periodic, x: .open)),
]

/// The numbers of all ranks' cells in the order of the whole grid. Collective.
private func gathered(
    _ values: UnsafeBufferPointer<Float>, _ range: CellRange, of cells: Extent3, _ communicator: Communicator
) throws -> [UInt64] {
    var words: [UInt64] = []
    for (index, value) in values.enumerated() {
        let cell = range.lower + range.extent.cell(at: index)
        words += [UInt64(cells.index(of: cell)), UInt64(value.bitPattern)]
    }
    let all = try communicator.allGatherV(words).elements
    var result = [UInt64](repeating: .max, count: cells.count)
    for entry in 0..<(all.count / 2) { result[Int(all[2 * entry])] = all[2 * entry + 1] }
    return result
}

/// The cells after some steps, and some undone where the rule can be. Collective.
private func states(
    _ rule: AutomatonRule, _ grid: (cells: Extent3, boundaries: Boundaries), _ communicator: Communicator
) throws -> [[UInt64]] {
    let automaton = try Automaton(rule, cells: grid.cells, boundaries: grid.boundaries, communicator: communicator)
    let buffer = Buffer<Float>(repeating: 0, count: automaton.range.count)
    func state() throws -> [UInt64] {
        automaton.write(to: buffer.span)
        return try gathered(UnsafeBufferPointer(buffer.span), automaton.range, of: grid.cells, communicator)
    }
    try automaton.sow(density: 0.3, seed: 6)
    var history = [try state()]
    for _ in 0..<5 {
        try automaton.advance()
        history.append(try state())
    }
    if case .blocks = rule {
        for step in (2..<5).reversed() {
            try automaton.retreat()
            try expect(try state() == history[step], "step \(step) is not undone")
        }
    }
    return history
}

/// A model of random weights on a grid.
private struct RandomGrid {
    var members: String
    var grid: (cells: Extent3, boundaries: Boundaries)
    var parts: Extent3?

    func states(_ communicator: Communicator) throws -> [[UInt64]] {
        let model = GridModel(try gridConfiguration(members), stride: .init(steps: 1, time: 1))
        let parameters = Buffer<Float>(repeating: 0, count: model.layout.count)
        model.layout.initialize(parameters.pointer, seed: 3)
        // About as many logits above zero as below.
        for index in 0..<parameters.count { parameters.pointer[index] *= 2 }
        let simulator = try GridSimulator<Float>(
            model: model, parameters: parameters, cells: grid.cells, boundaries: grid.boundaries,
            communicator: communicator, parts: parts)
        for index in simulator.state.indices {
            let cell = simulator.range.lower + simulator.range.extent.cell(at: index)
            var random = Philox(seed: 8, stream: UInt64(grid.cells.index(of: cell)))
            simulator.state[index] = random.nextUniform() < 0.4 ? 1 : 0
        }
        return try (0..<6).map { step in
            if step > 0 {
                let isStopped = try simulator.advance(request: step == 4 && communicator.rank == communicator.size - 1)
                try expect(isStopped == (step == 4), "a wish of the last rank in step 4 was heard in step \(step)")
            }
            return try gathered(UnsafeBufferPointer(simulator.state), simulator.range, of: grid.cells, communicator)
        }
    }
}

/// Runs `body` on all ranks and on one, and wants the same bits, of states that change.
private func expectSerialBits(
    _ name: String, _ communicator: Communicator, _ body: (Communicator) throws -> [[UInt64]]
) throws {
    let mine = try body(communicator)
    let serial = try onFirst(1, of: communicator, body)
    for (step, state) in mine.enumerated() {
        try expect(state == (try shared(serial?[step], communicator)), "\(name): not the cells of one rank in step \(step)")
        try expect(!state.contains(.max), "\(name): a cell is nobody's")
    }
    // A comparison that cannot fail is none.
    try expect(Set(mine).count >= 3, "\(name): only \(Set(mine).count) of \(mine.count) states differ")
}

private let training = TrainingConfiguration(
    length: .steps(100), globalBatch: 6, microBatch: 1, schedule: Schedule(peak: 1e-2), clip: 1, averaging: 0.9)

let automatonTests: [DistributedTest] = [
    DistributedTest("automaton.serialBits", ranks: several) { communicator in
        for grid in grids {
            for rule in ["4555", "5766", "B3-6/S4-9", "gas"] {
                try expectSerialBits("\(rule) on \(grid)", communicator) {
                    try states(AutomatonRule(parsing: rule), grid, $0)
                }
            }
        }
    },
    DistributedTest("automaton.regions.serialBits", ranks: several) { communicator in
        let grid = (cells: Extent3(z: 16, y: 24, x: 8), boundaries: Boundaries(z: .periodic, y: .open, x: .periodic))
        try expectSerialBits("regions", communicator) {
            try states(AutomatonRule(parsing: "regions:3546,7878,120"), grid, $0)
        }
    },
    DistributedTest("sagesnet.grid.serialBits", ranks: several) { communicator in
        for grid in grids {
            for algorithm in ["automatic", "direct", "winograd"] {
                for members in ["channels: 12, parity: true", "channels: 8, blocks: 2, parity: true, mixingLayers: 1"] {
                    let random = RandomGrid(members: "\(members), convolution: \"\(algorithm)\"", grid: grid)
                    try expectSerialBits("\(random.members) on \(grid)", communicator) { try random.states($0) }
                }
            }
        }
    },
    DistributedTest("sagesnet.grid.anyDecomposition", ranks: [4, 6]) { communicator in
        let members = "channels: 12, parity: true"
        for parts in [Extent3(z: 1, y: 2, x: 2), Extent3(z: 4, y: 1, x: 1), Extent3(z: 1, y: 1, x: 3)] {
            try expectSerialBits("\(parts)", communicator) {
                let random = RandomGrid(members: members, grid: grids[0], parts: $0.size > 1 ? parts : nil)
                return try random.states($0)
            }
        }
    },
    DistributedTest("sagesnet.grid.training.serialBits", ranks: [2, 3, 4, 6]) { communicator in
        try withFile(communicator, { try AutomatonSeries("gas", Extent3(z: 8, y: 10, x: 12)).write(to: $0) }, { path in
            func weights(_ communicator: Communicator) throws -> [UInt64] {
                let task = try GridTask<Float>(
                    gridConfiguration("channels: 8, crop: 6, parity: true"), training: [path], validation: [])
                let trainer = try Trainer(task: task, configuration: training, communicator: communicator)
                for _ in 0..<4 { try trainer.takeStep() }
                return trainer.parameters.map { UInt64($0.bitPattern) } + [trainer.loss.bitPattern]
            }
            let mine = try weights(communicator)
            let serial = try shared(try onFirst(1, of: communicator, weights), communicator)
            try expect(mine == serial, "not the weights of one rank")
        })
    },
    DistributedTest("sagesnet.grid.evaluation", ranks: [1, 2, 3, 4]) { communicator in
        try withFile(communicator, { try AutomatonSeries("gas", Extent3(z: 8, y: 10, x: 12)).write(to: $0) }, { path in
            func figures(_ communicator: Communicator) throws -> [UInt64] {
                let model = GridModel(try gridConfiguration("parity: true"), stride: .init(steps: 1, time: 1))
                let parameters = Buffer<Float>(repeating: 0, count: model.layout.count)
                model.layout.initialize(parameters.pointer, seed: 3)
                let source = try GridSource(path, for: model.configuration)
                let simulator = try GridSimulator<Float>(
                    model: model, parameters: parameters, cells: source.cells, boundaries: source.boundaries,
                    communicator: communicator)
                let steps = try GridEvaluation.ofSteps(simulator, source, communicator: communicator)
                let rollout = try GridEvaluation.ofRollout(
                    simulator, source, frame: 1, steps: 4, communicator: communicator)
                return [steps, rollout].flatMap {
                    [$0.frames, $0.wrong, $0.exactFrames, $0.wrongOfPersistence, $0.wrongOfZero].map { UInt64($0) }
                }
            }
            let mine = try figures(communicator)
            try expect(mine == (try shared(try onFirst(1, of: communicator, figures), communicator)), "\(mine)")
            try expect(mine[0] == 5 && mine[1] > 0 && mine[5] == 4 && mine[6] > 0, "\(mine)")
        })
    },
]
