import Diagnostics
import Foundation
import HDF5
import MPI
@testable import Trajectory

private let everySize: Set<Int> = [1, 2, 3, 4, 6, 8]

/// A name that all ranks know, removed by rank 0 with `removeShared`.
private func sharedFile(_ name: String, _ communicator: Communicator) throws -> String {
    let unique = try communicator.broadcast(Int(getpid()), root: 0)
    return FileManager.default.temporaryDirectory.appendingPathComponent("sages-\(unique)-\(name)").path
}

private func removeShared(_ paths: String..., after communicator: Communicator) throws {
    try communicator.barrier()
    if communicator.rank == 0 { for path in paths { try? FileManager.default.removeItem(atPath: path) } }
}

/// Bytes that do not depend on the process, unlike Swift's hashes.
private func mixed(_ value: Int) -> Int {
    var z = UInt64(bitPattern: Int64(value)) &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return Int(truncatingIfNeeded: (z ^ (z >> 31)) >> 1)
}

/// Where atom `index` of frame `frame` is, on any rank count.
private func coordinate(_ index: Int, _ axis: Int, _ frame: Int) -> Double {
    Double(mixed(index * 7 + axis + 1000 * frame) % 1_000_000) / 1e5
}

/// This rank's atoms of a frame: atoms wander between ranks from frame to frame, and some ranks have none.
private struct Owned {
    var frame = AtomFrame()
    var charges: [Double] = []

    init(frame number: Int, atoms: Int, spread: Int, _ communicator: Communicator) {
        let owners = max(1, communicator.size - number % 2)
        frame.box = SimulationBox(edges: SIMD3(10, 11, 12 + Double(number)))
        // Neither ascending nor grouped.
        for step in 0..<atoms {
            let index = (step * 11 + number) % atoms
            guard mixed(index + 31 * number) % owners == communicator.rank else { continue }
            frame.ids.append(Int64(index * spread + (spread > 1 ? index % 2 : 0) + 5))
            frame.species.append(Int32(index % 2))
            charges.append(Double(index) / 8)
            for axis in 0..<3 {
                frame.positions.append(coordinate(index, axis, number))
                frame.velocities.append(-coordinate(index, axis, number))
                frame.images.append(Int32(index % 5 - 2))
            }
        }
    }

    func append(to writer: H5MDWriter, frame number: Int) throws {
        try LocalAtoms.with(frame, scalars: [charges]) {
            try writer.append($0, step: Int64(number), time: Double(number) / 4, box: frame.box, observables: [Double(number) * 2])
        }
    }
}

private let twoSpecies = SpeciesTable(symbols: ["C", "H"], masses: [12.011, 1.008])

private func writeTrajectory(_ path: String, _ communicator: Communicator, atoms: Int, spread: Int, frames: Int,
                             precision: H5MDOptions.Precision, deflate: Int? = nil) throws {
    let options = H5MDOptions(precision: precision, hasImages: true, deflate: deflate,
                              scalars: [.init(name: "charge", unit: "e")], observables: [.init(name: "energy", unit: "eV")])
    let writer = try H5MDWriter.create(path, communicator: communicator, atomCount: atoms, species: twoSpecies,
                                       box: SimulationBox(edges: SIMD3(10, 11, 12)), options: options)
    for frame in 0..<frames {
        try Owned(frame: frame, atoms: atoms, spread: spread, communicator).append(to: writer, frame: frame)
        if frame % 3 == 0 { try writer.flush() }
    }
    // A grid beside the particles, in slabs of z; ranks left over have none.
    let grid = try GridSeriesWriter.create(in: writer.file, level: 0, cells: [5, 4, 3], channels: 2, cellSize: SIMD3(1, 2, 3), origin: .zero)
    for frame in 0..<frames {
        let lower = communicator.rank * 5 / communicator.size, upper = (communicator.rank + 1) * 5 / communicator.size
        let values = (lower * 24..<upper * 24).map { Float($0 + 1000 * frame) }
        try values.withUnsafeBufferPointer {
            try grid.append($0, offset: [lower, 0, 0], extent: [upper - lower, 4, 3], step: Int64(frame), time: Double(frame))
        }
    }
    try writer.close()
}

