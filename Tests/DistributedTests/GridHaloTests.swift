import Foundation
import MPI

@testable import Grid

private let everyCount: Set<Int> = [1, 2, 3, 4, 6, 8]
/// A value that no cell has.
private let untouched = -7.0

/// Non-divisible, cubic, thinner than the halo on every axis, and flat grids.
let haloTestGrids: [Extent3] = [
    Extent3(z: 7, y: 11, x: 13), Extent3(z: 8, y: 8, x: 8), Extent3(z: 3, y: 3, x: 3), Extent3(z: 1, y: 2, x: 5),
    Extent3(z: 1, y: 1, x: 1), Extent3(z: 2, y: 12, x: 1),
]

let everyBoundaries: [Boundaries] = (0..<8).map {
    Boundaries(z: $0 & 4 == 0 ? .periodic : .open, y: $0 & 2 == 0 ? .periodic : .open, x: $0 & 1 == 0 ? .periodic : .open)
}

func forEachCell(_ range: CellRange, _ body: (Extent3) throws -> Void) rethrows {
    for z in range.lower.z..<range.upper.z {
        for y in range.lower.y..<range.upper.y {
            for x in range.lower.x..<range.upper.x { try body(Extent3(z: z, y: y, x: x)) }
        }
    }
}

func paddedRange(_ box: PaddedBox) -> CellRange {
    CellRange(lower: Extent3(repeating: -box.haloWidth), upper: box.cells + Extent3(repeating: box.haloWidth))
}

/// Small whole numbers, so that sums are exact and equal in any order: a hash of position and seed.
func smallNumber(_ index: Int, _ seed: Int) -> Double {
    var hash = UInt64(truncatingIfNeeded: index &* 31 &+ seed) &+ 0x9e37_79b9_7f4a_7c15
    hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
    hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
    return Double(Int((hash ^ (hash >> 31)) % 17) - 8)
}

/// Every owned cell carries its place in the whole grid; ghosts are untouched.
private func fillWithPlaces(_ field: GridField<Double>, _ decomposition: Decomposition, rank: Int) {
    field.fill(untouched)
    let range = decomposition.range(ofRank: rank)
    forEachCell(range) { cell in
        let local = cell - range.lower
        for channel in 0..<field.channels {
            field[local.z, local.y, local.x, channel] = Double(decomposition.cells.index(of: cell) * field.channels + channel + 1)
        }
    }
}

/// The first cell, ghosts in all 26 directions included, that does not carry the place of the cell it stands for.
private func firstWrongCell(_ field: GridField<Double>, _ decomposition: Decomposition, rank: Int) -> String? {
    guard decomposition.isActive(rank) else { return field.storage.allSatisfy { $0 == untouched } ? nil : "an idle rank's field" }
    let lower = decomposition.range(ofRank: rank).lower
    var wrong: String?
    forEachCell(paddedRange(field.box)) { local in
        for channel in 0..<field.channels where wrong == nil {
            let expected = decomposition.wrap(lower + local).map {
                Double(decomposition.cells.index(of: $0) * field.channels + channel + 1)
            } ?? 0
            let got = field[local.z, local.y, local.x, channel]
            if got != expected { wrong = "cell \(local) of rank \(rank) has \(got), not \(expected) (\(decomposition))" }
        }
    }
    return wrong
}

private func eachDecomposition(_ communicator: Communicator, _ body: (Decomposition) throws -> Void) throws {
    for cells in haloTestGrids {
        for boundaries in everyBoundaries {
            for haloWidth in 1...3 {
                try body(Decomposition(cells: cells, boundaries: boundaries, haloWidth: haloWidth, ranks: communicator.size))
            }
        }
    }
}

