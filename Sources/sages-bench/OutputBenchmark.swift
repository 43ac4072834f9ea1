import Foundation
import HDF5
import MPI
import Trajectory

/// Writing of trajectory frames of several sizes, as simulations write them: float64, with velocities and images.
enum OutputBenchmark: Benchmark {
    static let name = "io"
    static let summary = "H5MD frames: flushed one by one, and behind other work"
    /// A frame's bytes an atom: id, species, image, position, velocity.
    static let bytesOfAtom = 4 + 4 + 12 + 24 + 24

    static func run(
        _ options: BenchmarkOptions, on communicator: Communicator, report: (Measurement) throws -> Void
    ) throws {
        for atoms in [1000, 100_000, 1_000_000] {
            let path = try SyntheticDiamond.temporaryPath("io.h5", communicator)
            defer { if communicator.rank == 0 { try? FileManager.default.removeItem(atPath: path) } }
            let frames = try Frames(path, atoms: atoms, communicator)
            let work = 1e-6 * Double(atoms * bytesOfAtom)
            let repeats = atoms > 100_000 ? 5 : 15
            var spent = 0.0
            try report(
                try Measurement(
                    "\(atoms) atoms a frame, on the disk", unit: "MB/s", work: work, repeats: repeats, seconds: 1e-6,
                    on: communicator
                ) {
                    let begin = BenchmarkClock.wall.seconds
                    try frames.append()
                    try frames.writer.flush()
                    spent = BenchmarkClock.wall.seconds - begin
                })
            try report(behindWork(frames, work, repeats, pause: 3 * spent, communicator))
            try frames.writer.close()
        }
    }

    /// What the caller waits for, where it has other work for three times as long as a frame takes.
    private static func behindWork(
        _ frames: Frames, _ work: Double, _ repeats: Int, pause: Double, _ communicator: Communicator
    ) throws -> Measurement {
        var rates: [Double] = []
        for _ in 0...repeats {
            try communicator.barrier()
            let begin = BenchmarkClock.wall.seconds
            try frames.append()
            frames.writer.prepareFlush()
            let middle = BenchmarkClock.wall.seconds
            while BenchmarkClock.wall.seconds < middle + pause {}
            let end = BenchmarkClock.wall.seconds
            try frames.writer.flush()
            let waited = try communicator.allReduce(middle - begin + BenchmarkClock.wall.seconds - end, .maximum)
            rates.append(work / waited)
        }
        return Measurement(
            "\(frames.atoms) atoms a frame, what the caller waits for behind other work", unit: "MB/s",
            rates: rates.dropFirst().sorted())
    }

    /// Writes frame after frame of atoms that lie on the ranks in turns.
    private final class Frames {
        let writer: H5MDWriter
        let atoms: Int
        private let box = SimulationBox(edges: SIMD3(repeating: 100))
        private let ids: [Int64]
        private let species: [Int32]
        private let vectors: [Double]
        private let images: [Int32]

        init(_ path: String, atoms: Int, _ communicator: Communicator) throws {
            ids = stride(from: communicator.rank, to: atoms, by: communicator.size).map { Int64($0) }
            species = [Int32](repeating: 0, count: ids.count)
            vectors = (0..<3 * ids.count).map { Double($0 % 1000) }
            images = [Int32](repeating: 1, count: 3 * ids.count)
            self.atoms = atoms
            writer = try H5MDWriter.create(
                path, communicator: communicator, atomCount: atoms,
                species: SpeciesTable(symbols: ["C"], masses: [12.011]), box: box,
                options: H5MDOptions(precision: .float64, hasImages: true))
        }

        func append() throws {
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
        }
    }
}