/// Appends and flushes frames until it is killed; `Tests/h5md-kill.sh` does that, and looks at what is left.
/// Rank 0 notes the number of flushed frames in PATH.flushed, each rank its process in PATH.pid.RANK.
private func writeUntilKilled(_ path: String, _ communicator: Communicator) throws {
    try "\(getpid())\n".write(toFile: "\(path).pid.\(communicator.rank)", atomically: true, encoding: .utf8)
    let atoms = 2000
    let writer = try H5MDWriter.create(path, communicator: communicator, atomCount: atoms, species: twoSpecies,
                                       box: SimulationBox(edges: SIMD3(10, 11, 12)), options: H5MDOptions(precision: .float64))
    var mine = AtomFrame()
    for number in 0..<1_000_000 {
        mine.removeAtoms()
        for index in 0..<atoms where (index + number) % communicator.size == communicator.rank {
            mine.ids.append(Int64(index + 1))
            mine.species.append(0)
            for axis in 0..<3 {
                mine.positions.append(Double(index * 3 + axis) + Double(number) / 1024)
                mine.velocities.append(Double(number))
            }
        }
        try LocalAtoms.with(mine) { try writer.append($0, step: Int64(number), time: Double(number), box: SimulationBox(edges: SIMD3(10, 11, 12))) }
        try writer.flush()
        if communicator.rank == 0 { try "\(number + 1)".write(toFile: path + ".flushed", atomically: true, encoding: .utf8) }
    }
}

/// Only where the script asks for it: it is no test by itself.
private let killFixture = ProcessInfo.processInfo.environment["SAGES_KILL_TEST"].map { path in
    [DistributedTest("fixture.writeUntilKilled", ranks: everySize, timeout: 120) { try writeUntilKilled(path, $0) }]
} ?? []

