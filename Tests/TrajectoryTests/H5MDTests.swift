import Diagnostics
import Foundation
@testable import HDF5
import Testing
@testable import Trajectory

/// Frames with sparse ids, several species, images and a box whose origin is not zero.
func sampleFrames(atoms: Int, frames: Int, velocities: Bool = true, images: Bool = true) -> [AtomFrame] {
    var generator = SplitMix(state: 21)
    return (0..<frames).map { index in
        var frame = AtomFrame()
        frame.step = Int64(10 * index + 3)
        frame.time = Double(index) * 0.1
        // Text formats hold both ends of the box: edges are differences of such numbers.
        let low = SIMD3(-1.1, 0, 3.3), high = SIMD3(6.6 + Double(index) * 0.1, 8, 13.2)
        frame.box = SimulationBox(origin: low, edges: high - low,
                                  boundaries: (.periodic, .open, .periodic))
        for atom in 0..<atoms {
            frame.ids.append(Int64(3 * atom + atom % 2 + 1))
            frame.species.append(Int32(atom % 3))
            for axis in 0..<3 {
                frame.positions.append(frame.box.origin[axis] + Double.random(in: 0..<frame.box.edges[axis] * 0.999, using: &generator))
                if velocities { frame.velocities.append(Double.random(in: -9..<9, using: &generator)) }
                if images { frame.images.append(Int32.random(in: -5...5, using: &generator)) }
            }
        }
        return frame
    }
}

let sampleSpecies = SpeciesTable(symbols: ["H", "C", "O"], masses: [1.008, 12.011, 15.999])

@Suite struct H5MDTests {
    func write(_ frames: [AtomFrame], to path: String, _ options: H5MDOptions) throws {
        let writer = try H5MDWriter.create(path, communicator: nil, atomCount: frames[0].count, species: sampleSpecies,
                                           box: frames[0].box, options: options)
        for frame in frames { try writer.append(frame) }
        try writer.close()
    }

    func read(_ path: String) throws -> [AtomFrame] {
        let reader = try H5MDReader(path)
        return try (0..<reader.frameCount).map { index in
            var frame = AtomFrame()
            try reader.readFrame(index, into: &frame)
            return frame
        }
    }

