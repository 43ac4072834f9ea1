import Foundation
import HDF5
import MPI
import Trajectory

/// A trajectory that is written frame by frame as simulations write them: float64, with velocities and images, of atoms
/// that lie on the ranks in turns.
final class OutputWork {
    /// A frame's bytes an atom: id, species, image, position, velocity.
    static let bytesPerAtom = 4 + 4 + 12 + 24 + 24
    /// Frames in a file; then the next file begins, so that the disk does not fill.
    private static let framesPerFile = 64

    let atoms: Int
    var bytes: Double { Double(atoms * Self.bytesPerAtom) }

    private let communicator: Communicator
    private let path: String
    private var writer: H5MDWriter?
    private let box = SimulationBox(edges: SIMD3(repeating: 100))
    private let ids: [Int64]
    private let species: [Int32]
    private let vectors: [Double]
    private let images: [Int32]

    /// Collective.
    init(atoms: Int, communicator: Communicator) throws {
        (self.atoms, self.communicator) = (atoms, communicator)
        path = try SyntheticDiamond.temporaryPath("write.h5", communicator)
        ids = stride(from: communicator.rank, to: atoms, by: communicator.size).map { Int64($0) }
        species = [Int32](repeating: 0, count: ids.count)
        vectors = (0..<3 * ids.count).map { Double($0 % 1000) }
        images = [Int32](repeating: 1, count: 3 * ids.count)
    }

    deinit { if communicator.rank == 0 { try? FileManager.default.removeItem(atPath: path) } }

    /// Appends a frame. Collective.
    private func append() throws -> H5MDWriter {
        let writer = try currentWriter()
        try ids.withUnsafeBufferPointer { ids in
            try species.withUnsafeBufferPointer { species in
                try vectors.withUnsafeBufferPointer { vectors in
                    try images.withUnsafeBufferPointer { images in
                        let local = LocalAtoms(
                            count: ids.count, ids: ids.baseAddress, species: species.baseAddress,
                            positions: vectors.baseAddress, velocities: vectors.baseAddress,
                            images: images.baseAddress)
                        let step = writer.frameCount
                        try writer.append(local, step: Int64(step), time: Double(step), box: box)
                    }
                }
            }
        }
        return writer
    }

    /// Appends a frame and flushes it. Collective.
    func writeFrame() throws { try append().flush() }

    /// Appends a frame and flushes it while the caller works for so many seconds. Collective.
    ///
    /// - Returns: the seconds that the caller waited.
    func writeFrame(behindWorkOf seconds: Double) throws -> Double {
        try communicator.barrier()
        let begin = BenchmarkClock.wall.seconds
        let writer = try append()
        writer.prepareFlush()
        let middle = BenchmarkClock.wall.seconds
        while BenchmarkClock.wall.seconds < middle + seconds {}
        let end = BenchmarkClock.wall.seconds
        try writer.flush()
        return try communicator.allReduce(middle - begin + BenchmarkClock.wall.seconds - end, .maximum)
    }

    private func currentWriter() throws -> H5MDWriter {
        if let writer, writer.frameCount < Self.framesPerFile { return writer }
        try writer?.close()
        guard let carbon = SpeciesTable(symbols: ["C"]) else { preconditionFailure("carbon has a mass") }
        let made = try H5MDWriter.create(
            path, communicator: communicator, atomCount: atoms, species: carbon, box: box,
            options: H5MDOptions(precision: .float64, hasImages: true))
        writer = made
        return made
    }
}
