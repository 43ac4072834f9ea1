import CMessageObserver
import Grid
import MPI
import Tensor
@testable import Training

// What models of a step's time say of its messages, beside the messages that are really sent.

private let everyCount: Set<Int> = [1, 2, 3, 4, 6, 8]

/// The messages that this rank starts while `body` runs.
private func countMessages(_ body: () throws -> Void) rethrows -> sages_message_counts {
    sages_message_counts_reset()
    try body()
    return sages_message_counts_now()
}

private func expectSent(_ counts: sages_message_counts, _ traffic: HaloTraffic, _ what: String) throws {
    try expect(
        counts.messages == traffic.messages && counts.message_bytes == traffic.bytes && counts.collectives == 0,
        "\(what): \(counts), not \(traffic)")
}

private let grids: [(Extent3, Boundaries)] = [
    (Extent3(z: 7, y: 11, x: 13), .periodic), (Extent3(z: 12, y: 12, x: 12), .open),
    (Extent3(z: 30, y: 4, x: 9), Boundaries(z: .open, y: .periodic, x: .periodic)),
]

let trafficTests: [DistributedTest] = [
    DistributedTest("grid.traffic.isWhatIsSent.dense", ranks: everyCount) { communicator in
        for (cells, boundaries) in grids {
            for width in 1...2 {
                let decomposition = try Decomposition(
                    cells: cells, boundaries: boundaries, haloWidth: width, ranks: communicator.size)
                let exchange = try HaloExchange<Float>(decomposition, communicator: communicator, channels: 5)
                let field = GridField<Float>(decomposition, rank: communicator.rank, channels: 5)
                let traffic = HaloTraffic(decomposition, rank: communicator.rank, bytesPerCell: 20)
                let what = "\(cells) \(boundaries), width \(width)"
                try expectSent(try countMessages { try exchange.exchange(field) }, traffic, what)
                try expectSent(try countMessages { try exchange.exchangeAdjoint(field) }, traffic, "adjoint, \(what)")
                let busiest = HaloTraffic.busiest(decomposition, bytesPerCell: 20)
                try expect(try communicator.allReduce(traffic.bytes, .maximum) == busiest.bytes, "busiest, \(what)")
                try expect(communicator.size > 1 || traffic.messages == 0, "a rank alone sends nothing")
            }
        }
    },
    DistributedTest("grid.traffic.isWhatIsSent.occupied", ranks: everyCount) { communicator in
        for (cells, boundaries) in grids {
            let decomposition = try Decomposition(
                cells: cells, boundaries: boundaries, haloWidth: 1, ranks: communicator.size)
            let occupied = try OccupiedCells(decomposition, communicator: communicator, sendCapacity: 0)
            // One cell in three of the lower half, so that some messages are empty.
            let range = decomposition.range(ofRank: communicator.rank)
            let rows = (0..<range.count).filter {
                let cell = range.lower + range.extent.cell(at: $0)
                return cell.z < cells.z / 2 && cells.index(of: cell) % 3 == 0
            }.map { Int32($0) }
            let ordered = rows.filter { occupied.isAtBorder(cell: Int($0)) } + rows.filter { !occupied.isAtBorder(cell: Int($0)) }
            try ordered.withUnsafeBufferPointer { try occupied.rebuild(cellOfRow: $0) }
            let exchange = try OccupiedRowExchange<Double>(occupied, channelCapacity: 1, rowCapacity: 0)
            let array = Buffer<Double>(repeating: 1, count: 4 * max(occupied.totalRows, 1))
            let counts = try countMessages {
                try exchange.start(array.pointer, channels: 4)
                try exchange.finish()
            }
            try expectSent(counts, occupied.traffic(bytesPerRow: 32), "\(cells) \(boundaries)")
        }
    },
    DistributedTest("training.traffic.isWhatIsReduced", ranks: [1, 2, 3, 4]) { communicator in
        for bucketElements in [1, 40, 100_000] {
            let trainer = try Trainer(
                task: RegressionTask(),
                configuration: TrainingConfiguration(length: .steps(20), globalBatch: 6, microBatch: 2),
                communicator: communicator, bucketElements: bucketElements)
            // The first step calibrates.
            for _ in 0..<3 { try trainer.takeStep() }
            let counts = try countMessages { try trainer.takeStep() }
            let reductions = communicator.size > 1 ? trainer.reductionBytes : []
            try expect(trainer.calibrations == 1, "\(trainer.calibrations) calibrations")
            try expect(
                counts.messages == 0 && counts.collectives == reductions.count
                    && counts.collective_bytes == reductions.reduce(0, +),
                "buckets of \(bucketElements): \(counts), not \(reductions)")
            try expect(
                trainer.reductionBytes.dropLast().reduce(0, +)
                    == 4 * trainer.task.layout.parameters.reduce(0) { $0 + $1.shape.count }, "bytes of gradients")
        }
    },
]