    @Test(arguments: [nil, 4] as [Int?]) func framesComeBack(deflate: Int?) throws {
        let scratch = try Scratch()
        let frames = sampleFrames(atoms: 50, frames: 70)
        let path = scratch.file("a.h5")
        try write(frames, to: path, H5MDOptions(precision: .float64, hasImages: true, deflate: deflate, hasWideIdentifiers: true))
        #expect(try read(path) == frames)
        let reader = try H5MDReader(path)
        #expect(reader.species == sampleSpecies)
        #expect(try reader.file.root.dataset("particles/all/mass").read(Double.self).prefix(3) == [1.008, 12.011, 15.999])
        var part = [Double](repeating: 0, count: 2 * 3 * 3)
        try part.withUnsafeMutableBufferPointer { try reader.read(.position, frames: 4..<6, atoms: 7..<10, into: $0) }
        #expect(part == Array(frames[4].positions[21..<30] + frames[5].positions[21..<30]))
        #expect(throws: TrajectoryError.self) { try reader.box(frame: 70) }
        #expect(throws: TrajectoryError.self) {
            try part.withUnsafeMutableBufferPointer { try reader.read(.position, frames: 69..<71, atoms: 7..<10, into: $0) }
        }
    }

    @Test func singlePrecisionRounds() throws {
        let scratch = try Scratch()
        let frames = sampleFrames(atoms: 9, frames: 2)
        try write(frames, to: scratch.file("a.h5"), H5MDOptions(precision: .float32, hasImages: true))
        #expect(try read(scratch.file("a.h5"))[1].positions == frames[1].positions.map { Double(Float($0)) })
    }

    @Test func atomsInAnyOrder() throws {
        let scratch = try Scratch()
        var frame = sampleFrames(atoms: 40, frames: 1)[0]
        let sorted = frame
        var generator = SplitMix(state: 8)
        for spread in [1, 1_000_000] {
            var expected = sorted
            expected.ids = sorted.ids.map { $0 * Int64(spread) }
            let order = (0..<40).shuffled(using: &generator)
            frame.ids = order.map { expected.ids[$0] }
            frame.species = order.map { sorted.species[$0] }
            frame.positions = order.flatMap { sorted.positions[3 * $0..<3 * $0 + 3] }
            frame.velocities = order.flatMap { sorted.velocities[3 * $0..<3 * $0 + 3] }
            frame.images = order.flatMap { sorted.images[3 * $0..<3 * $0 + 3] }
            try write([frame], to: scratch.file("a.h5"), H5MDOptions(precision: .float64, hasImages: true))
            #expect(try read(scratch.file("a.h5")) == [expected])
        }
    }

    @Test func wrongAtomsAreRefused() throws {
        let scratch = try Scratch()
        let good = sampleFrames(atoms: 5, frames: 1)[0]
        let writer = try H5MDWriter.create(scratch.file("a.h5"), communicator: nil, atomCount: 5, species: sampleSpecies, box: good.box,
                                           options: H5MDOptions(hasImages: true))
        for (id, message) in [(good.ids[0], "two atoms have the id 1"), (-4, "negative"), (1 << 40, "larger than")] {
            var bad = good
            bad.ids[3] = id
            let error = #expect(throws: TrajectoryError.self) { try writer.append(bad) }
            #expect(error?.description.contains(message) == true)
        }
        let few = sampleFrames(atoms: 4, frames: 1)[0]
        let error = #expect(throws: TrajectoryError.self) { try writer.append(few) }
        #expect(error?.message == "the frame has 4 atoms, the trajectory 5")
        try writer.append(good)
        #expect(writer.frameCount == 1)
    }

    @Test func steadyStateAllocatesNoBuffers() throws {
        let scratch = try Scratch()
        let frames = sampleFrames(atoms: 300, frames: 12)
        let writer = try H5MDWriter.create(scratch.file("a.h5"), communicator: nil, atomCount: 300, species: sampleSpecies,
                                           box: frames[0].box, options: H5MDOptions(hasImages: true))
        try writer.append(frames[0])
        let allocations = writer.bufferAllocations
        for frame in frames.dropFirst() { try writer.append(frame) }
        #expect(writer.bufferAllocations == allocations)
    }

    @Test func resumedEqualsUninterrupted() throws {
        let scratch = try Scratch()
        let frames = sampleFrames(atoms: 20, frames: 90)
        let options = H5MDOptions(precision: .float64, hasImages: true, observables: [.init(name: "energy", unit: "eV")])
        func writer(_ name: String) throws -> H5MDWriter {
            try H5MDWriter.create(scratch.file(name), communicator: nil, atomCount: 20, species: sampleSpecies, box: frames[0].box, options: options)
        }
        let whole = try writer("whole.h5")
        for (index, frame) in frames.enumerated() { try whole.append(frame, observables: [Double(index)]) }
        try whole.close()
        let first = try writer("parts.h5")
        for frame in frames.prefix(75) { try first.append(frame, observables: [-1]) }
        try first.close()
        let second = try H5MDWriter.append(to: scratch.file("parts.h5"), communicator: nil, keeping: 0)
        for (index, frame) in frames.prefix(70).enumerated() { try second.append(frame, observables: [Double(index)]) }
        try second.close()
        let third = try H5MDWriter.append(to: scratch.file("parts.h5"), communicator: nil, keeping: 66)
        #expect(third.options.observables == options.observables && third.options.precision == .float64)
        for (index, frame) in frames.enumerated().dropFirst(66) { try third.append(frame, observables: [Double(index)]) }
        try third.close()
        #expect(try read(scratch.file("parts.h5")) == frames)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/h5diff")
        process.arguments = [scratch.file("whole.h5"), scratch.file("parts.h5")]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(throws: TrajectoryError.self) { try H5MDWriter.append(to: scratch.file("parts.h5"), communicator: nil, keeping: 91) }
    }

    /// Where the disk refuses a frame, the next call says so, and the file is as before that frame.
    @Test func framesThatCannotBeWrittenAreTakenBack() throws {
        let scratch = try Scratch()
        // Frames that are written in the background, and frames that are not.
        for atoms in [20_000, 30] {
            let path = scratch.file("\(atoms).h5")
            let frames = sampleFrames(atoms: atoms, frames: 4)
            let writer = try H5MDWriter.create(path, communicator: nil, atomCount: atoms, species: sampleSpecies,
                                               box: frames[0].box, options: H5MDOptions(precision: .float64, hasImages: true))
            try writer.append(frames[0])
            try writer.flush()
            try writer.append(frames[1])
            let background = try #require(writer.background)
            try background.wait()
            let (full, disk) = (open("/dev/full", O_WRONLY), dup(background.descriptor))
            try #require(full >= 0 && disk >= 0)
            dup2(full, background.descriptor)
            try writer.append(frames[2])
            let error = #expect(throws: HDF5Error.self) { try writer.append(frames[3]) }
            #expect(error?.exitStatus == .io && error?.file == path)
            #expect(error?.description.contains("No space left") == true, "\(String(describing: error))")
            #expect(writer.frameCount == 2)
            dup2(disk, background.descriptor)
            close(full)
            close(disk)
            try writer.append(frames[3])
            try writer.close()
            #expect(try read(path) == [frames[0], frames[1], frames[3]])
        }
    }

    /// A child that is killed in mid-frame leaves the flushed frames.
    @Test func flushedFramesSurviveAKill() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("sages-killed.h5").path
        try? FileManager.default.removeItem(atPath: path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        await #expect(processExitsWith: .signal(SIGKILL)) {
            let path = FileManager.default.temporaryDirectory.appendingPathComponent("sages-killed.h5").path
            let frames = sampleFrames(atoms: 500, frames: 150)
            let writer = try H5MDWriter.create(path, communicator: nil, atomCount: 500, species: sampleSpecies, box: frames[0].box,
                                               options: H5MDOptions(precision: .float64, hasImages: true))
            for (index, frame) in frames.enumerated() {
                try writer.append(frame)
                if index == 99 { try writer.flush() }
            }
            kill(getpid(), SIGKILL)
        }
        let frames = try read(path)
        #expect(frames == Array(sampleFrames(atoms: 500, frames: 150).prefix(100)))
    }

    /// Cuts at random places, and flips in the stored numbers. (Flips in HDF5's own metadata can end the process
    /// inside HDF5 1.10: it trusts them.)
    @Test func damagedFilesThrowOrRead() throws {
        let scratch = try Scratch()
        let frames = sampleFrames(atoms: 50, frames: 3)
        try write(frames, to: scratch.file("a.h5"), H5MDOptions(precision: .float64, hasImages: true))
        let bytes = try scratch.bytes("a.h5")
        var generator = SplitMix(state: 4)
        for _ in 0..<100 {
            let path = try scratch.write("mutant.h5", Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &generator))))
            let error = #expect(throws: HDF5Error.self) { _ = try read(path) }
            #expect(error?.exitStatus == .data && error?.file == path)
        }
        // The bytes of one atom's position.
        let pattern = withUnsafeBytes(of: frames[1].positions[10]) { Array($0) }
        let place = try #require(bytes.indices.dropLast(8).first { bytes[$0] == pattern[0] && Array(bytes[$0..<$0 + 8]) == pattern })
        for value in [Double.nan, .infinity, 1e300] {
            var mutant = bytes
            withUnsafeBytes(of: value) { mutant.replaceSubrange(place..<place + 8, with: $0) }
            let error = #expect(throws: TrajectoryError.self) { try readAll(try scratch.write("mutant.h5", mutant), ReadingOptions()) }
            #expect(error?.exitStatus == .data && error?.frame == 1 && error?.message.contains("atom 11 ") == true, "\(error?.description ?? "")")
        }
    }

    /// Files that are valid HDF5 and wrong as trajectories.
    @Test func foreignStructures() throws {
        let scratch = try Scratch()
        func refused(_ name: String, _ build: (HDF5.Group) throws -> Void) throws {
            let file = try HDF5.File.create(scratch.file(name))
            try build(try file.root)
            try file.close()
            do {
                _ = try readAll(scratch.file(name), ReadingOptions(elements: ["C"]))
                Issue.record("\(name) is read")
            } catch let error as any SAGESError { #expect(error.exitStatus == .data, "\(name): \(error)") }
        }
        func skeleton(_ root: HDF5.Group, boundary: [String] = ["none", "none", "none"], edges: [Double] = [9, 9, 9],
                      shape: [Int] = [2, 4, 3], unit: String = "Angstrom") throws {
            let position = try root.createGroup("particles/all/position")
            let value = try position.writeDataset("value", [Double](repeating: 1, count: shape.reduce(1, *)), shape: shape)
            try value.setAttribute("unit", unit)
            try position.writeDataset("step", [Int64(0), 1])
            let box = try root.createGroup("particles/all/box")
            try box.setAttribute("dimension", Int32(3))
            try box.setAttribute("boundary", boundary)
            try box.writeDataset("edges", edges)
        }
        try refused("nothing") { _ in }
        try refused("rank") { try skeleton($0, shape: [2, 12]) }
        try refused("components") { try skeleton($0, shape: [2, 4, 2]) }
        try refused("atoms") { try skeleton($0, shape: [2, 0, 3]) }
        try refused("unit") { try skeleton($0, unit: "furlong") }
        try refused("boundary") { try skeleton($0, boundary: ["periodic"]) }
        try refused("edges") { try skeleton($0, edges: [9, -9, 9]) }
        try refused("nan") { try skeleton($0, edges: [9, .nan, 9]) }
        try refused("box") { root in
            try skeleton(root)
            try root.remove("particles/all/box")
        }
        try refused("id") { root in
            try skeleton(root)
            try root.writeDataset("particles/all/id", [Int32(1), 2, 2, 3])
        }
        try refused("species") { root in
            try skeleton(root)
            try root.writeDataset("particles/all/species", [Int32(0), 1, 0, 0])
        }
        try refused("huge") { root in
            try skeleton(root)
            try root.remove("particles/all/position/value")
            // 2.4 GB that were never written.
            let storage = DatasetStorage(chunk: [1, 1 << 20, 3], maximumShape: [nil, nil, 3], deflate: 1)
            _ = try root.createDataset("particles/all/position/value", of: Double.self, shape: [2, 50_000_000, 3], storage: storage)
        }
        // And one that is right: units of nm, fixed box, ids missing.
        let file = try HDF5.File.create(scratch.file("good"))
        try skeleton(try file.root, edges: [90, 90, 90], unit: "nm")
        try file.close()
        let (frames, species) = try readAll(scratch.file("good"), ReadingOptions(elements: ["C"]))
        #expect(frames.count == 2 && frames[1].positions == [Double](repeating: 10, count: 12) && frames[0].ids == [1, 2, 3, 4])
        #expect(species.symbols == ["C"] && frames[0].box.edges == SIMD3(repeating: 90))
    }
}
