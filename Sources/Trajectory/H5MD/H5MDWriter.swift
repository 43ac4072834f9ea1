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
/// All calls are collective over the communicator unless they say otherwise. After `flush`, all frames appended so far can be read even if the
/// process is killed: metadata reaches the file in `flush` alone, and a flush changes little but datasets' lengths.
///
/// Frames that are not compressed are written beside the HDF5 library: growing allocates their chunks, each writing rank
/// writes its rows there by a thread of its own, and the library writes the metadata at a flush. Neighboring shares meet
/// within a block of the file system, which must keep both, as local and parallel file systems do; see
/// `H5MDOptions.writers` for others.
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
    let order: IdentifierOrder
    var hasMasses: Bool
    /// This rank's rows of one frame, in the types of the file.
    let staging = GrowingBuffer<UInt64>()
    /// Writes frames while the caller goes on; nil where the library must write them: compressed, or converted.
    let background: BackgroundWriter?
    /// A rank with less to write than this lets another one write it: many small writes cost more than one exchange.
    private static let leastBytesOfWriter = 1 << 20

    init(file: File, atomCount: Int, species: SpeciesTable, options: H5MDOptions, series: H5MDSeries, frameCount: Int,
         hasMasses: Bool) throws {
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
        let enough = options.deflate == nil ? atomCount * payload.words * 8 / Self.leastBytesOfWriter : .max
        order = IdentifierOrder(payload: payload, communicator: file.communicator, path: file.path,
                                writers: options.writers ?? enough)
        let isDirect = try series.isPlaced(options)
        background = try file.communicator.agree { isDirect ? try BackgroundWriter(file) : nil }
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
        let writer = try H5MDWriter(file: file, atomCount: atomCount, species: species, options: options, series: series,
                                frameCount: 0, hasMasses: false)
        try writer.flush()
        return writer
    }

    /// Opens a trajectory of this writer to append to it; frames from `frameCount` on are removed (none if nil).
    /// - Throws: `HDF5Error` or `TrajectoryError` if the file is missing (66) or is not of this writer (65).
    ///
    /// - Parameter writers: see `H5MDOptions`.
    public static func append(to path: String, communicator: Communicator?, keeping frameCount: Int? = nil,
                              writers: Int? = nil) throws -> H5MDWriter {
        let file = try File.open(path, .readWrite, communicator: communicator)
        let found = try H5MDSeries.open(in: file)
        let kept = frameCount ?? found.frameCount
        guard kept >= 0, kept <= found.frameCount else {
            throw TrajectoryError(file: path, message: "it has \(found.frameCount) frames, so \(kept) cannot be kept")
        }
        guard found.series.growing.contains(where: { $0.shape[0] != kept }) else {
            return try H5MDWriter(file: file, found, frameCount: kept, writers: writers)
        }
        try found.series.resize(frames: kept)
        // Opened anew, so that no cache remembers what was cut off.
        try file.close()
        let again = try File.open(path, .readWrite, communicator: communicator)
        return try H5MDWriter(file: again, try H5MDSeries.open(in: again), frameCount: kept, writers: writers)
    }

    private convenience init(file: File, _ found: H5MDSeries.Found, frameCount: Int, writers: Int?) throws {
        var options = found.options
        options.writers = writers
        try self.init(file: file, atomCount: found.atomCount, species: found.species, options: options,
                  series: found.series, frameCount: frameCount, hasMasses: found.hasMasses)
    }

    /// Memory allocations of the redistribution and the conversion so far; constant in the steady state.
    var bufferAllocations: Int { order.allocations + staging.allocations }

    /// Appends a frame. Each rank passes the atoms that it has, in any order; together they must be `atomCount`.
    ///
    /// The frame is copied and written while the caller goes on, unless it is compressed. Where that fails, the next
    /// `append`, `flush` or `close` throws, and the frame is taken back.
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
        try finishWriting()
        let frame = H5MDFrame(step: step, time: time, box: box, observables: observables)
        do {
            try series.resize(frames: frameCount + 1)
            if background != nil {
                try file.communicator.agree { try write(frame) }
            } else {
                try write(frame)
            }
            if !hasMasses { try writeMasses() }
        } catch {
            // What of this frame is being written no longer matters.
            try? background?.wait()
            takeBack(to: frameCount)
            throw error
        }
        frameCount += 1
    }

    /// Waits for the last frame; takes it back if it could not be written. Collective.
    private func finishWriting() throws {
        guard let background else { return }
        do {
            try file.communicator.agree { try background.wait() }
        } catch {
            takeBack(to: max(0, frameCount - 1))
            throw error
        }
    }

    /// Else the file would hold a frame of any bytes. Should this fail too, the first failure is the cause. Collective.
    private func takeBack(to frames: Int) {
        frameCount = frames
        try? series.resize(frames: frames)
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

    /// Begins to bring the frames appended so far to the disk, so that a later `flush` does not wait for it. Not
    /// collective.
    public func prepareFlush() { background?.synchronize() }

    /// Brings all frames appended so far to the disk, where they can be read though the writer be killed.
    public func flush() throws {
        try finishWriting()
        guard background != nil, frameCount > 0 else { return try file.flush() }
        try file.flush { [series, frameCount] in
            try series.growing.reduce(0) { max($0, try $1.end(ofEntry: frameCount - 1)) }
        }
    }

    /// Flushes and closes the file; the writer cannot be used afterwards.
    public func close() throws {
        do {
            try flush()
        } catch {
            try? file.close()
            throw error
        }
        try file.close()
    }
}
