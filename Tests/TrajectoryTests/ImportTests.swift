import Diagnostics
import Foundation
import HDF5
import Testing
@testable import Trajectory

@Suite struct ImportTests {
    private func frames(_ path: String) throws -> [AtomFrame] { try readAll(path, ReadingOptions()).frames }

    private func options(_ elements: [String]? = nil) -> TrajectoryImport.Options {
        .init(reading: ReadingOptions(elements: elements, timestep: 0.0005))
    }

    /// Import, export, import again: not a bit differs.
    @Test(arguments: [TrajectoryExport.Format.extxyz, .lammpstrj]) func roundTripIsExact(format: TrajectoryExport.Format) throws {
        let scratch = try Scratch()
        let original = sampleFrames(atoms: 30, frames: 5)
        let writer = try H5MDWriter.create(scratch.file("0.h5"), communicator: nil, atomCount: 30, species: sampleSpecies,
                                           box: original[0].box, options: H5MDOptions(precision: .float64, hasImages: true))
        for frame in original { try writer.append(frame) }
        try writer.close()
        try TrajectoryExport.run(scratch.file("0.h5"), format: format, output: scratch.file("1.\(format)"))
        let summary = try TrajectoryImport.run(sources: [scratch.file("1.\(format)")], output: scratch.file("1.h5"))
        #expect(summary.atomCount == 30 && summary.frameCount == 5 && summary.firstStep == 3 && summary.lastStep == 43)
        #expect(summary.species == sampleSpecies)
        #expect(try frames(scratch.file("1.h5")) == original)
        try TrajectoryImport.run(sources: [scratch.file("1.h5")], output: scratch.file("2.h5"))
        #expect(try frames(scratch.file("2.h5")) == original)
        #expect(!FileManager.default.fileExists(atPath: scratch.file(".1.h5.incomplete")))
    }

    /// Virials become observables, and come out again; all frames have one or none has.
    @Test func virialsAreKept() throws {
        let scratch = try Scratch()
        var frames = sampleFrames(atoms: 30, frames: 3)
        for index in frames.indices { frames[index].virial = [1.5, -2, 3, 0.25, -0.5, 1e-3 * Double(index)] }
        let writer = try H5MDWriter.create(
            scratch.file("0.h5"), communicator: nil, atomCount: 30, species: sampleSpecies, box: frames[0].box,
            options: H5MDOptions(precision: .float64, hasImages: true, observables: Virial.observables))
        for frame in frames { try writer.append(frame, observables: frame.virial) }
        try writer.close()
        try TrajectoryExport.run(scratch.file("0.h5"), format: .extxyz, output: scratch.file("1.xyz"))
        try TrajectoryImport.run(sources: [scratch.file("1.xyz")], output: scratch.file("1.h5"))
        #expect(try self.frames(scratch.file("1.h5")) == frames)

        let text = try String(contentsOfFile: scratch.file("1.xyz"), encoding: .utf8)
        let last = try #require(text.range(of: " virial=", options: .backwards))
        try scratch.write("2.xyz", text.replacingCharacters(in: last, with: " other="))
        let error = #expect(throws: TrajectoryError.self) {
            try TrajectoryImport.run(sources: [scratch.file("2.xyz")], output: scratch.file("2.h5"))
        }
        #expect(error?.message.contains("has a virial, and the other has not") == true && error?.exitStatus == .data)
    }

    @Test func dumpsAreConcatenated() throws {
        let scratch = try Scratch()
        let first = try scratch.write("a.lammpstrj", sampleDump)
        let text = sampleDump.replacingOccurrences(of: "ITEM: TIMESTEP\n110", with: "ITEM: TIMESTEP\n120")
            .replacingOccurrences(of: "ITEM: TIMESTEP\n100", with: "ITEM: TIMESTEP\n110")
        let second = try scratch.write("b.lammpstrj", text)
        let summary = try TrajectoryImport.run(sources: [first, second], output: scratch.file("o.h5"), options: options())
        #expect(summary.frameCount == 3)
        #expect(try H5MDReader(scratch.file("o.h5")).steps == [100, 110, 120])
        let provenance = try HDF5.File.open(scratch.file("o.h5")).root.group("provenance")
        #expect(try provenance.stringsAttribute("sources") == ["a.lammpstrj", "b.lammpstrj"])
        #expect(try provenance.attribute("timestep", as: Double.self) == [0.0005])
        let error = #expect(throws: TrajectoryError.self) {
            try TrajectoryImport.run(sources: [second, first], output: scratch.file("p.h5"), options: options())
        }
        #expect(error?.message.contains("steps must ascend") == true)
        #expect(!FileManager.default.fileExists(atPath: scratch.file("p.h5")))
    }

    @Test func equalImportsMakeEqualFiles() throws {
        let scratch = try Scratch()
        let source = try scratch.write("a.lammpstrj", sampleDump)
        for name in ["x.h5", "y.h5"] { try TrajectoryImport.run(sources: [source], output: scratch.file(name), options: options()) }
        #expect(try scratch.bytes("x.h5") == scratch.bytes("y.h5"))
    }

    @Test func aFailedImportLeavesTheEarlierFile() throws {
        let scratch = try Scratch()
        try scratch.write("o.h5", "earlier")
        let cut = try scratch.write("a.lammpstrj", String(sampleDump.dropLast(40)))
        let error = #expect(throws: TrajectoryError.self) {
            try TrajectoryImport.run(sources: [cut], output: scratch.file("o.h5"), options: options())
        }
        #expect(error?.exitStatus == .data && error?.frame == 1)
        #expect(try String(decoding: scratch.bytes("o.h5"), as: UTF8.self) == "earlier")
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == ["a.lammpstrj", "o.h5"])
        for (sources, output, status) in [(["/nonexistent"], "o.h5", ExitStatus.noInput), ([cut], "no/o.h5", .io), ([], "o.h5", .usage)] {
            do {
                try TrajectoryImport.run(sources: sources, output: scratch.file(output), options: options())
                Issue.record("no error")
            } catch let error as any SAGESError { #expect(error.exitStatus == status) }
        }
    }

    @Test func everyNthFrame() throws {
        let scratch = try Scratch()
        let source = try scratch.write("a.lammpstrj", sampleDump)
        var some = options(["C", "H"])
        some.every = 2
        #expect(try TrajectoryImport.run(sources: [source], output: scratch.file("o.h5"), options: some).frameCount == 1)
    }

    @Test func observablesToCSV() throws {
        let scratch = try Scratch()
        let frames = sampleFrames(atoms: 4, frames: 2)
        let writer = try H5MDWriter.create(scratch.file("a.h5"), communicator: nil, atomCount: 4, species: sampleSpecies, box: frames[0].box,
                                           options: H5MDOptions(hasImages: true, observables: [.init(name: "energy", unit: "eV")]))
        for frame in frames { try writer.append(frame, observables: [Double(frame.step) / 2]) }
        try writer.close()
        try TrajectoryExport.run(scratch.file("a.h5"), format: .csv, output: scratch.file("a.csv"))
        let rows = frames.map { "\($0.step),\($0.time),\($0.box.edges.x),8.0,\($0.box.edges.z),\(Double($0.step) / 2)\n" }
        #expect(try String(decoding: scratch.bytes("a.csv"), as: UTF8.self)
            == "step,time (ps),edge_x (Angstrom),edge_y (Angstrom),edge_z (Angstrom),energy (eV)\n" + rows.joined())
    }
}
