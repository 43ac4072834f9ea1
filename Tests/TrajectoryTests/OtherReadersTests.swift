import Foundation
import HDF5
import Testing
@testable import Trajectory

/// An interpreter with h5py, MDAnalysis and vtk; without one there is nothing to compare with.
private let python = ProcessInfo.processInfo.environment["SAGES_PYTHON"]

@Suite struct OtherReadersTests {
    /// h5py, MDAnalysis and VTK's XDMF reader find in the file what was written.
    @Test(.enabled(if: python != nil, "set SAGES_PYTHON to an interpreter with h5py, MDAnalysis and vtk"),
          arguments: [H5MDOptions.Precision.float32, .float64])
    func read(precision: H5MDOptions.Precision) throws {
        let scratch = try Scratch()
        let frames = sampleFrames(atoms: 40, frames: 5)
        let writer = try H5MDWriter.create(
            scratch.file("a.h5"), communicator: nil, atomCount: 40, species: sampleSpecies, box: frames[0].box,
            options: H5MDOptions(precision: precision, hasImages: true, observables: [.init(name: "energy", unit: "eV")]))
        let grid = try GridSeriesWriter.create(in: writer.file, level: 0, cells: [4, 5, 6], channels: 3, cellSize: SIMD3(1, 2, 3),
                                               origin: SIMD3(-1, 0, 5), precision: precision)
        for frame in frames {
            try writer.append(frame, observables: [frame.time])
            let cells = (0..<360).map { Double($0) + frame.time }
            try cells.withUnsafeBufferPointer {
                try grid.append($0, offset: [0, 0, 0], extent: [4, 5, 6], step: frame.step, time: frame.time)
            }
        }
        try writer.close()
        try TrajectoryExport.run(scratch.file("a.h5"), format: .xdmf, output: scratch.file("a.xdmf"))
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("python/check_h5md.py").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(python))
        process.arguments = [script, scratch.file("a.h5"), "--xdmf", scratch.file("a.xdmf")]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }
}
