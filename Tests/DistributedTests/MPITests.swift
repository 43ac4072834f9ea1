import Diagnostics
import Foundation
import MPI

private let everyCount: Set<Int> = [1, 2, 3, 4, 6, 8]

private struct LocalFault: SAGESError, Equatable {
    let description: String
    let exitStatus: ExitStatus
}

private func reduceEveryOperation<T: MPIDatatype & FixedWidthInteger>(_ type: T.Type, _ communicator: Communicator) throws {
    let values = (0..<communicator.size).map { T($0 + 1) }
    let mine = values[communicator.rank]
    let cases: [(ReductionOperation, (T, T) -> T)] = [
        (.sum, { $0 + $1 }), (.product, { $0 &* $1 }), (.minimum, { min($0, $1) }), (.maximum, { max($0, $1) }),
        (.logicalAnd, { $0 != 0 && $1 != 0 ? 1 : 0 }), (.logicalOr, { $0 != 0 || $1 != 0 ? 1 : 0 }),
        (.bitwiseAnd, { $0 & $1 }), (.bitwiseOr, { $0 | $1 }), (.bitwiseXor, { $0 ^ $1 }),
    ]
    for (operation, combine) in cases where communicator.size > 1 {
        let expected = values.dropFirst().reduce(values[0], combine)
        let got = try communicator.allReduce(mine, operation)
        try expect(got == expected, "\(T.self) \(operation): \(got), not \(expected)")
    }
}

