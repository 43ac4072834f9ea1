import Foundation
import MPI

@testable import Grid

private let everyCount: Set<Int> = [1, 2, 3, 4, 6, 8]
private let untouched = -7.0

/// How many rows a cell of the whole grid holds.
private enum Occupancy {
    /// No row in three cells of four, else one to three.
    case crowded(seed: Int)
    /// One row or none.
    case single(seed: Int)
    /// One row in every cell.
    case full

    func rows(inCell index: Int) -> Int {
        switch self {
        case .crowded(let seed): max(0, (Int(smallNumber(index, seed)) + 8) % 12 - 8)
        case .single(let seed): smallNumber(index, seed) > 4 ? 1 : 0
        case .full: 1
        }
    }
}

/// A rank's rows, each carrying the place of its cell in the whole grid and its number within the cell.
private struct Rows {
    let cellOfRow: [Int32]
    let globalCell: [Int]
    let copy: [Int]

    init(_ occupancy: Occupancy, _ decomposition: Decomposition, rank: Int) {
        let range = decomposition.range(ofRank: rank)
        let inner = HaloPlan(decomposition, rank: rank).inner
        var cellOfRow: [Int32] = []
        var globalCell: [Int] = []
        var copies: [Int] = []
        for isInner in [false, true] {
            forEachCell(range) { cell in
                guard inner.contains(cell - range.lower) == isInner else { return }
                let index = decomposition.cells.index(of: cell)
                for copy in 0..<occupancy.rows(inCell: index) {
                    cellOfRow.append(Int32(range.extent.index(of: cell - range.lower)))
                    globalCell.append(index)
                    copies.append(copy)
                }
            }
        }
        (self.cellOfRow, self.globalCell, self.copy) = (cellOfRow, globalCell, copies)
    }
}

private func value(_ globalCell: Int, _ copy: Int, _ channel: Int) -> Double {
    Double(globalCell * 100 + copy * 10 + channel + 1)
}

private func rebuild(_ cells: OccupiedCells, _ rows: Rows) throws {
    try rows.cellOfRow.withUnsafeBufferPointer { try cells.rebuild(cellOfRow: $0) }
}

/// The array of rows with owned rows filled and ghost rows untouched.
private func filled(_ cells: OccupiedCells, _ rows: Rows, channels: Int) -> [Double] {
    var array = [Double](repeating: untouched, count: max(cells.totalRows, 1) * channels)
    for row in rows.cellOfRow.indices {
        for channel in 0..<channels { array[row * channels + channel] = value(rows.globalCell[row], rows.copy[row], channel) }
    }
    return array
}

private func exchange(_ rowExchange: OccupiedRowExchange<Double>, _ array: inout [Double], channels: Int) throws {
    try array.withUnsafeMutableBufferPointer {
        guard let base = $0.baseAddress else { return }
        try rowExchange.start(base, channels: channels)
        while try !rowExchange.progress() {}
        try rowExchange.finish()
    }
}

/// The first cell of the padded box whose rows are not those of the cell that it stands for.
private func firstWrongCell(_ cells: OccupiedCells, _ array: [Double], _ occupancy: Occupancy, channels: Int) -> String? {
    let (decomposition, rank) = (cells.decomposition, cells.communicator.rank)
    guard decomposition.isActive(rank) else { return cells.totalRows == 0 ? nil : "an idle rank has rows" }
    let lower = decomposition.range(ofRank: rank).lower
    var used = Set(0..<cells.ownedRows)
    var wrong: String?
    forEachCell(paddedRange(cells.box)) { local in
        let place = cells.box.index(local)
        let globalCell = decomposition.wrap(lower + local).map { decomposition.cells.index(of: $0) }
        let count = globalCell.map { occupancy.rows(inCell: $0) } ?? 0
        guard cells.rowCount[place] == count, (cells.firstRow[place] >= 0) == (count > 0) else {
            wrong = wrong ?? "cell \(local) has \(cells.rowCount[place]) rows from \(cells.firstRow[place]), not \(count)"
            return
        }
        for copy in 0..<count {
            let row = Int(cells.firstRow[place]) + copy
            used.insert(row)
            for channel in 0..<channels where array[row * channels + channel] != value(globalCell ?? 0, copy, channel) {
                wrong = wrong ?? "row \(row) of cell \(local) has \(array[row * channels + channel])"
            }
        }
    }
    return wrong ?? (used == Set(0..<cells.totalRows) ? nil : "some ghost row belongs to no cell")
}