let trajectoryTests: [DistributedTest] = killFixture + [
    DistributedTest("hdf5.collective.emptySelections", ranks: everySize) { communicator in
        let path = try sharedFile("empty.h5", communicator)
        for deflate in [nil, 4] {
            let file = try File.create(path, communicator: communicator)
            var storage = DatasetStorage.growing(chunk: [1, 16], shape: [0, 100], deflate: deflate)
            storage.fillValue = 0
            let dataset = try file.root.createDataset("a/b/values", of: Int32.self, shape: [3, 100], storage: storage)
            // One rank at a time has everything; the others take part with nothing, and in the last row nobody has any.
            for row in 0..<2 {
                let isWriter = communicator.rank == row % communicator.size
                try dataset.write(isWriter ? (0..<100).map { Int32($0 + 100 * row) } : [],
                                  isWriter ? .rows(row, 1, of: dataset.shape) : .none)
            }
            try dataset.write([Int32](), .box(offset: [2, 0], count: [0, 100]))
            try file.close()
            let again = try File.open(path, communicator: communicator)
            let isReader = communicator.rank == communicator.size - 1
            let values = try again.root.dataset("a/b/values").read(Int32.self, isReader ? .all : .none)
            try expect(values == (isReader ? (0..<200).map { Int32($0) } + [Int32](repeating: 0, count: 100) : []), "values differ")
            try again.close()
        }
        try removeShared(path, after: communicator)
    },
    DistributedTest("hdf5.errors.agreeOnAllRanks", ranks: everySize) { communicator in
        let missing = try sharedFile("missing.h5", communicator)
        func statusOfError(_ body: () throws -> Void) throws -> Int32 {
            do { try body() } catch { return (error as? any SAGESError)?.exitStatus.rawValue ?? -1 }
            return 0
        }
        try expect(try statusOfError { _ = try File.open(missing, communicator: communicator) } == 66, "missing file")
        try expect(try statusOfError { _ = try File.create("/nonexistent/a.h5", communicator: communicator) } == 74, "missing folder")
        let path = try sharedFile("errors.h5", communicator)
        if communicator.rank == 0 { try Data("no HDF5".utf8).write(to: URL(fileURLWithPath: path)) }
        try communicator.barrier()
        try expect(try statusOfError { _ = try File.open(path, communicator: communicator) } == 65, "foreign file")
        let file = try File.create(path, communicator: communicator)
        let dataset = try file.root.createDataset("d", of: Double.self, shape: [4])
        // One rank alone asks for too much; all must hear of it.
        let last = communicator.rank == communicator.size - 1
        try expect(try statusOfError { try dataset.write([1.0], last ? .box(offset: [4], count: [1]) : .box(offset: [0], count: [1])) } == 65,
                   "selection beyond the dataset")
        try file.close()
        try removeShared(path, after: communicator)
    },
    DistributedTest("trajectory.h5md.sameBytesOnAnyRankCount", ranks: everySize) { communicator in
        // The reference is written by one rank alone.
        for (spread, precision, deflate) in [(1, H5MDOptions.Precision.float32, nil), (1, .float64, 4), (1_000_000, .float64, nil)] {
            let path = try sharedFile("many.h5", communicator), reference = try sharedFile("one.h5", communicator)
            try writeTrajectory(path, communicator, atoms: 203, spread: spread, frames: 70, precision: precision, deflate: deflate)
            try communicator.agree {
                if communicator.rank == 0 {
                    try writeTrajectory(reference, .selfOnly, atoms: 203, spread: spread, frames: 70, precision: precision, deflate: deflate)
                    let one = try Data(contentsOf: URL(fileURLWithPath: reference)), many = try Data(contentsOf: URL(fileURLWithPath: path))
                    try expect(one == many, "files of 1 and \(communicator.size) ranks differ (\(one.count), \(many.count) bytes)")
                }
            }
            // Every rank reads its own part.
            let reader = try H5MDReader(path, communicator: communicator)
            try expect(reader.frameCount == 70 && reader.atomCount == 203 && reader.species == twoSpecies, "shape")
            let lower = communicator.rank * 203 / communicator.size, upper = (communicator.rank + 1) * 203 / communicator.size
            let frame = 69 - communicator.rank
            var positions = [Double](repeating: 0, count: 3 * (upper - lower))
            try positions.withUnsafeMutableBufferPointer { try reader.read(.position, frames: frame..<frame + 1, atoms: lower..<upper, into: $0) }
            for index in lower..<upper {
                for axis in 0..<3 {
                    let expected = coordinate(index, axis, frame)
                    try expect(positions[3 * (index - lower) + axis] == (precision == .float32 ? Double(Float(expected)) : expected), "position")
                }
            }
            try expect(reader.box(frame: frame).edges.z == 12 + Double(frame), "box")
            let grid = try GridSeriesReader(reader.file, level: 0)
            var cells = [Float](repeating: 0, count: 24)
            try cells.withUnsafeMutableBufferPointer { try grid.read(frame: 3, offset: [1, 0, 0], extent: [1, 4, 3], into: $0) }
            try expect(cells == (24..<48).map { Float($0 + 3000) }, "grid")
            try reader.file.close()
            try removeShared(path, reference, after: communicator)
        }
    },
    DistributedTest("trajectory.h5md.largeFramesSameBytes", ranks: everySize) { communicator in
        // So large that every rank writes a share, in the background, and that flushes come in between.
        let atoms = 120_000, box = SimulationBox(edges: SIMD3(10, 11, 12))
        func write(_ path: String, _ communicator: Communicator, flushEvery: Int, writers: Int? = nil) throws {
            let writer = try H5MDWriter.create(path, communicator: communicator, atomCount: atoms, species: twoSpecies,
                                               box: box, options: H5MDOptions(precision: .float64, hasImages: true, writers: writers))
            for number in 0..<5 {
                var mine = AtomFrame()
                // A share of atoms that changes from frame to frame, in descending order.
                for index in (0..<atoms).reversed() where (index / 7 + number) % communicator.size == communicator.rank {
                    mine.ids.append(Int64(3 * index + 1))
                    mine.species.append(Int32(index % 2))
                    for axis in 0..<3 {
                        mine.positions.append(coordinate(index, axis, number))
                        mine.velocities.append(coordinate(index, 2 - axis, number))
                        mine.images.append(Int32(index % 5 - axis))
                    }
                }
                try LocalAtoms.with(mine) { try writer.append($0, step: Int64(number), time: Double(number), box: box) }
                let writing = try communicator.allReduce(writer.order.rowCount > 0 ? 1 : 0, .sum)
                try expect(writers == nil || writing == min(writers ?? 0, communicator.size), "\(writing) ranks write")
                if number % flushEvery == 0 {
                    writer.prepareFlush()
                    try writer.flush()
                    try communicator.agree {
                        guard communicator.rank == 0 else { return }
                        // What a kill would leave now is whole.
                        let killed = path + ".killed"
                        try FileManager.default.copyItem(atPath: path, toPath: killed)
                        defer { try? FileManager.default.removeItem(atPath: killed) }
                        try expect(H5MDReader(killed).frameCount == number + 1, "frames after a flush")
                    }
                }
            }
            try writer.close()
        }
        let path = try sharedFile("large.h5", communicator), reference = try sharedFile("large-one.h5", communicator)
        try communicator.agree { if communicator.rank == 0 { try write(reference, .selfOnly, flushEvery: 1) } }
        for writers in [1, 2, nil] {
            try write(path, communicator, flushEvery: 2, writers: writers)
            try communicator.agree {
                guard communicator.rank == 0 else { return }
                let one = try Data(contentsOf: URL(fileURLWithPath: reference)), many = try Data(contentsOf: URL(fileURLWithPath: path))
                try expect(one == many, "files of 1 and \(communicator.size) ranks differ with \(writers ?? 0) writers (\(one.count), \(many.count) bytes)")
            }
        }
        let reader = try H5MDReader(path, communicator: communicator)
        var positions = [Double](repeating: 0, count: 3 * atoms)
        try positions.withUnsafeMutableBufferPointer { try reader.read(.position, frames: 3..<4, atoms: 0..<atoms, into: $0) }
        for element in positions.indices {
            try expect(positions[element] == coordinate(element / 3, element % 3, 3), "position \(element)")
        }
        try reader.file.close()
        try removeShared(path, reference, after: communicator)
    },
    DistributedTest("trajectory.h5md.appendAfterReopening", ranks: [1, 2, 3, 4]) { communicator in
        let path = try sharedFile("append.h5", communicator)
        try writeTrajectory(path, communicator, atoms: 57, spread: 1, frames: 5, precision: .float32)
        let writer = try H5MDWriter.append(to: path, communicator: communicator, keeping: 3)
        try Owned(frame: 3, atoms: 57, spread: 1, communicator).append(to: writer, frame: 3)
        let grid = try GridSeriesWriter.append(in: writer.file, level: 0, keeping: 3)
        try expect(grid.frameCount == 3 && grid.cells == [5, 4, 3], "grid")
        try writer.close()
        let reader = try H5MDReader(path, communicator: communicator)
        try expect(reader.steps == [0, 1, 2, 3], "steps \(reader.steps)")
        for frame in 0..<4 {
            var positions = [Float](repeating: 0, count: 3 * 57)
            try positions.withUnsafeMutableBufferPointer { try reader.read(.position, frames: frame..<frame + 1, atoms: 0..<57, into: $0) }
            for element in positions.indices {
                try expect(positions[element] == Float(coordinate(element / 3, element % 3, frame)), "frame \(frame), element \(element)")
            }
        }
        try reader.file.close()
        try removeShared(path, after: communicator)
    },
    DistributedTest("trajectory.h5md.wrongAtomsStopAllRanks", ranks: everySize) { communicator in
        let path = try sharedFile("wrong.h5", communicator)
        let writer = try H5MDWriter.create(path, communicator: communicator, atomCount: 2 * communicator.size, species: twoSpecies,
                                           box: SimulationBox(edges: .one), options: H5MDOptions(hasVelocities: false))
        var frame = AtomFrame()
        for rank in 0..<communicator.size where rank == communicator.rank {
            // The last two atoms of all have one id.
            let isLast = rank == communicator.size - 1
            frame.ids = [Int64(2 * rank), Int64(2 * rank + (isLast ? 0 : 1))]
            frame.species = [0, 0]
            frame.positions = [0, 0, 0, 0, 0, 0]
        }
        try expectError((any Error).self, "an id that comes twice") {
            try LocalAtoms.with(frame) { try writer.append($0, step: 0, time: 0, box: frame.box) }
        }
        try expect(writer.frameCount == 0, "a frame was counted")
        try writer.close()
        try removeShared(path, after: communicator)
    },
    DistributedTest("trajectory.h5md.steadyStateAllocatesNoBuffers", ranks: everySize) { communicator in
        let path = try sharedFile("steady.h5", communicator)
        let writer = try H5MDWriter.create(path, communicator: communicator, atomCount: 500, species: twoSpecies,
                                           box: SimulationBox(edges: SIMD3(10, 11, 12)),
                                           options: H5MDOptions(hasImages: true, scalars: [.init(name: "charge", unit: "e")],
                                                                observables: [.init(name: "energy", unit: "eV")]))
        let atoms = Owned(frame: 0, atoms: 500, spread: 1, communicator)
        try atoms.append(to: writer, frame: 0)
        let before = writer.bufferAllocations
        for frame in 1..<5 { try atoms.append(to: writer, frame: frame) }
        try expect(writer.bufferAllocations == before, "\(writer.bufferAllocations - before) allocations")
        try writer.close()
        try removeShared(path, after: communicator)
    },
    DistributedTest("trajectory.import.errorsReachAllRanks", ranks: everySize) { communicator in
        let source = try sharedFile("cut.lammpstrj", communicator), output = try sharedFile("cut.h5", communicator)
        let text = "ITEM: TIMESTEP\n1\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\nITEM: ATOMS id element x y z\n1 C 1 1 1\n2 H 2 2 2\n"
        let next = text.replacingOccurrences(of: "TIMESTEP\n1\n", with: "TIMESTEP\n2\n")
        if communicator.rank == 0 { try Data((text + next.dropLast(9)).utf8).write(to: URL(fileURLWithPath: source)) }
        try communicator.barrier()
        let options = TrajectoryImport.Options(reading: ReadingOptions(timestep: 1))
        func importAll() throws { try TrajectoryImport.run(sources: [source], output: output, communicator: communicator, options: options) }
        let error = try expectError((any Error).self, "a truncated dump") { try importAll() }
        try expect((error as? any SAGESError)?.exitStatus == .data, "\(error)")
        try expect("\(error)".contains(source) && "\(error)".contains("truncated"), "\(error)")
        try communicator.barrier()
        if communicator.rank == 0 { try Data((text + next).utf8).write(to: URL(fileURLWithPath: source)) }
        try communicator.barrier()
        let summary = try TrajectoryImport.run(sources: [source], output: output, communicator: communicator, options: options)
        try expect(summary.frameCount == 2 && summary.lastStep == 2 && summary.species.symbols == ["H", "C"], "\(summary)")
        try removeShared(source, output, after: communicator)
    },
]
