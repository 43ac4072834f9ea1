import Grid
import Kernels
import MPI
import Tensor
import Training

/// A coarse level at work beside a grid's cells, on the same ranks with a decomposition of its own.
///
/// Whenever the cells have made as many steps as one of the level's, it encodes their last frames, makes its step, and
/// gives each cell the codes of the block in which it lies: those of the last frames and of the next ones as the level
/// expects them. So the level follows the cells, and the cells feel what is beyond their own step's sight.
final class GridFeedback<Scalar: TrainingScalar & GridScalar> {
    let coarse: CoarseLevel
    private let level: LevelSimulator<Scalar>
    /// This rank's cells, and the coarse cells in which they lie.
    private let range, blocks: CellRange
    private let cellsUp: BoxTransfer<Scalar>
    private let codesDown: BoxTransfer<Scalar>
    /// The last frames of the level's own cells, one after another around a ring.
    private let frames: [Buffer<Scalar>]
    private var frameCount = 0
    /// Of the level's cells, as they are sent. [z, y, x, codes]
    private let sent: Buffer<Scalar>
    /// Of the coarse cells around this rank's cells. [z, y, x, codes]
    let codes: Buffer<Scalar>

    /// Collective.
    ///
    /// - Parameter decomposition: of the cells.
    /// - Throws: on every rank, `GridError`, `MPIError`.
    init(_ coarse: CoarseLevel, _ decomposition: Decomposition, communicator: Communicator) throws {
        let (configuration, factors) = (coarse.model.configuration, coarse.factors)
        let (cells, first) = (decomposition.cells, configuration.factors)
        self.coarse = coarse
        level = try LevelSimulator(
            model: coarse.model, parameters: coarse.parameters(),
            blocks: Extent3(z: cells.z / first.z, y: cells.y / first.y, x: cells.x / first.x),
            boundaries: decomposition.boundaries, communicator: communicator)
        let parts = level.decomposition
        /// The coarse cells around a box of cells.
        func around(_ box: CellRange) -> CellRange {
            guard !box.isEmpty else { return CellRange(lower: .zero, upper: .zero) }
            return CellRange(
                lower: Extent3(z: box.lower.z / factors.z, y: box.lower.y / factors.y, x: box.lower.x / factors.x),
                upper: Extent3(
                    z: (box.upper.z - 1) / factors.z + 1, y: (box.upper.y - 1) / factors.y + 1,
                    x: (box.upper.x - 1) / factors.x + 1))
        }
        /// The cells of a box of coarse cells.
        func within(_ box: CellRange) -> CellRange {
            CellRange(
                lower: Extent3(z: box.lower.z * factors.z, y: box.lower.y * factors.y, x: box.lower.x * factors.x),
                upper: Extent3(z: box.upper.z * factors.z, y: box.upper.y * factors.y, x: box.upper.x * factors.x))
        }
        let ranks = 0..<communicator.size
        range = decomposition.range(ofRank: communicator.rank)
        blocks = around(range)
        cellsUp = try BoxTransfer(
            from: ranks.map { decomposition.range(ofRank: $0) }, to: ranks.map { within(parts.range(ofRank: $0)) },
            cells: cells, boundaries: decomposition.boundaries, channels: configuration.components,
            communicator: communicator)
        codesDown = try BoxTransfer(
            from: ranks.map { parts.range(ofRank: $0) }, to: ranks.map { around(decomposition.range(ofRank: $0)) },
            cells: parts.cells, boundaries: parts.boundaries, channels: coarse.codes, communicator: communicator)
        let size = cellsUp.target.count * configuration.components
        frames = (0..<coarse.steps).map { _ in Buffer(repeating: 0, count: size) }
        sent = Buffer(repeating: 0, count: level.range.count * coarse.codes)
        codes = Buffer(repeating: 0, count: blocks.count * coarse.codes)
    }

    /// Takes the frames before one of a file, and that one itself. Not collective.
    ///
    /// - Throws: what reading does; `SAGESnetError.badRequest` for a file that lacks them.
    func start(from source: GridSource, frame: Int) throws {
        try source.requireFrames(coarse.steps, endingWith: frame, stride: coarse.model.normalization.stride.steps)
        frameCount = 0
        for index in (frame - coarse.steps + 1)..<frame {
            try source.read(frame: index, cellsUp.target, into: frames[frameCount].span)
            frameCount += 1
        }
    }

    /// Takes the next frame: this rank's cells. Collective.
    func take(_ cells: UnsafePointer<Scalar>) throws {
        try cellsUp.move(cells, to: frames[frameCount % frames.count].pointer)
        frameCount += 1
    }

    /// Encodes the last frames, and makes the level's step from them. Collective.
    ///
    /// - Throws: on every rank, `SAGESnetError.divergedGrid` and `MPIError`.
    func refresh() throws {
        try level.start(from: frames.indices.map { UnsafePointer(frames[(frameCount + $0) % frames.count].pointer) })
        gatherCodes(0)
        try level.advance()
        gatherCodes(1)
        try codesDown.move(sent.pointer, to: codes.pointer)
    }

    /// Puts the level's codes into one of the halves of what is sent.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func gatherCodes(_ half: Int) {
        let width = coarse.codes / 2
        guard let source = level.codes.baseAddress else { return }
        for cell in 0..<level.range.count {
            (sent.pointer + (2 * cell + half) * width).update(from: source + cell * width, count: width)
        }
    }

    /// Writes what the level tells each cell. [cells, columns]
    ///
    /// - Parameter step: of the cells since `refresh`.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func write(step: Int, into columns: UnsafeMutablePointer<Scalar>) {
        let (extent, factors, width) = (range.extent, coarse.factors, coarse.columns)
        var row = 0
        for z in 0..<extent.z {
            for y in 0..<extent.y {
                for x in 0..<extent.x {
                    let cell = range.lower + Extent3(z: z, y: y, x: x)
                    let block = Extent3(z: cell.z / factors.z, y: cell.y / factors.y, x: cell.x / factors.x)
                    coarse.write(
                        codes.pointer + blocks.extent.index(of: block - blocks.lower) * coarse.codes, step: step,
                        into: columns + row * width)
                    row += 1
                }
            }
        }
    }
}

extension CoarseLevel {
    /// Writes what the level tells one cell. [columns]
    @inline(__always)
    func write<Scalar: KernelScalar>(
        _ codes: UnsafePointer<Scalar>, step: Int, into columns: UnsafeMutablePointer<Scalar>
    ) {
        let count = self.codes
        for code in 0..<count { columns[code] = codes[code] }
        guard steps > 1 else { return }
        for place in 0..<steps { columns[count + place] = place == step ? 1 : 0 }
    }
}
