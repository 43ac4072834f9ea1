import CellularAutomata
import Grid
import MPI
import SAGESnetTestSupport
import Tensor
import Training
@testable import SAGESnet

/// A grid's model of random weights with feedback from a hardly trained coarse level, and its cells after some steps. Collective.
private func states(
    _ level: String, _ data: String, parts: Extent3?, _ communicator: Communicator
) throws -> [[UInt64]] {
    let coarse = try CoarseLevel(level, communicator: communicator)
    let model = GridModel(
        try gridConfiguration("channels: 8, feedback: \"\(level)\""), stride: .init(steps: 1, time: 1), coarse: coarse)
    let parameters = Buffer<Float>(repeating: 0, count: model.layout.count)
    model.layout.initialize(parameters.pointer, seed: 3)
    for index in 0..<parameters.count { parameters.pointer[index] *= 2 }
    let source = try GridSource(data, for: model.configuration)
    let simulator = try GridSimulator<Float>(
        model: model, parameters: parameters, cells: source.cells, boundaries: source.boundaries,
        communicator: communicator, parts: parts)
    try communicator.agree { try simulator.start(from: source, frame: 2) }
    return try (0..<6).map { step in
        if step > 0 { try simulator.advance() }
        var words: [UInt64] = []
        for (index, value) in simulator.state.enumerated() {
            let cell = simulator.range.lower + simulator.range.extent.cell(at: index)
            words += [UInt64(source.cells.index(of: cell)), UInt64(value.bitPattern)]
        }
        let all = try communicator.allGatherV(words).elements
        var result = [UInt64](repeating: .max, count: source.cells.count)
        for entry in 0..<(all.count / 2) { result[Int(all[2 * entry])] = all[2 * entry + 1] }
        return result
    }
}

/// Levels on grids that no number of ranks shares out evenly, alike on both levels.
private let levels = [
    "base: \"grid\", channels: 12, blocks: 1, factors: [8, 8, 8], steps: 1",
    "base: \"grid\", channels: 12, blocks: 1, factors: [2, 4, 2], steps: 2",
]

let feedbackTests: [DistributedTest] = [
    DistributedTest("grid.boxTransfer", ranks: [1, 2, 3, 4, 6]) { communicator in
        let cells = Extent3(z: 12, y: 7, x: 9)
        let ranks = 0..<communicator.size
        func boxes(_ cells: Extent3, _ parts: Extent3?) throws -> [CellRange] {
            let shares = try Decomposition(
                cells: cells, boundaries: .open, haloWidth: 1, ranks: communicator.size, parts: parts)
            return ranks.map { shares.range(ofRank: $0) }
        }
        let sources = try boxes(cells, nil)
        // Turned around, and with a margin, so that targets overlap and reach beyond the ends.
        let margin = Extent3(z: 2, y: 3, x: 1)
        let targets = try boxes(cells, Extent3(z: 1, y: 1, x: communicator.size)).map { box in
            CellRange(lower: box.lower - margin, upper: box.upper + margin)
        }
        let boundaries = Boundaries(z: .open, y: .periodic, x: .periodic)
        let grid = try Decomposition(cells: cells, boundaries: boundaries, haloWidth: 1, ranks: 1)
        let transfer = try BoxTransfer<Float>(
            from: sources, to: targets, cells: cells, boundaries: boundaries, channels: 2, communicator: communicator)
        for round in 1...2 {
            func number(_ cell: Extent3, _ channel: Int) -> Float { Float(round * (2 * cells.index(of: cell) + channel)) }
            let values = Buffer<Float>(repeating: -1, count: 2 * transfer.source.count)
            let result = Buffer<Float>(repeating: -1, count: 2 * transfer.target.count)
            for index in 0..<values.count {
                values[index] = number(transfer.source.lower + transfer.source.extent.cell(at: index / 2), index % 2)
            }
            try transfer.move(values.pointer, to: result.pointer)
            for index in 0..<result.count {
                let cell = transfer.target.lower + transfer.target.extent.cell(at: index / 2)
                let expected = grid.wrap(cell).map { number($0, index % 2) } ?? -1
                try expect(result[index] == expected, "cell \(cell) has \(result[index])")
            }
        }
    },
] + levels.map { members in
    DistributedTest("sagesnet.feedback.serialBits.\(members.contains("steps: 1") ? "regions" : "blocks")",
                    ranks: [2, 3, 4, 6]) { communicator in
        try withFolder(communicator) { folder in
            let (data, level) = ("\(folder)/data.h5", "\(folder)/level1-predictor.h5")
            if communicator.rank == 0 {
                var series = AutomatonSeries("4555", Extent3(z: 24, y: 16, x: 40))
                (series.frames, series.boundaries) = (9, Boundaries(z: .open, y: .periodic, x: .periodic))
                try series.write(to: data)
                _ = try LevelModels(in: folder, members, data: data).write(level: 1)
            }
            try communicator.barrier()
            let mine = try states(level, data, parts: nil, communicator)
            let serial = try onFirst(1, of: communicator) { try states(level, data, parts: nil, $0) }
            for (step, state) in mine.enumerated() {
                try expect(state == (try shared(serial?[step], communicator)), "not the cells of one rank in step \(step)")
                try expect(!state.contains(.max), "a cell is nobody's")
            }
            try expect(Set(mine).count == mine.count, "states that do not change")
            let parts = Extent3(z: communicator.size, y: 1, x: 1)
            try expect(try states(level, data, parts: parts, communicator) == mine, "not the cells of another decomposition")
        }
    }
}