private func checkAdjoint<Scalar: GridScalar & BinaryFloatingPoint>(_: Scalar.Type, _ decomposition: Decomposition,
                                                                    _ communicator: Communicator) throws {
    let rank = communicator.rank
    let exchange = try HaloExchange<Scalar>(decomposition, communicator: communicator, channels: 3)
    let x = GridField<Scalar>(decomposition, rank: rank, channels: 3)
    let y = GridField<Scalar>(decomposition, rank: rank, channels: 3)
    let lower = decomposition.range(ofRank: rank).lower
    let owned = CellRange(lower: .zero, upper: x.box.cells)
    func dot(_ range: CellRange, _ a: [Scalar], _ b: GridField<Scalar>) -> Double {
        var sum = 0.0
        forEachCell(range) { cell in
            let place = b.box.index(cell) * 3
            for channel in 0..<3 { sum += Double(a[place + channel]) * Double(b.storage[place + channel]) }
        }
        return sum
    }
    forEachCell(owned) { cell in
        for channel in 0..<3 {
            x[cell.z, cell.y, cell.x, channel] = Scalar(smallNumber(decomposition.cells.index(of: lower + cell), channel))
        }
    }
    for place in 0..<y.storage.count { y.storage[place] = Scalar(smallNumber(place, 100 + rank)) }
    // <F x, y> over padded boxes, <x, F* y> over owned cells.
    let padded = paddedRange(x.box)
    let original = Array(x.storage)
    let yBefore = Array(y.storage)
    try exchange.exchange(x)
    let isActive = decomposition.isActive(rank)
    let forward = try communicator.allReduce(isActive ? dot(padded, yBefore, x) : 0, .sum)
    try exchange.exchangeAdjoint(y)
    let adjoint = try communicator.allReduce(isActive ? dot(owned, original, y) : 0, .sum)
    try expect(forward == adjoint, "<F x, y> = \(forward), <x, F* y> = \(adjoint) in \(Scalar.self) (\(decomposition))")
    if isActive {
        try forEachCell(padded) { cell in
            try expect(owned.contains(cell) || (0..<3).allSatisfy { y[cell.z, cell.y, cell.x, $0] == 0 }, "ghosts become zero")
        }
    }
}

/// Three steps of a 27-point stencil whose sums are not exact, on the owned cells.
private func stencilSteps(_ decomposition: Decomposition, _ communicator: Communicator) throws -> [(Int, Float)] {
    let rank = communicator.rank
    let exchange = try HaloExchange<Float>(decomposition, communicator: communicator, channels: 1, adjoint: false)
    var field = GridField<Float>(decomposition, rank: rank, channels: 1)
    var next = GridField<Float>(decomposition, rank: rank, channels: 1)
    let range = decomposition.range(ofRank: rank)
    let owned = CellRange(lower: .zero, upper: field.box.cells)
    forEachCell(owned) { field[$0.z, $0.y, $0.x, 0] = Float(smallNumber(decomposition.cells.index(of: range.lower + $0), 5)) / 3 }
    for _ in 0..<3 {
        try exchange.start(field)
        while try !exchange.progress() {}
        try exchange.finish()
        forEachCell(owned) { cell in
            var sum: Float = 0
            for direction in 0..<Direction.count {
                let neighbor = cell + Direction.offset(direction)
                sum.addProduct(field[neighbor.z, neighbor.y, neighbor.x, 0], 0.037 + 0.001 * Float(direction))
            }
            next[cell.z, cell.y, cell.x, 0] = sum
        }
        swap(&field, &next)
    }
    var result: [(Int, Float)] = []
    forEachCell(owned) { result.append((decomposition.cells.index(of: range.lower + $0), field[$0.z, $0.y, $0.x, 0])) }
    return result
}

