import Diagnostics
import HDF5
import MPI

/// Writes a particle trajectory as H5MD 1.1, from any number of ranks.
///
/// Under `/particles/all` lie `position`, `velocity`, `image`, `species` and `id`, each with `step`, `time` and
/// `value` (steps and times are stored once and shared by hard links), `mass` (u, fixed in time) and `box` with
/// `edges` and `origin`. Atoms are in ascending order of ids. `/parameters/species` holds element symbols and masses;
/// `species` values are indexes into it. The bytes of the file do not depend on the number of ranks.
///
/// All calls are collective over the communicator. After `flush`, all frames appended so far can be read even if the
/// process is killed: metadata reaches the file in `flush` alone, and a flush changes little but datasets' lengths.
public final class H5MDWriter {
    public let path: String
    /// The number of atoms of every frame.
    public let atomCount: Int
    public let species: SpeciesTable
    public let options: H5MDOptions
    /// Frames in the file.
    public private(set) var frameCount: Int
    /// The HDF5 file, for further groups such as grids and provenance.
    public let file: File

    let series: H5MDSeries
    private let order: IdentifierOrder
    private var hasMasses: Bool
    // This rank's rows of one frame, in the types of the file.
    private let narrow = GrowingBuffer<Float>()
    private let wide = GrowingBuffer<Double>()
    private let integers = GrowingBuffer<Int32>()
    private let longs = GrowingBuffer<Int64>()

    init(file: File, atomCount: Int, species: SpeciesTable, options: H5MDOptions, series: H5MDSeries, frameCount: Int,
         hasMasses: Bool) {
        path = file.path
        self.file = file
        self.atomCount = atomCount
        self.species = species
        self.options = options
        self.series = series
        self.frameCount = frameCount
        self.hasMasses = hasMasses
        let payload = IdentifierOrder.Payload(hasVelocities: options.hasVelocities, hasImages: options.hasImages,
                                              scalarCount: options.scalars.count)
        order = IdentifierOrder(payload: payload, communicator: file.communicator, path: file.path)
    }

    /// Creates a trajectory without frames; a file of this name is overwritten.
    ///
    /// - Parameters:
    ///   - communicator: the ranks that write together; nil for one process without MPI.
    ///   - atomCount: of every frame, over all ranks.
    ///   - box: gives the boundaries, which stay the same; edges and origin come with each frame.
    /// - Throws: `HDF5Error` (74) if the file cannot be written; `TrajectoryError` (65) if there are no atoms.
    public static func create(_ path: String, communicator: Communicator?, atomCount: Int, species: SpeciesTable,
                              box: SimulationBox, options: H5MDOptions = H5MDOptions()) throws -> H5MDWriter {
        guard atomCount > 0 else { throw TrajectoryError(file: path, message: "a trajectory needs atoms") }
        let file = try File.create(path, communicator: communicator, layout: .init(chunkIndexHalfRank: 128))
        let series = try H5MDSeries.create(in: file, atomCount: atomCount, species: species, box: box, options: options)
        let writer = H5MDWriter(file: file, atomCount: atomCount, species: species, options: options, series: series,
                                frameCount: 0, hasMasses: false)
        try writer.flush()
        return writer
    }

    /// Opens a trajectory of this writer to append to it; frames from `frameCount` on are removed (none if nil).
    /// - Throws: `HDF5Error` or `TrajectoryError` if the file is missing (66) or is not of this writer (65).
    public static func append(to path: String, communicator: Communicator?, keeping frameCount: Int? = nil) throws -> H5MDWriter {
        let file = try File.open(path, .readWrite, communicator: communicator)
        let found = try H5MDSeries.open(in: file)
        let kept = frameCount ?? found.frameCount
        guard kept >= 0, kept <= found.frameCount else {
            throw TrajectoryError(file: path, message: "it has \(found.frameCount) frames, so \(kept) cannot be kept")
        }
        guard found.series.growing.contains(where: { $0.shape[0] != kept }) else {
            return H5MDWriter(file: file, found, frameCount: kept)
        }
        try found.series.resize(frames: kept)
        // Opened anew, so that no cache remembers what was cut off.
        try file.close()
        let again = try File.open(path, .readWrite, communicator: communicator)
        return H5MDWriter(file: again, try H5MDSeries.open(in: again), frameCount: kept)
    }

    private convenience init(file: File, _ found: H5MDSeries.Found, frameCount: Int) {
        self.init(file: file, atomCount: found.atomCount, species: found.species, options: found.options,
                  series: found.series, frameCount: frameCount, hasMasses: found.hasMasses)
    }

    /// Memory allocations of the redistribution and the conversion so far; constant in the steady state.
    var bufferAllocations: Int {
        order.allocations + narrow.allocations + wide.allocations + integers.allocations + longs.allocations
    }