private func checkBorder(_ cells: OccupiedCells, _ rows: Rows) throws {
    try expect(cells.rowsToSend.allSatisfy { $0 < cells.borderRows }, "rows of other ranks' ghosts are at the border")
    let width = Extent3(repeating: cells.box.haloWidth)
    for row in cells.borderRows..<cells.ownedRows {
        let center = cells.box.cells.cell(at: Int(rows.cellOfRow[row]))
        try forEachCell(CellRange(lower: center - width, upper: center + width + Extent3(repeating: 1))) { neighbor in
            let first = Int(cells.firstRow[cells.box.index(neighbor)])
            try expect(first < cells.ownedRows, "row \(row) behind the border depends on ghost row \(first)")
        }
    }
    if cells.ghostRows == 0 && cells.communicator.size == 1 { try expect(cells.borderRows == 0, "nothing to wait for") }
}

private func eachCase(_ communicator: Communicator, _ body: (Decomposition) throws -> Void) throws {
    for cells in haloTestGrids {
        for boundaries in everyBoundaries {
            for haloWidth in 1...3 {
                try body(Decomposition(cells: cells, boundaries: boundaries, haloWidth: haloWidth, ranks: communicator.size))
            }
        }
    }
}

/// Three steps of a sum over the 27 neighbors by the table of neighbor rows, behind the border while messages travel.
private func stencilSteps(_ decomposition: Decomposition, _ communicator: Communicator) throws -> [(Int, Float)] {
    let rows = Rows(.single(seed: 3), decomposition, rank: communicator.rank)
    let cells = try OccupiedCells(decomposition, communicator: communicator, sendCapacity: 0)
    try rebuild(cells, rows)
    let rowExchange = try OccupiedRowExchange<Float>(cells, channelCapacity: 1, rowCapacity: 0)
    var current = [Float](repeating: 0, count: cells.totalRows + 1)
    for row in 0..<cells.ownedRows { current[row] = Float(smallNumber(rows.globalCell[row], 9)) / 3 }
    var table = [Int32](repeating: -2, count: cells.ownedRows * 27)
    try table.withUnsafeMutableBufferPointer { table in
        try rows.cellOfRow.withUnsafeBufferPointer { try cells.fillNeighborRows(table, cellOfRow: $0) }
    }
    for _ in 0..<3 {
        var next = current
        func compute(_ part: Range<Int>) {
            for row in part {
                var sum: Float = 0
                for direction in 0..<27 {
                    let neighbor = Int(table[row * 27 + direction])
                    if neighbor >= 0 { sum.addProduct(current[neighbor], 0.037 + 0.001 * Float(direction)) }
                }
                next[row] = sum
            }
        }
        try current.withUnsafeMutableBufferPointer { try rowExchange.start($0.baseAddress.unsafelyUnwrapped, channels: 1) }
        compute(cells.borderRows..<cells.ownedRows)
        try rowExchange.finish()
        compute(0..<cells.borderRows)
        current = next
    }
    return (0..<cells.ownedRows).map { (rows.globalCell[$0], current[$0]) }
}

