import Diagnostics
import Foundation
import HDF5
import Testing
@testable import Trajectory

private let dataFileText = """
    LAMMPS data file via write_data

    3 atoms
    2 atom types

    0 10 xlo xhi
    -5 5 ylo yhi
    0.5 20.5 zlo zhi

    Masses

    1 12.011
    2 1.008  # H

    Pair Coeffs # airebo

    1 x
    2 y

    Atoms # charge

    3 2 -0.5 1 2 3 0 0 1
    1 1 0.25 10.5 -6 4 0 0 0
    2 1 0 5 0 20.5 -1 0 0

    Velocities

    1 1 2 3
    3 -1 0 0.5
    2 0 0 0

    """

private let xyzFileText = """
    2
    Lattice="10 0 0 0 10 0 0 0 20" Properties=species:S:1:pos:R:3:velo:R:3:force:R:3 pbc="T T F" Time=0.25 Step=7
    O 1 2 3 0.1 0.2 0.3 9 9 9
    H 11 -2 20 1 2 3 9 9 9
    2
    Lattice="10 0 0 0 10 0 0 0 20" Properties=species:S:1:pos:R:3:velo:R:3:force:R:3 pbc="T T F" Time=0.5 Step=8
    O 1 2 4 0.1 0.2 0.3 9 9 9
    H 11 -2 19 1 2 3 9 9 9

    """

@Suite struct FormatTests {
    @Test func dataFile() throws {
        let scratch = try Scratch()
        let path = try scratch.write("a.data", dataFileText)
        #expect(try TrajectoryFormat.detect(path) == .lammpsData)
        let (frames, species) = try readAll(path, ReadingOptions())
        let frame = try #require(frames.first)
        #expect(frames.count == 1)
        #expect(species == SpeciesTable(symbols: ["C", "H"], masses: [12.011, 1.008]))
        #expect(frame.ids == [1, 2, 3])
        #expect(frame.species == [0, 0, 1])
        #expect(frame.positions == [0.5, 4, 4, 5, 0, 0.5, 1, 2, 3])
        #expect(frame.images == [1, -1, 0, -1, 0, 1, 0, 0, 1])
        #expect(frame.velocities == [1, 2, 3, 0, 0, 0, -1, 0, 0.5])
        #expect(frame.box.origin == SIMD3(0, -5, 0.5) && frame.box.edges == SIMD3(10, 10, 20))
    }

    @Test func dataStyles() throws {
        let scratch = try Scratch()
        for (style, row) in [("atomic", "1 1 1 2 3"), ("molecular", "1 9 1 1 2 3"), ("full", "1 9 1 -0.8 1 2 3"),
                             ("", "1 1 1 2 3")] {
            let text = "t\n\n1 atoms\n1 atom types\n0 10 xlo xhi\n0 10 ylo yhi\n0 10 zlo zhi\n\nMasses\n\n1 12\n\nAtoms"
                + (style.isEmpty ? "" : " # \(style)") + "\n\n\(row)\n"
            #expect(try readAll(try scratch.write("s", text), ReadingOptions()).frames[0].positions == [1, 2, 3], "\(style)")
        }
    }

    @Test(arguments: [
        ("3 atoms", "4 atoms", "truncated: it has 3 of 4 atoms"), ("3 atoms", "2 atoms", "more than the 2 atoms"),
        ("# charge", "# ellipsoid", "style \"ellipsoid\""), ("# charge", "# atomic", "no atom of style atomic"),
        ("0 10 xlo xhi", "10 0 xlo xhi", "bounds"), ("0 10 xlo xhi\n", "", "along x are not given"),
        ("0.5 20.5 zlo zhi", "0.5 20.5 zlo zhi\n1 0 0 xy xz yz", "triclinic"), ("2 1.008", "2 99999", "type 2"),
        ("2 0 0 0\n", "", "2 of 3 velocities"), ("2 0 0 0\n", "4 0 0 0\n", "no atom of id 4"), ("3 atoms", "-3 atoms", "number of atoms"),
        ("3 2 -0.5 1", "3 2 -0.5 zz", "no number"), ("1 1 0.25", "2 1 0.25", "two atoms have the id 2"),
    ])
    func malformedDataFiles(original: String, replacement: String, message: String) throws {
        let scratch = try Scratch()
        let text = dataFileText.replacingOccurrences(of: original, with: replacement)
        #expect(text != dataFileText)
        let error = #expect(throws: TrajectoryError.self) { try readAll(try scratch.write("a.data", text), ReadingOptions()) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
        #expect(error?.exitStatus == .data)
    }

    @Test func extendedXYZ() throws {
        let scratch = try Scratch()
        let path = try scratch.write("a.xyz", xyzFileText)
        #expect(try TrajectoryFormat.detect(path) == .extendedXYZ)
        let (frames, species) = try readAll(path, ReadingOptions())
        #expect(species.symbols == ["H", "O"])
        #expect(frames.map(\.step) == [7, 8] && frames.map(\.time) == [0.25, 0.5])
        #expect(frames[0].ids == [1, 2] && frames[0].species == [1, 0])
        #expect(frames[0].positions == [1, 2, 3, 1, 8, 20])
        #expect(frames[0].velocities == [0.1, 0.2, 0.3, 1, 2, 3])
        #expect(frames[0].box.boundary(2) == .open)
    }

