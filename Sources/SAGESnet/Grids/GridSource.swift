import Grid
import HDF5
import Tensor
import Trajectory

/// Level 0 of a file's grid, for one rank alone: its cells are components of 0 and 1.
public final class GridSource {
    public let path: String
    public let cells: Extent3
    public let components: Int
    public let boundaries: Boundaries
    public var frameCount: Int { reader.frameCount }
    /// Of each frame.
    public var steps: [Int64] { reader.steps }
    /// Of each frame, in `timeUnit`.
    public var times: [Double] { reader.times }
    let reader: GridSeriesReader
    private var values: [Float] = []

    /// Opens a file for a model. Not collective.
    ///
    /// - Throws: `HDF5Error`, `TrajectoryError`; `SAGESnetError.unsuitableData` for cells of another number of components,
    ///   for files without frames, and for an odd number of cells along a periodic axis where the model needs parities.
    public convenience init(_ path: String, for configuration: GridModelConfiguration) throws {
        try self.init(path, components: configuration.components)
        guard configuration.hasParity else { return }
        for axis in 0..<3 where boundaries[axis] == .periodic && cells[axis] % 2 == 1 {
            throw SAGESnetError.unsuitableData(
                file: path, reason: "it has \(cells[axis]) cells along \(["z", "y", "x"][axis]), which is periodic: around "
                    + "an odd number the parity of cells does not close (model.parity)")
        }
    }

    /// As above, for a model whose cells hold so many numbers.
    init(_ path: String, components known: Int) throws {
        let reader = try GridSeriesReader(try File.open(path), level: 0)
        func unsuitable(_ reason: String) -> SAGESnetError { .unsuitableData(file: path, reason: reason) }
        guard reader.channels == known else {
            throw unsuitable("its cells hold \(reader.channels) numbers, those of the model "
                             + "\(known) (model.components)")
        }
        guard reader.frameCount > 0 else { throw unsuitable("it holds no frames") }
        self.path = path
        self.reader = reader
        cells = Extent3(z: reader.cells[0], y: reader.cells[1], x: reader.cells[2])
        components = reader.channels
        func boundary(_ isPeriodic: Bool) -> Boundary { isPeriodic ? .periodic : .open }
        boundaries = Boundaries(
            z: boundary(reader.isPeriodic[2]), y: boundary(reader.isPeriodic[1]), x: boundary(reader.isPeriodic[0]))
    }

    /// Closes the file; nothing can be read from it afterwards. Not collective.
    public func close() throws { try reader.close() }

    /// The index of a frame; negative ones count from the end.
    ///
    /// - Throws: `SAGESnetError.badRequest`.
    public func index(ofFrame frame: Int) throws -> Int {
        let index = frame < 0 ? frameCount + frame : frame
        guard index >= 0, index < frameCount else {
            throw SAGESnetError.badRequest("\(path) has \(frameCount) frames, so there is no frame \(frame)")
        }
        return index
    }

    /// Throws unless so many frames, each a stride after the one before, end with a frame, as a coarse level needs.
    ///
    /// - Throws: `SAGESnetError.badRequest`.
    func requireFrames(_ count: Int, endingWith frame: Int, stride: Int64) throws {
        let first = frame - count + 1
        guard first >= 0, (first..<frame).allSatisfy({ steps[$0 + 1] - steps[$0] == stride }) else {
            throw SAGESnetError.badRequest(
                "\(path) has no \(count) frames behind one another up to frame \(frame), which the coarse level needs")
        }
    }

    /// Reads a box of cells of a frame as 0 and 1. [z, y, x, component]
    ///
    /// - Throws: `SAGESnetError.unsuitableData` for other numbers.
    public func read<Scalar: BinaryInteger>(
        frame: Int, _ box: CellRange, into target: UnsafeMutableBufferPointer<Scalar>
    ) throws {
        try read(frame, box) { target[$0] = $1 ? 1 : 0 }
    }

    /// As for integers.
    public func read<Scalar: BinaryFloatingPoint>(
        frame: Int, _ box: CellRange, into target: UnsafeMutableBufferPointer<Scalar>
    ) throws {
        try read(frame, box) { target[$0] = $1 ? 1 : 0 }
    }

    private func read(_ frame: Int, _ box: CellRange, _ put: (_ index: Int, _ isOne: Bool) -> Void) throws {
        let count = box.count * components
        guard count > 0 else { return }
        if values.count != count { values = [Float](repeating: 0, count: count) }
        let (lower, extent) = (box.lower, box.extent)
        try values.withUnsafeMutableBufferPointer {
            try reader.read(
                frame: frame, offset: [lower.z, lower.y, lower.x], extent: [extent.z, extent.y, extent.x], into: $0,
                transfer: .independent)
        }
        for index in 0..<count {
            guard values[index] == 0 || values[index] == 1 else {
                throw SAGESnetError.unsuitableData(
                    file: path, reason: "frame \(frame) has a cell of \(values[index]); the model knows 0 and 1")
            }
            put(index, values[index] == 1)
        }
    }
}

/// A series of frames for training, in memory: a byte for each component of each cell.
public final class GridRun {
    public let path: String
    public let cells: Extent3
    public let boundaries: Boundaries
    public let frameCount: Int
    /// Of each frame.
    public let steps: [Int64]
    /// Between frames that follow one another.
    let stride: GridModel.Stride
    /// The frames that another one follows.
    let starts: [Int]
    /// [frame, z, y, x, component]
    private let values: Buffer<UInt8>
    private let frameSize: Int

    /// Reads a file. Not collective.
    ///
    /// - Throws: as `GridSource`; `SAGESnetError.unsuitableData` for fewer than two frames, or steps that do not ascend.
    public convenience init(_ path: String, for configuration: GridModelConfiguration) throws {
        try self.init(GridSource(path, for: configuration))
    }

    /// As above, for a model whose cells hold so many numbers.
    convenience init(_ path: String, components: Int) throws {
        try self.init(GridSource(path, components: components))
    }

    private init(_ source: GridSource) throws {
        let path = source.path
        func unsuitable(_ reason: String) -> SAGESnetError { .unsuitableData(file: path, reason: reason) }
        guard source.frameCount >= 2 else { throw unsuitable("it has fewer than two frames") }
        let differences = zip(source.steps.dropFirst(), source.steps).map { $0 - $1 }
        guard let least = differences.min(), least > 0, let start = differences.firstIndex(of: least) else {
            throw unsuitable("the steps of its frames do not ascend")
        }
        self.path = path
        cells = source.cells
        boundaries = source.boundaries
        frameCount = source.frameCount
        steps = source.steps
        stride = GridModel.Stride(steps: least, time: source.times[start + 1] - source.times[start])
        starts = differences.indices.filter { differences[$0] == least }
        frameSize = source.cells.count * source.components
        values = Buffer(repeating: 0, count: frameSize * source.frameCount)
        let whole = CellRange(lower: .zero, upper: cells)
        for frame in 0..<frameCount {
            try source.read(
                frame: frame, whole,
                into: UnsafeMutableBufferPointer(start: values.pointer + frame * frameSize, count: frameSize))
        }
    }

    /// The cells of a frame. [z, y, x, component]
    func frame(_ index: Int) -> UnsafePointer<UInt8> { UnsafePointer(values.pointer + index * frameSize) }
}
