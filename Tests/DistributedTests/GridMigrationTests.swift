import Diagnostics
import Grid
import MPI

private let everyCount: Set<Int> = [1, 2, 3, 4, 6, 8]

/// A record of twelve bytes, which is no multiple of its alignment's next power.
private struct Record: Equatable {
    var origin: Int32
    var number: Int32
    var round: Int32
}

/// Where record `number` of a rank goes: some ranks get nothing in some rounds.
private func destination(origin: Int, number: Int, round: Int, size: Int) -> Int {
    round == 2 ? 0 : (origin * 7 + number * number + round) % size
}

private func count(origin: Int, round: Int) -> Int { round == 1 && origin == 1 ? 0 : 20 + origin * 3 + round }

private func send(_ migration: RowMigration, round: Int, _ communicator: Communicator) throws {
    let number = count(origin: communicator.rank, round: round)
    let records = (0..<number).map { Record(origin: Int32(communicator.rank), number: Int32($0), round: Int32(round)) }
    let destinations = (0..<number).map {
        Int32(destination(origin: communicator.rank, number: $0, round: round, size: communicator.size))
    }
    try records.withUnsafeBytes { records in
        try destinations.withUnsafeBufferPointer { try migration.migrate(records: records, destinations: $0) }
    }
}

let gridMigrationTests: [DistributedTest] = [
    DistributedTest("grid.migration.ordered", ranks: everyCount) { communicator in
        let migration = try RowMigration(communicator: communicator, bytesPerRecord: MemoryLayout<Record>.size, capacity: 4)
        for round in 0..<4 {
            try send(migration, round: round, communicator)
            var expected: [Record] = []
            for origin in 0..<communicator.size {
                for number in 0..<count(origin: origin, round: round)
                where destination(origin: origin, number: number, round: round, size: communicator.size) == communicator.rank {
                    expected.append(Record(origin: Int32(origin), number: Int32(number), round: Int32(round)))
                }
            }
            try expect(migration.receivedCount == expected.count, "\(migration.receivedCount) records, not \(expected.count)")
            let got = (0..<expected.count).map {
                migration.received.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Record>.size, as: Record.self)
            }
            try expect(got == expected, "round \(round): records differ")
        }
    },
    DistributedTest("grid.migration.allocatesNothing", ranks: everyCount) { communicator in
        let migration = try RowMigration(communicator: communicator, bytesPerRecord: 64, capacity: 100)
        let records = UnsafeMutableRawBufferPointer.allocate(byteCount: 6400, alignment: 64)
        records.initializeMemory(as: UInt8.self, repeating: 1)
        defer { records.deallocate() }
        let destinations = (0..<100).map { Int32(($0 + communicator.rank) % communicator.size) }
        try destinations.withUnsafeBufferPointer { destinations in
            let step = { try migration.migrate(records: UnsafeRawBufferPointer(records), destinations: destinations) }
            for _ in 0..<20 { try step() }
            let growth = migration.growthCount
            let count = try countAllocations { for _ in 0..<50 { try step() } }
            try expect(growth == migration.growthCount, "buffers grew in a steady state")
            try expect(count == 0, "\(count) heap allocations in 50 migrations")
        }
    },
    DistributedTest("grid.migration.refusals", ranks: everyCount) { communicator in
        let migration = try RowMigration(communicator: communicator, bytesPerRecord: 4, capacity: 1)
        let bad = [Int32(communicator.size)]
        let error = try expectError(GridError.self, "a rank that does not exist") {
            try [Int32(1)].withUnsafeBytes { records in
                try bad.withUnsafeBufferPointer { try migration.migrate(records: records, destinations: $0) }
            }
        }
        try expect(error == .invalidDestination(row: 0, rank: communicator.size, ranks: communicator.size), "\(error)")
    },
]