    /// A matrix, or components; in eV, or by volume and with the other sign.
    @Test func virials() throws {
        let scratch = try Scratch()
        for text in [
            "virial=\"1 6 5 6 2 4 5 4 3\"", "stress=\"-5e-4 -1e-3 -1.5e-3 -2e-3 -2.5e-3 -3e-3\"",
            "stress=\"-5e-4 -3e-3 -2.5e-3 -3e-3 -1e-3 -2e-3 -2.5e-3 -2e-3 -1.5e-3\"",
        ] {
            let frames = try readAll(
                try scratch.write("a.xyz", xyzFileText.replacingOccurrences(of: "Time", with: "\(text) Time")), ReadingOptions()
            ).frames
            #expect(frames.allSatisfy { zip($0.virial, [1.0, 2, 3, 4, 5, 6]).allSatisfy { abs($0 - $1) < 1e-12 } })
            #expect(frames.map(\.virial.count) == [6, 6])
        }
    }

    @Test(arguments: [
        ("Lattice=\"10 0 0 0 10", "Lattice=\"10 1 0 0 10", "triclinic"), ("Lattice", "Latice", "no Lattice"),
        ("H 11", "Zz 11", "no element"), ("H 11 -2 20", "H 11 -2 21", "atom 2 is outside the box"), ("H 11", "H", "columns"),
        ("pbc=\"T T F\"", "pbc=\"T T\"", "pbc"), ("pos:R:3", "position:R:3", "species and positions"), ("Step=7", "Step=x", "Step"),
        ("Time=0.25", "Time=0.25 virial=\"1 2 3\"", "virial is not 9"), ("Time=0.25", "Time=0.25 stress=\"1 2 x\"", "stress is not 6 or 9"),
        ("Time=0.25", "Time=x", "Time"), ("Time=0.5 ", "", "--timestep"),
    ])
    func malformedXYZ(original: String, replacement: String, message: String) throws {
        let scratch = try Scratch()
        let text = xyzFileText.replacingOccurrences(of: original, with: replacement)
        #expect(text != xyzFileText)
        let error = #expect(throws: TrajectoryError.self) { try readAll(try scratch.write("a.xyz", text), ReadingOptions()) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
        #expect(error?.line != nil)
    }

    @Test func unknownContent() throws {
        let scratch = try Scratch()
        for content in ["hello\nworld\n", ""] {
            let error = #expect(throws: TrajectoryError.self) { try TrajectoryFormat.detect(try scratch.write("a.txt", content)) }
            #expect(error?.exitStatus == .data)
        }
    }

    /// Random cuts, flipped bytes and huge numbers: every reader parses or throws; none traps or takes memory without bound.
    @Test(arguments: [sampleDump, dataFileText, xyzFileText])
    func mutatedFilesParseOrThrow(original: String) throws {
        let scratch = try Scratch()
        let bytes = Array(original.utf8)
        var generator = SplitMix(state: 11)
        let inserts = ["-1", "99999999999", "9223372036854775807", "1e308", "-1e308", "nan", "\u{0}", "\n", " ", "ITEM: ", "\"", "1e-320", "é"]
        var parsed = 0, refused = 0
        for _ in 0..<400 {
            var mutant = bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !mutant.isEmpty {
                let position = Int.random(in: 0..<mutant.count, using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: mutant.removeLast(mutant.count - position)
                case 1: mutant[position] = UInt8.random(in: 0...255, using: &generator)
                case 2: mutant.remove(at: position)
                case 3:
                    let text = inserts[Int.random(in: 0..<inserts.count, using: &generator)]
                    mutant.insert(contentsOf: text.utf8, at: position)
                default:
                    let text = inserts[Int.random(in: 0..<inserts.count, using: &generator)]
                    // Replaces a word.
                    let start = mutant[..<position].lastIndex { $0 <= 0x20 }.map { $0 + 1 } ?? 0
                    let end = mutant[position...].firstIndex { $0 <= 0x20 } ?? mutant.count
                    mutant.replaceSubrange(start..<max(start, end), with: Array(text.utf8))
                }
            }
            let path = try scratch.write("mutant", mutant)
            for options in [ReadingOptions(timestep: 0.5), ReadingOptions(elements: ["C", "H"], timestep: 0.5)] {
                do {
                    for frame in try readAll(path, options).frames {
                        #expect(frame.positions.count == 3 * frame.count && frame.species.count == frame.count)
                        #expect(!frame.positions.contains { !$0.isFinite })
                    }
                    parsed += 1
                } catch let error as TrajectoryError {
                    #expect(error.file == path)
                    refused += 1
                }
            }
        }
        #expect(parsed > 20 && refused > 20)
    }
}

