import HDF5
import MPI

/// Writes the fields of one level of a grid, frame by frame, beside the particles or alone.
///
/// `/grids/LEVEL/state` is [frame, z, y, x, channel], with `/grids/LEVEL/step` and `time` [frame]. Attributes of
/// `state`: `cell_size` and `origin` (x, y, z, in Angstrom unless another unit is given), `boundary` (x, y, z, as in H5MD:
/// `periodic` or `none`) and `axes`. What is known of parts of a level, such as its regions, lies in a group of its own of the
/// same form, `/grids/LEVEL/PART`. All calls are collective over the file's communicator; the bytes of the file do not depend
/// on the number of ranks.
public final class GridSeriesWriter {
    /// Cells along z, y, x, and channels of a cell.
    public let cells: [Int]
    public let channels: Int
    public private(set) var frameCount: Int
    private let state: Dataset
    private let step: Dataset
    private let time: Dataset
    private let precision: H5MDOptions.Precision
    private let narrow = GrowingBuffer<Float>()
    private let wide = GrowingBuffer<Double>()

    private init(state: Dataset, step: Dataset, time: Dataset, frameCount: Int) {
        self.state = state
        self.step = step
        self.time = time
        self.frameCount = frameCount
        cells = Array(state.shape[1..<4])
        channels = state.shape[4]
        precision = state.elements == .float(bytes: 8) ? .float64 : .float32
    }

    /// Makes the datasets of a level, or of a part of it.
    /// - Parameters:
    ///   - cells: along z, y, x.
    ///   - cellSize: edge lengths of a cell along x, y, z.
    ///   - origin: lower corner of cell (0, 0, 0), x, y, z.
    ///   - isPeriodic: the axes, x, y, z.
    public static func create(in file: File, level: Int, part: String? = nil, cells: [Int], channels: Int,
                              cellSize: SIMD3<Double>, origin: SIMD3<Double>, isPeriodic: [Bool] = [true, true, true],
                              lengthUnit: String = Units.H5MD.length, timeUnit: String = Units.H5MD.time,
                              precision: H5MDOptions.Precision = .float32, deflate: Int? = nil) throws -> GridSeriesWriter {
        precondition(cells.count == 3 && isPeriodic.count == 3, "three axes")
        let group = try file.root.createGroup(gridPath(level, part))
        let numbers = DatasetStorage.growing(chunk: [256], shape: [0])
        let step = try group.createDataset("step", of: Int64.self, shape: [0], storage: numbers)
        let time = try group.createDataset("time", of: Double.self, shape: [0], storage: numbers)
        try time.setAttribute("unit", timeUnit)
        let frameShape = cells + [channels]
        let options = H5MDOptions(deflate: deflate)
        let bytes = precision == .float64 ? 8 : 4
        let storage = DatasetStorage.growing(chunk: options.chunk(frameShape: frameShape, bytes: bytes),
                                             shape: [0] + frameShape, deflate: deflate)
        let state = precision == .float64
            ? try group.createDataset("state", of: Double.self, shape: [0] + frameShape, storage: storage)
            : try group.createDataset("state", of: Float.self, shape: [0] + frameShape, storage: storage)
        try state.setAttribute("axes", ["frame", "z", "y", "x", "channel"])
        try state.setAttribute("cell_size", [cellSize.x, cellSize.y, cellSize.z])
        try state.setAttribute("origin", [origin.x, origin.y, origin.z])
        try state.setAttribute("boundary", isPeriodic.map { $0 ? "periodic" : "none" })
        try state.setAttribute("length_unit", lengthUnit)
        return GridSeriesWriter(state: state, step: step, time: time, frameCount: 0)
    }

    /// Opens the datasets of a level to append to them; frames from `frameCount` on are removed (none if nil).
    /// - Throws: `HDF5Error` (65) if there is no such level, `TrajectoryError` (65) if it has fewer frames.
    public static func append(in file: File, level: Int, keeping frameCount: Int? = nil) throws -> GridSeriesWriter {
        let group = try file.root.group("grids/\(level)")
        let state = try group.dataset("state"), step = try group.dataset("step"), time = try group.dataset("time")
        guard state.shape.count == 5 else {
            throw TrajectoryError(file: file.path, message: "\(state.path) has the shape \(state.shape)")
        }
        let found = min(state.shape[0], step.shape[0], time.shape[0])
        let kept = frameCount ?? found
        guard kept >= 0, kept <= found else {
            throw TrajectoryError(file: file.path, message: "\(state.path) has \(found) frames, so \(kept) cannot be kept")
        }
        for dataset in [step, time, state] where dataset.shape[0] != kept {
            try dataset.resize(to: [kept] + dataset.shape.dropFirst())
        }
        return GridSeriesWriter(state: state, step: step, time: time, frameCount: kept)
    }