let gridHaloTests: [DistributedTest] = [
    DistributedTest("grid.halo.rankFilled", ranks: everyCount, timeout: 300) { communicator in
        try eachDecomposition(communicator) { decomposition in
            let exchange = try HaloExchange<Double>(decomposition, communicator: communicator, channels: 2, adjoint: false)
            let field = GridField<Double>(decomposition, rank: communicator.rank, channels: 2)
            for _ in 0..<2 {
                fillWithPlaces(field, decomposition, rank: communicator.rank)
                try exchange.exchange(field)
                let wrong = firstWrongCell(field, decomposition, rank: communicator.rank)
                try expect(wrong == nil, wrong ?? "")
            }
        }
    },
    DistributedTest("grid.halo.givenParts", ranks: [4, 6, 8]) { communicator in
        // Every way to cut, so that every pair of axes is cut at some time.
        let cells = Extent3(z: 7, y: 11, x: 13)
        for z in 1...7 {
            for y in 1...8 where z * y <= communicator.size {
                for x in 1...8 where z * y * x <= communicator.size {
                    let boundaries = everyBoundaries[(z + 3 * y + 5 * x) % 8]
                    for boundaries in [.periodic, boundaries] {
                        let decomposition = try Decomposition(cells: cells, boundaries: boundaries, haloWidth: 1,
                                                              ranks: communicator.size, parts: Extent3(z: z, y: y, x: x))
                        let exchange = try HaloExchange<Double>(decomposition, communicator: communicator, channels: 1, adjoint: false)
                        let field = GridField<Double>(decomposition, rank: communicator.rank, channels: 1)
                        fillWithPlaces(field, decomposition, rank: communicator.rank)
                        try exchange.exchange(field)
                        let wrong = firstWrongCell(field, decomposition, rank: communicator.rank)
                        try expect(wrong == nil, wrong ?? "")
                    }
                }
            }
        }
    },
    DistributedTest("grid.halo.droppedMessageIsCaught", ranks: everyCount) { communicator in
        // On eight ranks all axes are cut, so that corners, too, are messages and not copies within a rank.
        let parts = communicator.size == 8 ? Extent3(repeating: 2) : nil
        let decomposition = try Decomposition(cells: Extent3(z: 7, y: 11, x: 13), boundaries: .periodic, haloWidth: 2,
                                              ranks: communicator.size, parts: parts)
        let messages = HaloPlan(decomposition, rank: communicator.rank).messages.count
        try expect(parts == nil || messages == 26, "\(messages) messages a rank, not 26")
        let exchange = try HaloExchange<Double>(decomposition, communicator: communicator, channels: 1, adjoint: false)
        let field = GridField<Double>(decomposition, rank: communicator.rank, channels: 1)
        for direction in 0..<Direction.count where direction != Direction.center {
            exchange.droppedDirection = direction
            fillWithPlaces(field, decomposition, rank: communicator.rank)
            try exchange.exchange(field)
            let isCaught = firstWrongCell(field, decomposition, rank: communicator.rank) != nil
            try expect(isCaught == decomposition.isActive(communicator.rank), "direction \(direction) lost, and nobody noticed")
        }
        exchange.droppedDirection = nil
        fillWithPlaces(field, decomposition, rank: communicator.rank)
        try exchange.exchange(field)
        try expect(firstWrongCell(field, decomposition, rank: communicator.rank) == nil, "right again without the fault")
    },
    DistributedTest("grid.halo.adjoint", ranks: everyCount, timeout: 300) { communicator in
        try eachDecomposition(communicator) { decomposition in
            try checkAdjoint(Double.self, decomposition, communicator)
            try checkAdjoint(Float.self, decomposition, communicator)
        }
    },
    DistributedTest("grid.halo.decomposedEqualsSerial", ranks: everyCount) { communicator in
        for cells in haloTestGrids {
            for boundaries in [Boundaries.periodic, Boundaries(z: .open, y: .periodic, x: .open)] {
                let serial = try stencilSteps(Decomposition(cells: cells, boundaries: boundaries, haloWidth: 1, ranks: 1), .selfOnly)
                let reference = serial.map(\.1.bitPattern)
                let mine = try stencilSteps(
                    Decomposition(cells: cells, boundaries: boundaries, haloWidth: 1, ranks: communicator.size), communicator)
                for (cell, value) in mine {
                    try expect(value.bitPattern == reference[cell], "cell \(cell) of \(cells): \(value)")
                }
                try expect(try communicator.allReduce(mine.count, .sum) == cells.count, "every cell is computed once")
            }
        }
    },
    DistributedTest("grid.halo.severalAtOnce", ranks: everyCount) { communicator in
        let decomposition = try Decomposition(cells: Extent3(z: 7, y: 11, x: 13), boundaries: .periodic, haloWidth: 1,
                                              ranks: communicator.size)
        let exchanges = try (1...2).map { try HaloExchange<Double>(decomposition, communicator: communicator, channels: $0) }
        let fields = (1...2).map { GridField<Double>(decomposition, rank: communicator.rank, channels: $0) }
        for field in fields { fillWithPlaces(field, decomposition, rank: communicator.rank) }
        // Odd ranks the other way round.
        let order = communicator.rank % 2 == 0 ? [0, 1] : [1, 0]
        for index in order { try exchanges[index].start(fields[index]) }
        for index in order.reversed() { try exchanges[index].finish() }
        for field in fields {
            let wrong = firstWrongCell(field, decomposition, rank: communicator.rank)
            try expect(wrong == nil, wrong ?? "")
        }
    },
    DistributedTest("grid.halo.allocatesNothing", ranks: everyCount) { communicator in
        let decomposition = try Decomposition(cells: Extent3(z: 12, y: 11, x: 13), boundaries: .periodic, haloWidth: 1,
                                              ranks: communicator.size)
        let exchange = try HaloExchange<Float>(decomposition, communicator: communicator, channels: 8)
        let field = GridField<Float>(decomposition, rank: communicator.rank, channels: 8)
        let step = {
            try exchange.exchange(field)
            try exchange.exchangeAdjoint(field)
        }
        for _ in 0..<20 { try step() }
        let count = try countAllocations { for _ in 0..<50 { try step() } }
        try expect(count == 0, "\(count) heap allocations in 50 exchanges and adjoints")
        // The counter must be able to see one.
        let seen = countAllocations { _ = GridField<Float>(decomposition, rank: communicator.rank, channels: 1) }
        try expect(seen > 0, "the counter sees no allocation")
    },
]
