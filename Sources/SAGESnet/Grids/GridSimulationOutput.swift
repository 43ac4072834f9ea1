import Diagnostics
import Grid
import HDF5
import MPI
import Trajectory

/// Writes the frames of a grid's simulation as `/grids/0`; where regions choose their scale, also which, as
/// `/grids/0/regions`.
///
/// Its bytes do not depend on the number of ranks. A frame is safe from a kill once it is flushed, at most every
/// `flushInterval` seconds.
public final class GridSimulationOutput<Scalar: HDF5Datatype & BinaryFloatingPoint> {
    private let file: File
    private let writer: GridSeriesWriter
    private let regions: GridSeriesWriter?
    private let communicator: Communicator
    private let flushInterval: Double
    /// Rank 0's clock.
    private var lastFlush = -Double.infinity

    private init(
        _ file: File, _ writer: GridSeriesWriter, regions: GridSeriesWriter? = nil, flushInterval: Double,
        communicator: Communicator
    ) {
        (self.file, self.writer, self.regions, self.flushInterval) = (file, writer, regions, flushInterval)
        self.communicator = communicator
    }

    /// Makes a new file. Collective.
    ///
    /// - Parameters:
    ///   - source: what the simulation starts from: its units, size of cells and origin are taken over.
    ///   - boundaries: of the simulation.
    ///   - regionSide: cells along the edges of a region that chooses its scale; nil where none does.
    ///   - deflate: compression level 1 to 9, lossless; nil for none.
    ///   - flushInterval: seconds between flushes; 0 flushes every frame.
    public convenience init(
        creating path: String, like source: GridSource, boundaries: Boundaries, provenance: SimulationProvenance,
        regionSide: Int? = nil, deflate: Int? = nil, flushInterval: Double = 0, communicator: Communicator
    ) throws {
        let file = try File.create(path, communicator: communicator)
        let reader = source.reader
        func writer(part: String? = nil, side: Int, channels: Int) throws -> GridSeriesWriter {
            try GridSeriesWriter.create(
                in: file, level: 0, part: part, cells: reader.cells.map { $0 / side }, channels: channels,
                cellSize: Double(side) * reader.cellSize, origin: reader.origin,
                isPeriodic: [boundaries.x, boundaries.y, boundaries.z].map { $0 == .periodic },
                lengthUnit: reader.lengthUnit, timeUnit: reader.timeUnit, deflate: deflate)
        }
        let cells = try writer(side: 1, channels: reader.channels)
        let regions = try regionSide.map { try writer(part: Self.regions, side: $0, channels: 1) }
        try provenance.write(to: file)
        self.init(file, cells, regions: regions, flushInterval: flushInterval, communicator: communicator)
    }

    /// The part of level 0 that says which scale regions chose: one channel, the share of the steps since the frame before
    /// that were made at the coarse level.
    public static var regions: String { "regions" }

    /// Opens a file of an interrupted simulation to go on behind its last whole frame. Collective.
    public convenience init(appendingTo path: String, flushInterval: Double = 0, communicator: Communicator) throws {
        let file = try File.open(path, .readWrite, communicator: communicator)
        self.init(file, try GridSeriesWriter.append(in: file, level: 0), flushInterval: flushInterval,
                  communicator: communicator)
    }

    /// Writes a state as the next frame. Collective.
    ///
    /// - Parameters:
    ///   - state: of this rank's cells. [z, y, x, component]
    ///   - range: these cells.
    public func write(_ state: UnsafeBufferPointer<Scalar>, _ range: CellRange, step: Int64, time: Double) throws {
        let (lower, extent) = (range.lower, range.extent)
        try writer.append(
            state, offset: [lower.z, lower.y, lower.x], extent: [extent.z, extent.y, extent.x], step: step, time: time)
        // Clocks differ between ranks.
        guard try communicator.broadcast(MPIEnvironment.wallTime() - lastFlush >= flushInterval, root: 0) else { return }
        try file.flush()
        lastFlush = MPIEnvironment.wallTime()
    }

    /// Writes what regions chose, before the state of the same frame. Collective.
    ///
    /// - Parameters:
    ///   - shares: of this rank's regions, of the steps since the frame before at the coarse level. [z, y, x]
    ///   - range: these regions.
    public func write(shares: UnsafeBufferPointer<Float>, _ range: CellRange, step: Int64, time: Double) throws {
        let (lower, extent) = (range.lower, range.extent)
        try regions?.append(
            shares, offset: [lower.z, lower.y, lower.x], extent: [extent.z, extent.y, extent.x], step: step, time: time)
    }

    /// Flushes and closes the file. Collective.
    public func close() throws { try file.close() }
}

/// Where a grid's simulation begins, or goes on.
public struct GridSimulationStart {
    public let source: GridSource
    public let frame: Int
    public var step: Int64 { source.steps[frame] }
    public var time: Double { source.times[frame] }

    /// The state in a frame of a file. Collective.
    ///
    /// - Parameter frame: negative ones count from the end.
    /// - Throws: on every rank, `HDF5Error`, `TrajectoryError`, `SAGESnetError`.
    public init(_ path: String, frame: Int, for model: GridModel, communicator: Communicator) throws {
        (source, self.frame) = try communicator.agree {
            let source = try GridSource(path, for: model.configuration)
            return (source, try source.index(ofFrame: frame))
        }
    }

    /// The last whole frame of an interrupted simulation's output. Collective.
    ///
    /// - Returns: nil if there is no file, or one whose writer was stopped before its first frame.
    /// - Throws: on every rank, `HDF5Error`, `TrajectoryError`; `SAGESnetError.unsuitableData` for a file that does not go
    ///   on from `first`.
    public init?(
        resuming path: String, of first: GridSimulationStart, for model: GridModel, communicator: Communicator
    ) throws {
        // Rank 0 looks, so that all see the same.
        let hasFrames = try communicator.agree {
            guard communicator.rank == 0, File.hasContent(path) else { return false }
            return try GridSeriesReader(File.open(path), level: 0).frameCount > 0
        }
        guard try communicator.broadcast(hasFrames, root: 0) else { return nil }
        self = try GridSimulationStart(path, frame: -1, for: model, communicator: communicator)
        guard source.cells == first.source.cells, step >= first.step, (step - first.step) % model.stride.steps == 0 else {
            throw SAGESnetError.unsuitableData(
                file: path, reason: "its last frame is step \(step) of a grid of \(source.cells) cells, which does not go on "
                    + "from step \(first.step) of \(first.source.cells): it is no simulation to resume")
        }
    }
}