let gridOccupiedTests: [DistributedTest] = [
    DistributedTest("grid.occupied.ghostRows", ranks: everyCount, timeout: 300) { communicator in
        try eachCase(communicator) { decomposition in
            let cells = try OccupiedCells(decomposition, communicator: communicator, sendCapacity: 4)
            let rowExchange = try OccupiedRowExchange<Double>(cells, channelCapacity: 2, rowCapacity: 4)
            for occupancy in [Occupancy.crowded(seed: 1), .full, .single(seed: 2), .crowded(seed: 5)] {
                let rows = Rows(occupancy, decomposition, rank: communicator.rank)
                try rebuild(cells, rows)
                for channels in [3, 1] {
                    var array = filled(cells, rows, channels: channels)
                    try exchange(rowExchange, &array, channels: channels)
                    let wrong = firstWrongCell(cells, array, occupancy, channels: channels)
                    try expect(wrong == nil, "\(wrong ?? "") (\(decomposition))")
                }
                try checkBorder(cells, rows)
            }
        }
    },
    DistributedTest("grid.occupied.droppedMessageIsCaught", ranks: [2, 4, 8]) { communicator in
        let parts = communicator.size == 8 ? Extent3(repeating: 2) : nil
        let decomposition = try Decomposition(cells: Extent3(z: 7, y: 11, x: 13), boundaries: .periodic, haloWidth: 1,
                                              ranks: communicator.size, parts: parts)
        let cells = try OccupiedCells(decomposition, communicator: communicator, sendCapacity: 0)
        let rows = Rows(.full, decomposition, rank: communicator.rank)
        try rebuild(cells, rows)
        let rowExchange = try OccupiedRowExchange<Double>(cells, channelCapacity: 1, rowCapacity: 0)
        for message in cells.plan.messages {
            rowExchange.droppedDirection = message.direction
            var array = filled(cells, rows, channels: 1)
            try exchange(rowExchange, &array, channels: 1)
            try expect(firstWrongCell(cells, array, .full, channels: 1) != nil, "direction \(message.direction) lost, unnoticed")
        }
        rowExchange.droppedDirection = nil
        var array = filled(cells, rows, channels: 1)
        try exchange(rowExchange, &array, channels: 1)
        try expect(firstWrongCell(cells, array, .full, channels: 1) == nil, "right again without the fault")
    },
    DistributedTest("grid.occupied.adjoint", ranks: everyCount, timeout: 300) { communicator in
        let rank = communicator.rank
        try eachCase(communicator) { decomposition in
            let cells = try OccupiedCells(decomposition, communicator: communicator, sendCapacity: 0)
            try rebuild(cells, Rows(.crowded(seed: 4), decomposition, rank: rank))
            let rowExchange = try OccupiedRowExchange<Double>(cells, channelCapacity: 1, rowCapacity: 0)
            let channels = 3
            let (owned, total) = (cells.ownedRows * channels, cells.totalRows * channels)
            let x = (0..<owned).map { smallNumber($0, rank) }
            let y = (0..<total).map { smallNumber($0, rank + 50) }
            var gathered = x + [Double](repeating: untouched, count: total - owned + 1)
            try exchange(rowExchange, &gathered, channels: channels)
            var scattered = y + [0]
            try scattered.withUnsafeMutableBufferPointer {
                try rowExchange.startAdjoint($0.baseAddress.unsafelyUnwrapped, channels: channels)
                try rowExchange.finishAdjoint()
            }
            let forward = try communicator.allReduce(zip(gathered, y).map { $0 * $1 }.reduce(0, +), .sum)
            let adjoint = try communicator.allReduce(zip(x, scattered).map { $0 * $1 }.reduce(0, +), .sum)
            try expect(forward == adjoint, "<F x, y> = \(forward), <x, F* y> = \(adjoint) (\(decomposition))")
            try expect(scattered[owned...].allSatisfy { $0 == 0 }, "ghost rows become zero")
        }
    },
    DistributedTest("grid.occupied.neighborRows", ranks: everyCount) { communicator in
        for cells in haloTestGrids {
            for boundaries in everyBoundaries {
                let decomposition = try Decomposition(cells: cells, boundaries: boundaries, haloWidth: 1, ranks: communicator.size)
                let occupied = try OccupiedCells(decomposition, communicator: communicator, sendCapacity: 0)
                let rows = Rows(.single(seed: 8), decomposition, rank: communicator.rank)
                try rebuild(occupied, rows)
                let rowExchange = try OccupiedRowExchange<Double>(occupied, channelCapacity: 1, rowCapacity: 0)
                var array = filled(occupied, rows, channels: 1)
                try exchange(rowExchange, &array, channels: 1)
                var table = [Int32](repeating: -2, count: occupied.ownedRows * 27)
                try table.withUnsafeMutableBufferPointer { table in
                    try rows.cellOfRow.withUnsafeBufferPointer { try occupied.fillNeighborRows(table, cellOfRow: $0) }
                }
                for row in 0..<occupied.ownedRows {
                    let cell = cells.cell(at: rows.globalCell[row])
                    for direction in 0..<27 {
                        let neighbor = decomposition.wrap(cell + Direction.offset(direction)).map { cells.index(of: $0) }
                        let expected = neighbor.flatMap { Occupancy.single(seed: 8).rows(inCell: $0) > 0 ? value($0, 0, 0) : nil }
                        let entry = Int(table[row * 27 + direction])
                        let got = entry < 0 ? nil : array[entry]
                        try expect(got == expected, "neighbor \(direction) of row \(row) in \(cells) \(boundaries)")
                    }
                }
            }
        }
    },
    DistributedTest("grid.occupied.decomposedEqualsSerial", ranks: everyCount) { communicator in
        for cells in haloTestGrids {
            for boundaries in [Boundaries.periodic, Boundaries(z: .open, y: .periodic, x: .open)] {
                let serial = try stencilSteps(Decomposition(cells: cells, boundaries: boundaries, haloWidth: 1, ranks: 1), .selfOnly)
                let reference = Dictionary(uniqueKeysWithValues: serial.map { ($0.0, $0.1.bitPattern) })
                let mine = try stencilSteps(
                    Decomposition(cells: cells, boundaries: boundaries, haloWidth: 1, ranks: communicator.size), communicator)
                for (cell, value) in mine { try expect(reference[cell] == value.bitPattern, "cell \(cell) of \(cells): \(value)") }
                try expect(try communicator.allReduce(mine.count, .sum) == serial.count, "every row is computed once")
            }
        }
    },
    DistributedTest("grid.occupied.allocatesNothing", ranks: everyCount) { communicator in
        let decomposition = try Decomposition(cells: Extent3(z: 12, y: 11, x: 13), boundaries: .periodic, haloWidth: 1,
                                              ranks: communicator.size)
        let cells = try OccupiedCells(decomposition, communicator: communicator, sendCapacity: 0)
        let rowExchange = try OccupiedRowExchange<Float>(cells, channelCapacity: 8, rowCapacity: 0)
        // The occupancy changes from step to step.
        let states = [1, 2, 3].map { Rows(.crowded(seed: $0), decomposition, rank: communicator.rank).cellOfRow }
        let array = UnsafeMutableBufferPointer<Float>.allocate(capacity: 20_000 * 8)
        array.initialize(repeating: 1)
        defer { array.deallocate() }
        let step: (Int) throws -> Void = { index in
            try states[index % 3].withUnsafeBufferPointer { try cells.rebuild(cellOfRow: $0) }
            try rowExchange.start(array.baseAddress.unsafelyUnwrapped, channels: 8)
            try rowExchange.finish()
            try rowExchange.startAdjoint(array.baseAddress.unsafelyUnwrapped, channels: 8)
            try rowExchange.finishAdjoint()
        }
        for index in 0..<30 { try step(index) }
        let growth = (cells.growthCount, rowExchange.growthCount)
        let count = try countAllocations { for index in 0..<60 { try step(index) } }
        try expect(count == 0, "\(count) heap allocations in 60 rebuilds, exchanges and adjoints")
        try expect(growth == (cells.growthCount, rowExchange.growthCount), "buffers grew in a steady state")
    },
    DistributedTest("grid.occupied.refusals", ranks: everyCount) { communicator in
        let decomposition = try Decomposition(cells: Extent3(repeating: 8), boundaries: .open, haloWidth: 1, ranks: communicator.size)
        let cells = try OccupiedCells(decomposition, communicator: communicator, sendCapacity: 4)
        for bad in [[Int32(3), 2], [-1], [Int32(cells.box.cells.count)]] {
            let error = try expectError(GridError.self, "\(bad)") { try bad.withUnsafeBufferPointer { try cells.rebuild(cellOfRow: $0) } }
            try expect(error.exitStatus == .internal, "\(error)")
        }
        let two: [Int32] = [0, 0]
        try two.withUnsafeBufferPointer { two in
            try cells.rebuild(cellOfRow: two)
            var table = [Int32](repeating: 0, count: 54)
            let error = try expectError(GridError.self, "two rows in a cell") {
                try table.withUnsafeMutableBufferPointer { try cells.fillNeighborRows($0, cellOfRow: two) }
            }
            try expect(error == .crowdedCell(rows: 2), "\(error)")
        }
    },
]
