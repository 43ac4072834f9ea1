import Foundation
import HDF5
import MPI
import Trajectory
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Writing of trajectory frames, flushed, beside one process that writes the same bytes and syncs them.
enum OutputBenchmark: Benchmark {
    static let name = "io"
    static let summary = "collective H5MD frames, beside raw writes of the same bytes"

    static func run(
        _ options: BenchmarkOptions, on communicator: Communicator, report: (Measurement) throws -> Void
    ) throws {
        let atoms = 100_000
        let bytes = atoms * 6 * 8
        let path = try SyntheticDiamond.temporaryPath("io.h5", communicator)
        defer { if communicator.rank == 0 { try? FileManager.default.removeItem(atPath: path) } }
        guard let species = SpeciesTable(symbols: ["C"]) else { return }
        let box = SimulationBox(edges: SIMD3(repeating: 100))
        let writer = try H5MDWriter.create(
            path, communicator: communicator, atomCount: atoms, species: species, box: box,
            options: H5MDOptions(precision: .float64))
        let share = communicator.rank * atoms / communicator.size..<(communicator.rank + 1) * atoms / communicator.size
        let ids = share.map { Int64($0) }
        let kinds = [Int32](repeating: 0, count: share.count)
        let vectors = [Double](repeating: 1, count: 3 * share.count)
        var step: Int64 = 0
        try report(
            try Measurement(
                "H5MD, \(atoms) atoms a frame, positions and velocities in float64", unit: "MB/s",
                work: 1e-6 * Double(bytes), repeats: 9, seconds: 0.2, on: communicator
            ) {
                try ids.withUnsafeBufferPointer { ids in
                    try kinds.withUnsafeBufferPointer { kinds in
                        try vectors.withUnsafeBufferPointer { vectors in
                            let local = LocalAtoms(
                                count: share.count, ids: ids.baseAddress, species: kinds.baseAddress,
                                positions: vectors.baseAddress, velocities: vectors.baseAddress)
                            try writer.append(local, step: step, time: Double(step), box: box)
                        }
                    }
                }
                try writer.flush()
                step += 1
            })
        try writer.close()
        guard communicator.rank == 0 else { return try communicator.barrier() }
        try report(rawWrites(path + ".raw", bytes: bytes))
        try communicator.barrier()
    }

    /// One process, one file, one write and one sync a frame.
    private static func rawWrites(_ path: String, bytes: Int) throws -> Measurement {
        let descriptor = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0o600)
        defer {
            close(descriptor)
            unlink(path)
        }
        let data = [UInt8](repeating: 1, count: bytes)
        return Measurement(
            "raw writes of the same bytes, 1 process", unit: "MB/s", work: 1e-6 * Double(bytes), repeats: 9, seconds: 0.2
        ) {
            _ = data.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        }
    }
}