    /// Appends a frame. Each rank passes the atoms that it has, in any order; together they must be `atomCount`.
    ///
    /// - Parameter observables: one number for each observable of the options; rank 0's are written.
    /// - Throws: `TrajectoryError` (65) for ids that are wrong, `HDF5Error` (74) if the system refuses; on all ranks.
    public func append(_ atoms: LocalAtoms, step: Int64, time: Double, box: SimulationBox,
                       observables: [Double] = []) throws {
        precondition(observables.count == options.observables.count, "one number for each observable")
        precondition(atoms.count == 0 || (atoms.scalars.count == options.scalars.count
                                          && (!options.hasVelocities || atoms.velocities != nil)
                                          && (!options.hasImages || atoms.images != nil)), "atoms lack arrays")
        try order.order(atoms, total: atomCount, largestID: options.hasWideIdentifiers ? 1 << 62 : Int64(Int32.max))
        let frame = frameCount
        try series.resize(frames: frame + 1)
        try series.writeFrameNumbers(frame, step: step, time: time, box: box, observables: observables)
        try writeIdentity(frame)
        let payload = order.payload
        for scalar in series.scalars.indices {
            try writeReals(series.scalars[scalar], frame, word: payload.scalarWord + scalar, components: 1)
        }
        if let velocity = series.velocity { try writeReals(velocity, frame, word: payload.velocityWord, components: 3) }
        if let image = series.image { try writeImages(image, frame) }
        try writeReals(series.position, frame, word: 3, components: 3)
        if !hasMasses { try writeMasses() }
        frameCount = frame + 1
    }

    /// Appends a frame that rank 0 has whole; what the other ranks pass is not looked at.
    public func append(_ frame: AtomFrame, observables: [Double] = []) throws {
        guard file.communicator.map({ $0.rank == 0 }) ?? true else {
            return try append(.none, step: frame.step, time: frame.time, box: frame.box, observables: observables)
        }
        try LocalAtoms.with(frame) {
            try append($0, step: frame.step, time: frame.time, box: frame.box, observables: observables)
        }
    }

    /// Brings all frames appended so far to the disk, where they can be read though the writer be killed.
    public func flush() throws { try file.flush() }

    /// Flushes and closes the file; the writer cannot be used afterwards.
    public func close() throws {
        try file.flush()
        try file.close()
    }

    // MARK: This rank's rows

    private func rows(_ frame: Int, components: Int) -> Selection {
        components == 1
            ? .box(offset: [frame, order.firstRow], count: [1, order.rowCount])
            : .box(offset: [frame, order.firstRow, 0], count: [1, order.rowCount, components])
    }

    /// Values are converted here: HDF5 would convert too, but give up collective transfer for it.
    private func writeReals(_ dataset: Dataset, _ frame: Int, word: Int, components: Int) throws {
        let count = order.rowCount * components
        if options.precision == .float64 {
            let values = wide.reserve(count)
            for row in 0..<order.rowCount {
                let atom = order.atom(row: row) + word
                for component in 0..<components {
                    values[row * components + component] = Double(bitPattern: UInt64(bitPattern: atom[component]))
                }
            }
            try dataset.write(wide.view(count), rows(frame, components: components))
        } else {
            let values = narrow.reserve(count)
            for row in 0..<order.rowCount {
                let atom = order.atom(row: row) + word
                for component in 0..<components {
                    values[row * components + component] = Float(Double(bitPattern: UInt64(bitPattern: atom[component])))
                }
            }
            try dataset.write(narrow.view(count), rows(frame, components: components))
        }
    }

    private func writeIdentity(_ frame: Int) throws {
        if options.hasWideIdentifiers {
            let values = longs.reserve(order.rowCount)
            for row in 0..<order.rowCount { values[row] = order.atom(row: row)[0] }
            try series.id.write(longs.view(order.rowCount), rows(frame, components: 1))
        } else {
            let values = integers.reserve(order.rowCount)
            for row in 0..<order.rowCount { values[row] = Int32(truncatingIfNeeded: order.atom(row: row)[0]) }
            try series.id.write(integers.view(order.rowCount), rows(frame, components: 1))
        }
        let values = integers.reserve(order.rowCount)
        for row in 0..<order.rowCount { values[row] = Int32(truncatingIfNeeded: order.atom(row: row)[1]) }
        try series.species.write(integers.view(order.rowCount), rows(frame, components: 1))
    }

    private func writeImages(_ dataset: Dataset, _ frame: Int) throws {
        let values = integers.reserve(3 * order.rowCount)
        for row in 0..<order.rowCount {
            let atom = order.atom(row: row)
            values[3 * row] = Int32(truncatingIfNeeded: atom[1] >> 32)
            values[3 * row + 1] = Int32(truncatingIfNeeded: atom[2])
            values[3 * row + 2] = Int32(truncatingIfNeeded: atom[2] >> 32)
        }
        try dataset.write(integers.view(3 * order.rowCount), rows(frame, components: 3))
    }

    /// Masses do not change with time; they are known with the first frame.
    private func writeMasses() throws {
        let values = wide.reserve(order.rowCount)
        for row in 0..<order.rowCount {
            let index = Int(Int32(truncatingIfNeeded: order.atom(row: row)[1]))
            values[row] = species.masses.indices.contains(index) ? species.masses[index] : 0
        }
        try series.mass.write(wide.view(order.rowCount), .box(offset: [order.firstRow], count: [order.rowCount]))
        hasMasses = true
    }
}