let mpiTests: [DistributedTest] = [
    DistributedTest("mpi.reduction.operationsAndTypes", ranks: everyCount) { communicator in
        try reduceEveryOperation(Int8.self, communicator)
        try reduceEveryOperation(Int16.self, communicator)
        try reduceEveryOperation(Int32.self, communicator)
        try reduceEveryOperation(Int64.self, communicator)
        try reduceEveryOperation(Int.self, communicator)
        try reduceEveryOperation(UInt8.self, communicator)
        try reduceEveryOperation(UInt16.self, communicator)
        try reduceEveryOperation(UInt32.self, communicator)
        try reduceEveryOperation(UInt64.self, communicator)
        try reduceEveryOperation(UInt.self, communicator)
        let size = communicator.size
        try expect(try communicator.allReduce(Double(communicator.rank) + 0.5, .maximum) == Double(size) - 0.5, "double")
        try expect(try communicator.allReduce(Float(-communicator.rank), .minimum) == Float(1 - size), "float")
        try expect(try communicator.allReduce(communicator.rank == 0, .logicalOr), "bool or")
        try expect(try communicator.allReduce(communicator.rank == 0, .logicalAnd) == (size == 1), "bool and")
    },
    DistributedTest("mpi.reduction.rootAndScan", ranks: everyCount) { communicator in
        let rank = communicator.rank
        let root = communicator.size - 1
        let sum = try communicator.reduce(rank + 1, .sum, root: root)
        try expect(sum == (rank == root ? (root + 1) * (root + 2) / 2 : nil), "reduce gave \(String(describing: sum))")
        try expect(try communicator.scan(rank + 1, .sum) == (rank + 1) * (rank + 2) / 2, "scan")
        let before = try communicator.exclusiveScan(rank + 1, .sum)
        try expect(before == (rank == 0 ? nil : rank * (rank + 1) / 2), "exclusive scan")
    },
    DistributedTest("mpi.broadcast", ranks: everyCount) { communicator in
        let root = communicator.size / 2
        let isRoot = communicator.rank == root
        try expect(try communicator.broadcast(isRoot ? 42 : 0, root: root) == 42, "value")
        try expect(try communicator.broadcast(isRoot ? [1.5, 2.5] : [], root: root) == [1.5, 2.5], "array")
        try expect(try communicator.broadcast(isRoot ? "Å per ps" : "", root: root) == "Å per ps", "string")
        try expect(try communicator.broadcast(isRoot ? "" : "x", root: root) == "", "empty string")
    },
    DistributedTest("mpi.gathering", ranks: everyCount) { communicator in
        let (rank, size) = (communicator.rank, communicator.size)
        let expected = (0..<size).flatMap { [Int32($0), Int32($0 * $0)] }
        try expect(try communicator.allGather([Int32(rank), Int32(rank * rank)]) == expected, "allGather")
        let gathered = try communicator.gather([Int32(rank), Int32(rank * rank)], root: 0)
        try expect(gathered == (rank == 0 ? expected : nil), "gather")
        // Rank r gives r elements, so that rank 0 gives none.
        let (elements, partition) = try communicator.allGatherV([Double](repeating: Double(rank), count: rank))
        try expect(elements == (0..<size).flatMap { [Double](repeating: Double($0), count: $0) }, "allGatherV")
        try expect(partition.total == size * (size - 1) / 2, "partition")
        try expect(try communicator.allToAll((0..<size).map { rank * 100 + $0 }) == (0..<size).map { $0 * 100 + rank }, "allToAll")
    },
    DistributedTest("mpi.gathering.allToAllV", ranks: everyCount) { communicator in
        let (rank, size) = (communicator.rank, communicator.size)
        // Rank s sends (s + d) mod 3 elements of value 100 s + d to rank d.
        let counts = (0..<size).map { (rank + $0) % 3 }
        let send = try Partition(counts: counts)
        let receive = try Partition(counts: try communicator.allToAll(counts))
        let values = (0..<size).flatMap { [Int](repeating: rank * 100 + $0, count: counts[$0]) }
        var result = [Int](repeating: -1, count: receive.total)
        try values.withUnsafeBufferPointer { values in
            try result.withUnsafeMutableBufferPointer {
                try communicator.allToAllV(values, partition: send, into: $0, resultPartition: receive)
            }
        }
        let expected = (0..<size).flatMap { [Int](repeating: $0 * 100 + rank, count: ($0 + rank) % 3) }
        try expect(result == expected, "\(result), not \(expected)")
        let error = try expectError(MPIError.self, "a sum beyond 32 bits") {
            _ = try Partition(counts: [Int(Int32.max), 1])
        }
        try expect(error.exitStatus == .internal, "status")
    },
    DistributedTest("mpi.messages", ranks: [2, 3, 4, 6, 8]) { communicator in
        let (rank, size) = (communicator.rank, communicator.size)
        let next = (rank + 1) % size
        let previous = (rank + size - 1) % size
        var got = [Int](repeating: -1, count: 5)
        let message = try [rank, rank * 2].withUnsafeBufferPointer { send in
            try got.withUnsafeMutableBufferPointer {
                try communicator.sendReceive(send, to: next, into: $0, from: previous, tag: 7)
            }
        }
        try expect(message == ReceivedMessage(source: previous, tag: 7, count: 2), "\(message)")
        try expect(got == [previous, previous * 2, -1, -1, -1], "\(got)")
        if rank == 0 {
            for other in 1..<size { try communicator.send([Float(other), 0.25], to: other, tag: other) }
        } else {
            try expect(try communicator.receive(Float.self, atMost: 9, from: nil, tag: nil) == [Float(rank), 0.25], "receive")
        }
    },
    DistributedTest("mpi.requests", ranks: everyCount) { communicator in
        let (rank, size) = (communicator.rank, communicator.size)
        let outgoing = UnsafeMutableBufferPointer<Double>.allocate(capacity: size)
        let incoming = UnsafeMutableBufferPointer<Double>.allocate(capacity: size)
        defer {
            outgoing.deallocate()
            incoming.deallocate()
        }
        let set = RequestSet(communicator: communicator, capacity: 2 * size)
        for round in 0..<3 {
            for other in 0..<size {
                outgoing.initializeElement(at: other, to: Double(100 * round + 10 * rank + other))
                incoming.initializeElement(at: other, to: -1)
                try set.startReceive(UnsafeMutableBufferPointer(rebasing: incoming[other...other]), from: other, tag: 5)
            }
            for other in 0..<size {
                try set.startSend(UnsafeBufferPointer(rebasing: outgoing[other...other]), to: other, tag: 5)
            }
            if round == 1 { while try !set.test() {} } else { try set.wait() }
            for other in 0..<size {
                try expect(incoming[other] == Double(100 * round + 10 * other + rank), "from \(other): \(incoming[other])")
            }
        }
        let request = try communicator.startAllReduce(inPlace: outgoing, .sum)
        try request.wait()
        for other in 0..<size {
            let expected = Double(200 * size + 10 * size * (size - 1) / 2 + other * size)
            try expect(outgoing[other] == expected, "sum \(outgoing[other]), not \(expected)")
        }
    },
    DistributedTest("mpi.persistentExchange", ranks: everyCount) { communicator in
        let (rank, size) = (communicator.rank, communicator.size)
        let next = (rank + 1) % size
        let previous = (rank + size - 1) % size
        // Two messages of different sizes to the same neighbor, told apart by tag; to itself on one rank.
        let exchange = try PersistentExchange(
            communicator: communicator,
            sends: [.init(rank: next, tag: 1, byteCount: 8), .init(rank: next, tag: 2, byteCount: 24)],
            receives: [.init(rank: previous, tag: 2, byteCount: 24), .init(rank: previous, tag: 1, byteCount: 8)])
        for round in 0..<4 {
            exchange.sendBuffer(0).bindMemory(to: Int.self)[0] = 1000 * round + rank
            for index in 0..<3 { exchange.sendBuffer(1).bindMemory(to: Int.self)[index] = -1000 * round - rank - index }
            try exchange.start()
            if round % 2 == 0 { try exchange.wait() } else { while try !exchange.test() {} }
            try expect(exchange.receiveBuffer(1).bindMemory(to: Int.self)[0] == 1000 * round + previous, "tag 1")
            for index in 0..<3 {
                let got = exchange.receiveBuffer(0).bindMemory(to: Int.self)[index]
                try expect(got == -1000 * round - previous - index, "tag 2")
            }
        }
    },
    DistributedTest("mpi.split", ranks: everyCount) { communicator in
        let (rank, size) = (communicator.rank, communicator.size)
        // Odd ranks in reverse order; rank 0 in no group.
        let part = try communicator.split(color: rank == 0 ? nil : rank % 2, key: -rank)
        try expect((part == nil) == (rank == 0), "rank 0 alone is in no group")
        if let part {
            let members = try part.allGather(rank)
            try expect(members == (1..<size).filter { $0 % 2 == rank % 2 }.reversed(), "\(members)")
        }
        let node = try communicator.splitByNode()
        try expect(node.size >= 1 && node.size <= size, "node of \(node.size) ranks")
        try expect(Communicator.selfOnly.size == 1, "self has one rank")
    },
    DistributedTest("mpi.cartesian", ranks: [6, 8]) { communicator in
        let grid = try CartesianCommunicator.make(from: communicator, sizes: (z: 1, y: 2, x: 3),
                                                  periodic: (z: true, y: false, x: true))
        try expect((grid == nil) == (communicator.rank >= 6), "the first six ranks form the grid")
        guard let grid else { return }
        let (rank, place) = (grid.communicator.rank, grid.coordinates)
        try expect(rank == place.y * 3 + place.x, "rank order is z, y, x")
        try expect(grid.neighbor(z: 1, y: 0, x: 0) == rank, "a periodic axis of one rank leads back")
        try expect((grid.neighbor(z: 0, y: 1, x: 0) == nil) == (place.y == 1), "open axis")
        try expect(grid.neighbor(z: -1, y: 0, x: -1) == place.y * 3 + (place.x + 2) % 3, "periodic axis")
        // What the arithmetic says, the library must say too: pass the rank along x and compare.
        var got = [-1]
        try [rank].withUnsafeBufferPointer { send in
            try got.withUnsafeMutableBufferPointer {
                _ = try grid.communicator.sendReceive(send, to: grid.neighbor(z: 0, y: 0, x: 1) ?? -1, into: $0,
                                                      from: grid.neighbor(z: 0, y: 0, x: -1) ?? -1, tag: 1)
            }
        }
        try expect(got[0] == grid.neighbor(z: 0, y: 0, x: -1), "message along x")
    },
    DistributedTest("mpi.cartesian.tooFewRanks", ranks: [1, 2, 3]) { communicator in
        try expectError(MPIError.self, "a grid of six ranks on fewer") {
            _ = try CartesianCommunicator.make(from: communicator, sizes: (z: 1, y: 2, x: 3), periodic: (z: true, y: true, x: true))
        }
    },
    DistributedTest("mpi.agree", ranks: everyCount) { communicator in
        let (rank, size) = (communicator.rank, communicator.size)
        try expect(try communicator.agree { rank } == rank, "success passes the value on")
        let last = size - 1
        let fault = LocalFault(description: "frame 3 is truncated", exitStatus: .data)
        do {
            try communicator.agree { if rank == last { throw fault } }
            throw ExpectationFailure(description: "no rank may go on")
        } catch let error as LocalFault {
            try expect(rank == last && error == fault, "the failing rank has its own error")
        } catch let error as RemoteRankError {
            try expect(rank != last && error == RemoteRankError(rank: last, exitStatus: .data, message: fault.description),
                       "the others know of it: \(error)")
        }
        // And afterwards the communicator is in order.
        try expect(try communicator.allReduce(1, .sum) == size, "usable afterwards")
    },
    DistributedTest("mpi.errors", ranks: everyCount) { communicator in
        let error = try expectError(MPIError.self, "a message to a rank that does not exist") {
            try communicator.send([1], to: communicator.size, tag: 0)
        }
        try expect(error.operation == "MPI_Send" && error.rank == communicator.rank && !error.message.isEmpty, "\(error)")
        let large = try expectError(MPIError.self, "a tag of 40 bits") { try communicator.send([1], to: 0, tag: 1 << 40) }
        try expect(large.code == nil, "\(large)")
        try expect(MPIEnvironment.isActive && !MPIEnvironment.isFinalized, "MPI runs")
        try expect(!MPIEnvironment.libraryVersion.isEmpty && !MPIEnvironment.processorName.isEmpty, "names")
        let before = MPIEnvironment.wallTime()
        try MPIEnvironment.initialize()
        try expect(MPIEnvironment.wallTime() >= before, "clock")
    },
]
