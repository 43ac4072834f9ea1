import Diagnostics
import Foundation
import Testing
@testable import Trajectory

private let timestep = ReadingOptions(timestep: 0.5)

/// A dump of one frame with the given columns, bounds and rows.
private func dump(_ columns: String, bounds: String = "pp pp pp\n0 10\n0 10\n0 10", count: String? = nil, _ rows: [String]) -> String {
    "ITEM: TIMESTEP\n4\nITEM: NUMBER OF ATOMS\n\(count ?? String(rows.count))\nITEM: BOX BOUNDS \(bounds)\nITEM: ATOMS \(columns)\n"
        + rows.map { $0 + "\n" }.joined()
}

@Suite struct LAMMPSDumpTests {
    @Test func columnsInAnyOrderSortedAndWrapped() throws {
        let scratch = try Scratch()
        let (frames, species) = try readAll(try scratch.write("a.lammpstrj", sampleDump), timestep)
        #expect(species == SpeciesTable(symbols: ["C", "H"], masses: [12.011, 1.008]))
        #expect(frames.count == 2)
        #expect(frames.map(\.step) == [100, 110])
        #expect(frames.map(\.time) == [50, 55])
        #expect(frames[0].ids == [3, 5, 7])
        #expect(frames[0].species == [1, 0, 0])
        // Atom 5 lies on the upper face of x, atom 7 below the lower one.
        #expect(frames[0].positions == [4.5, 8.5, 0, 0.5, -1, 20, 10.25, 3.125, 19.5])
        #expect(frames[0].images == [1, -2, 0, 1, 0, 0, -1, 0, 0])
        #expect(frames[0].velocities == [-1.5, 0.125, 1e-3, 0, 0, 0, 1, 2, 3])
        #expect(frames[0].box == SimulationBox(origin: SIMD3(0.5, -1, 0), edges: SIMD3(10, 10, 20),
                                               boundaries: (.periodic, .periodic, .open)))
    }

    @Test func scaledAndUnwrappedCoordinates() throws {
        let scratch = try Scratch()
        let bounds = "pp pp pp\n2 12\n0 20\n-5 5"
        let expected = [3.0, 10, 0]
        for (columns, row) in [("id element xs ys zs", "1 C 0.1 0.5 0.5"), ("id element xu yu zu", "1 C 13 -10 0"),
                               ("id element xsu ysu zsu", "1 C 1.1 -0.5 0.5")] {
            let (frames, _) = try readAll(try scratch.write("b", dump(columns, bounds: bounds, [row])), timestep)
            for axis in 0..<3 { #expect(abs(frames[0].positions[axis] - expected[axis]) < 1e-12, "\(columns)") }
            #expect(frames[0].images == (columns.contains("xu") || columns.contains("xsu") ? [1, -1, 0] : []))
        }
    }

    @Test func elementColumnGivesSpeciesByAtomicNumber() throws {
        let scratch = try Scratch()
        let path = try scratch.write("c", dump("id element x y z", ["1 O 1 1 1", "2 H 2 2 2", "3 C 3 3 3"]))
        let (frames, species) = try readAll(path, timestep)
        #expect(species.symbols == ["H", "C", "O"])
        #expect(frames[0].species == [2, 0, 1])
    }

    @Test func realUnitsAndTimes() throws {
        let scratch = try Scratch()
        let text = "ITEM: UNITS\nreal\nITEM: TIME\n250\n" + dump("id element x y z vx vy vz", ["1 C 1 1 1 0.001 0 -0.002"])
        let (frames, _) = try readAll(try scratch.write("d", text), ReadingOptions())
        #expect(frames[0].time == 0.25)
        #expect(frames[0].velocities == [1, 0, -2])
    }

    @Test func compressedFilesReadTheSame() throws {
        let scratch = try Scratch()
        let plain = try scratch.write("e.lammpstrj", sampleDump)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/gzip")
        process.arguments = ["-k", plain]
        try process.run()
        process.waitUntilExit()
        #expect(try readAll(plain + ".gz", timestep).frames == readAll(plain, timestep).frames)
        let compressed = try scratch.bytes("e.lammpstrj.gz")
        let cut = try scratch.write("cut.gz", Array(compressed.prefix(compressed.count - 12)))
        let error = #expect(throws: TrajectoryError.self) { try readAll(cut, timestep) }
        #expect(error?.exitStatus == .data)
        #expect(error?.message.contains("truncated") == true)
    }

    /// Every cut but those between frames is found, and named with its line.
    @Test func everyTruncationIsAnError() throws {
        let scratch = try Scratch()
        let bytes = Array(sampleDump.utf8)
        let second = try #require(sampleDump.range(of: "ITEM: TIMESTEP\n110"))
        let boundary = sampleDump.utf8.distance(from: sampleDump.startIndex, to: second.lowerBound)
        for length in 1..<bytes.count {
            let path = try scratch.write("t", Array(bytes.prefix(length)))
            if length == boundary {
                #expect(try readAll(path, timestep).frames.count == 1)
                continue
            }
            do {
                _ = try readAll(path, timestep)
                Issue.record("a cut after \(length) bytes goes unnoticed")
            } catch let error as TrajectoryError {
                #expect(error.exitStatus == .data && error.file == path, "\(error)")
                if length > 16 { #expect(error.line != nil, "\(error)") }
            }
        }
    }

    @Test(arguments: [
        ("id element x y z", "pp pp ff\n0 10\n0 10\n0 10", ["1 C 1 1 11"], "atom 1 is outside the box"),
        ("id element x y z", "xy xz yz pp pp pp\n0 10 1\n0 10 0\n0 10 0", ["1 C 1 1 1"], "triclinic"),
        ("id element x y z", "pp pp pp\n10 0\n0 10\n0 10", ["1 C 1 1 1"], "bounds"),
        ("id element x y z", "pp pp pp\n0 10\n0 10\n0 10", ["1 C 1 x 1"], "\"x\" is no valid y"),
        ("id element x y z", "pp pp pp\n0 10\n0 10\n0 10", ["1 C 1 nan 1"], "\"nan\" is no valid y"),
        ("id element x y z", "pp pp pp\n0 10\n0 10\n0 10", ["1 C 1 1e999 1"], "no valid y"),
        ("id element x y z", "pp pp pp\n0 10\n0 10\n0 10", ["1 C 1 1"], "4 columns"),
        ("id element x y z", "pp pp pp\n0 10\n0 10\n0 10", ["1 C 1 1 1 1"], "more than 5"),
        ("id element x y z", "pp pp pp\n0 10\n0 10\n0 10", ["1 C 1 1 1", "1 C 2 2 2"], "two atoms have the id 1"),
        ("id element x y z", "pp pp pp\n0 10\n0 10\n0 10", ["1 Qq 1 1 1"], "no element"),
        ("id type x y z", "pp pp pp\n0 10\n0 10\n0 10", ["1 1 1 1 1"], "--elements"),
        ("id type x y z", "pp pp pp\n0 10\n0 10\n0 10", ["1 -1 1 1 1"], "type -1"),
        ("type x y z", "pp pp pp\n0 10\n0 10\n0 10", ["1 1 1 1"], "no column \"id\""),
        ("id element x y", "pp pp pp\n0 10\n0 10\n0 10", ["1 C 1 1"], "no columns of positions"),
        ("id id x y z", "pp pp pp\n0 10\n0 10\n0 10", ["1 1 1 1 1"], "twice"),
    ])
    func malformedFramesAreNamed(columns: String, bounds: String, rows: [String], message: String) throws {
        let scratch = try Scratch()
        let path = try scratch.write("m", dump(columns, bounds: bounds, rows))
        let error = #expect(throws: TrajectoryError.self) { try readAll(path, timestep) }
        #expect(error?.description.contains(message) == true, "\(error.map(String.init(describing:)) ?? "")")
        #expect(error?.exitStatus == .data)
        #expect(error?.line != nil && error?.frame == 0)
    }

    @Test func roundingBeyondAnOpenFaceIsUndone() throws {
        let scratch = try Scratch()
        let path = try scratch.write("r", dump("id element x y z", bounds: "pp pp ss\n0 10\n0 10\n0 9.99995", ["1 C 1 1 10"]))
        #expect(try readAll(path, timestep).frames[0].positions[2] == 9.99995)
    }

    @Test(arguments: ["-1", "0", "99999999999999999999", "4611686018427387904", "x", ""])
    func wrongNumbersOfAtoms(count: String) throws {
        let scratch = try Scratch()
        let path = try scratch.write("n", dump("id element x y z", count: count, ["1 C 1 1 1"]))
        let error = #expect(throws: TrajectoryError.self) { try readAll(path, timestep) }
        #expect(error?.exitStatus == .data)
    }

    @Test func aChangingNumberOfAtomsIsRefused() throws {
        let scratch = try Scratch()
        let text = dump("id element x y z", ["1 C 1 1 1", "2 C 2 2 2"]) + dump("id element x y z", ["1 C 1 1 1"])
        let error = #expect(throws: TrajectoryError.self) { try readAll(try scratch.write("n", text), timestep) }
        #expect(error?.message.contains("the frame has 1 atoms, the first one 2") == true)
        #expect(error?.frame == 1)
    }

    @Test func timesMustComeFromSomewhere() throws {
        let scratch = try Scratch()
        let error = #expect(throws: TrajectoryError.self) { try readAll(try scratch.write("n", sampleDump), ReadingOptions()) }
        #expect(error?.exitStatus == .usage)
        #expect(error?.message.contains("--timestep") == true)
    }

    @Test func missingFile() throws {
        let error = #expect(throws: TrajectoryError.self) { try readAll("/nonexistent/a.lammpstrj", timestep) }
        #expect(error?.exitStatus == .noInput)
        #expect(error?.description.contains("/nonexistent/a.lammpstrj") == true)
    }

    /// A 10 MB dump takes well under a second on an idle core.
    @Test func speed() throws {
        let scratch = try Scratch()
        var generator = SplitMix(state: 5)
        var text = ""
        let rows = (1...1000).map { id -> String in
            let numbers = (0..<6).map { _ in String(format: "%.8g", Double.random(in: 0..<10, using: &generator)) }
            return "\(id) 1 " + numbers.joined(separator: " ")
        }
        let body = rows.joined(separator: "\n")
        for frame in 0..<140 {
            text += "ITEM: TIMESTEP\n\(frame)\nITEM: NUMBER OF ATOMS\n1000\nITEM: BOX BOUNDS pp pp pp\n0 10\n0 10\n0 10\n"
                + "ITEM: ATOMS id type x y z vx vy vz\n" + body + "\n"
        }
        let path = try scratch.write("speed", text)
        let source = try LAMMPSDumpReader(path, options: ReadingOptions(elements: ["C"], timestep: 1))
        var frame = AtomFrame()
        var count = 0
        let seconds = try ContinuousClock().measure { while try source.readFrame(into: &frame) { count += 1 } }
        print("read \(text.utf8.count / 1_000_000) MB of a dump in \(seconds)")
        #expect(count == 140)
        #expect(seconds < .seconds(5))
    }
}
