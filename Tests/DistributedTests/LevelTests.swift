import Grid
import MPI
import NeuralNetworks
import SAGESnetTestSupport
import Tensor
import Training
import Trajectory
@testable import SAGESnet

/// Bits of the codes of all cells after some steps from a file, in the order of the whole grid, and of what they decode to.
/// Collective.
private func states(
    _ path: String, _ data: String, parts: Extent3?, _ communicator: Communicator
) throws -> [[UInt64]] {
    let (model, parameters, _, _) = try LevelModel.load(path, as: Float.self, communicator: communicator)
    // Of weights that were hardly trained: so large that steps differ, so small that they stay finite.
    var generator = Philox(seed: 3)
    for parameter in model.layout.parameters where !parameter.name.hasPrefix("transformer") {
        for index in 0..<parameter.shape.count {
            parameters.pointer[parameter.offset + index] += Float(0.005 * generator.nextNormal())
        }
    }
    let run: any BlockRun = switch model.configuration.base {
    case .atoms: try AtomBlocks(data, for: model.configuration)
    case .grid: try GridBlocks(data, for: model.configuration)
    }
    let simulator = try LevelSimulator<Float>(
        model: model, parameters: parameters, blocks: run.blocks, boundaries: run.boundaries,
        communicator: communicator, parts: parts)
    try simulator.start(from: run, frame: 0)
    // Level 2 of so small a crystal, hardly trained, leaves the codes that it has seen in its third step.
    let steps = model.configuration.level == 1 ? 4 : 2
    return try (0...steps).map { step in
        if step > 0 {
            let isStopped = try simulator.advance(request: step == 2 && communicator.rank == communicator.size - 1)
            try expect(isStopped == (step == 2), "a wish of the last rank in step 2 was heard in step \(step)")
        }
        try simulator.decode()
        let codes = try gathered(
            simulator.codes.map { $0 }, simulator.range, of: simulator.decomposition.cells, communicator)
        let width = model.configuration.inputs(1)
        let numbers = (0..<simulator.box.count * width).map { simulator.decoded(0)[$0] }
        return try codes + gathered(numbers, simulator.box, of: run.blocks, communicator)
    }
}

private func gathered(
    _ values: [Float], _ range: CellRange, of cells: Extent3, _ communicator: Communicator
) throws -> [UInt64] {
    guard cells.count > 0 else { return [] }
    let width = try communicator.allReduce(range.count == 0 ? 0 : values.count / range.count, .maximum)
    var words: [UInt64] = []
    for (index, value) in values.enumerated() {
        let cell = range.lower + range.extent.cell(at: index / width)
        words += [UInt64(cells.index(of: cell) * width + index % width), UInt64(value.bitPattern)]
    }
    let all = try communicator.allGatherV(words).elements
    var result = [UInt64](repeating: .max, count: cells.count * width)
    for entry in 0..<(all.count / 2) { result[Int(all[2 * entry])] = all[2 * entry + 1] }
    return result
}

/// Levels of atoms and of cells, on grids that no number of ranks shares out evenly.
private let levels: [(members: String, level: Int, stage: LevelStage)] = [
    ("base: \"atoms\", predictor: \"increment\", slots: 4, channels: 12, blocks: 1", 1, .predictor),
    ("base: \"atoms\", predictor: \"increment\", slots: 4, channels: 12, blocks: 2", 2, .joint),
    ("base: \"atoms\", predictor: \"energy\", slots: 4, channels: 36, width: 12, blocks: 1", 1, .predictor),
    ("base: \"atoms\", predictor: \"energy\", kicks: 5, slots: 4, channels: 36, width: 8, blocks: 1", 2, .joint),
    ("base: \"grid\", channels: 12, blocks: 1", 1, .joint),
    ("base: \"grid\", channels: 12, blocks: 1, factors: [2, 1, 2]", 2, .predictor),
]

let levelTests: [DistributedTest] = levels.map { entry in
    DistributedTest("sagesnet.level.serialBits.\(entry.members.contains("grid") ? "grid" : "atoms")\(entry.level)"
                    + "\(entry.stage.rawValue)\(entry.members.contains("energy") ? "energy" : "")",
                    ranks: [2, 3, 4, 6]) { communicator in
        try withFolder(communicator) { folder in
            let data = "\(folder)/data.h5"
            let models = LevelModels(in: folder, entry.members, data: data)
            let path = "\(folder)/level\(entry.level)-\(entry.stage.rawValue).h5"
            if communicator.rank == 0 {
                if entry.members.contains("grid") {
                    var series = AutomatonSeries("4555", Extent3(z: 12, y: 8, x: 12))
                    (series.frames, series.boundaries) = (9, Boundaries(z: .open, y: .periodic, x: .periodic))
                    try series.write(to: data)
                } else {
                    var lattice = HarmonicLattice()
                    (lattice.sites, lattice.frames) = (SIMD3(8, 4, 12), 9)
                    try lattice.write(to: data)
                }
                _ = try models.write(level: entry.level, stage: entry.stage)
            }
            try communicator.barrier()
            let mine = try states(path, data, parts: nil, communicator)
            let serial = try onFirst(1, of: communicator) { try states(path, data, parts: nil, $0) }
            for (step, state) in mine.enumerated() {
                try expect(state == (try shared(serial?[step], communicator)), "not the codes of one rank in step \(step)")
                try expect(!state.contains(.max), "a cell is nobody's")
            }
            try expect(Set(mine).count == mine.count, "states that do not change")
        }
    }
}