    /// Appends a frame. Each rank passes the box of cells that it owns, an empty one if it owns none; together the
    /// boxes are the grid.
    ///
    /// - Parameters:
    ///   - values: [z, y, x, channel] of this rank's box, without halo.
    ///   - offset: first cell of the box along z, y, x.
    ///   - extent: cells of the box along z, y, x.
    /// - Throws: `HDF5Error` on all ranks.
    public func append<T: HDF5Datatype & BinaryFloatingPoint>(_ values: UnsafeBufferPointer<T>, offset: [Int],
                                                              extent: [Int], step: Int64, time: Double) throws {
        let frame = frameCount
        let isWriter = state.file.communicator.map { $0.rank == 0 } ?? true
        let one: Selection = isWriter ? .box(offset: [frame], count: [1]) : .none
        try self.step.resize(to: [frame + 1])
        try self.time.resize(to: [frame + 1])
        try state.resize(to: [frame + 1] + cells + [channels])
        try self.step.write(isWriter ? [step] : [], one)
        try self.time.write(isWriter ? [time] : [], one)
        let selection: Selection = values.isEmpty ? .none
            : .box(offset: [frame] + offset + [0], count: [1] + extent + [channels])
        // Converted here: HDF5 would convert too, but give up collective transfer for it.
        switch precision {
        case .float32:
            if let same = values as? UnsafeBufferPointer<Float> {
                try state.write(same, selection)
            } else {
                let converted = narrow.reserve(values.count)
                for index in values.indices { converted[index] = Float(values[index]) }
                try state.write(narrow.view(values.count), selection)
            }
        case .float64:
            if let same = values as? UnsafeBufferPointer<Double> {
                try state.write(same, selection)
            } else {
                let converted = wide.reserve(values.count)
                for index in values.indices { converted[index] = Double(values[index]) }
                try state.write(wide.view(values.count), selection)
            }
        }
        frameCount = frame + 1
    }
}

private func gridPath(_ level: Int, _ part: String?) -> String {
    "grids/\(level)" + (part.map { "/" + $0 } ?? "")
}

/// Reads the fields of one level of a grid.
public final class GridSeriesReader {
    /// Cells along z, y, x, and channels of a cell.
    public let cells: [Int]
    public let channels: Int
    public let frameCount: Int
    /// Edge lengths of a cell and lower corner of the grid; x, y, z.
    public let cellSize, origin: SIMD3<Double>
    /// The axes x, y, z; true where the file does not say.
    public let isPeriodic: [Bool]
    /// Of cell size and origin, and of times; as the file has them.
    public let lengthUnit, timeUnit: String
    public let steps: [Int64]
    /// [frameCount]
    public let times: [Double]
    let state: Dataset
    /// Of the file.
    public var path: String { state.file.path }

    /// The levels that a file has, ascending.
    public static func levels(in file: File) throws -> [Int] {
        let root = try file.root
        guard root.isGroup("grids") else { return [] }
        return try root.group("grids").memberNames.compactMap { Int($0) }.sorted()
    }

    /// Whether a file has a part of a level.
    public static func has(part: String, ofLevel level: Int, in file: File) throws -> Bool {
        try file.root.isGroup(gridPath(level, part))
    }

    /// Opens a level, or a part of it. Every rank calls it.
    /// - Throws: `HDF5Error` or `TrajectoryError` (65) if there is no such level or it is malformed.
    public init(_ file: File, level: Int, part: String? = nil) throws {
        let group = try file.root.group(gridPath(level, part))
        state = try group.dataset("state")
        let size = try state.attribute("cell_size", as: Double.self), corner = try state.attribute("origin", as: Double.self)
        guard state.shape.count == 5, size.count == 3, corner.count == 3 else {
            throw TrajectoryError(file: file.path, message: "\(state.path) has the shape \(state.shape), \(size.count) cell sizes")
        }
        let boundary = state.hasAttribute("boundary")
            ? try state.stringsAttribute("boundary") : ["periodic", "periodic", "periodic"]
        guard boundary.count == 3, boundary.allSatisfy({ ["periodic", "none"].contains($0) }) else {
            throw TrajectoryError(file: file.path, message: "\(state.path): boundary is \(boundary), not 3 of periodic and none")
        }
        isPeriodic = boundary.map { $0 == "periodic" }
        lengthUnit = state.hasAttribute("length_unit") ? try state.stringAttribute("length_unit") : Units.H5MD.length
        let time = try group.dataset("time")
        timeUnit = time.hasAttribute("unit") ? try time.stringAttribute("unit") : Units.H5MD.time
        let steps = try group.dataset("step").read(Int64.self, transfer: .independent)
        let times = try time.read(Double.self, transfer: .independent)
        frameCount = min(state.shape[0], steps.count, times.count)
        self.steps = Array(steps.prefix(frameCount))
        self.times = Array(times.prefix(frameCount))
        cells = Array(state.shape[1..<4])
        channels = state.shape[4]
        cellSize = SIMD3(size[0], size[1], size[2])
        origin = SIMD3(corner[0], corner[1], corner[2])
    }

    /// Reads a box of cells of a frame; ranks may ask for different ones, or for none.
    /// - Parameters:
    ///   - buffer: [z, y, x, channel] of the box.
    ///   - offset: first cell along z, y, x.
    ///   - extent: cells along z, y, x.
    public func read<T: HDF5Datatype>(frame: Int, offset: [Int], extent: [Int], into buffer: UnsafeMutableBufferPointer<T>,
                                      transfer: Transfer = .collective) throws {
        try state.read(into: buffer, .box(offset: [frame] + offset + [0], count: [1] + extent + [channels]), transfer: transfer)
    }

    /// Closes the file that the fields are in. Collective over its communicator.
    public func close() throws { try state.file.close() }
}
