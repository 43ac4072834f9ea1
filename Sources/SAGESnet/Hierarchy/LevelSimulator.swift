import Autodiff
import Grid
import Kernels
import MPI
import Tensor
import Training

/// Rolls a coarse level out over the ranks of a communicator: each rank holds a box of cells, and the blocks of which they
/// are made.
///
/// A step runs the predictor on codes, which exchanges virtual cells while it computes the others. Encoding and decoding
/// need no other rank. Every cell has the same code on any number of ranks and any decomposition.
public final class LevelSimulator<Scalar: TrainingScalar & GridScalar> {
    public let model: LevelModel
    public let decomposition: Decomposition
    /// This rank's cells within the level's grid, and its blocks within that of level 1.
    public let range, box: CellRange
    /// Steps done.
    public private(set) var step = 0

    private let communicator: Communicator
    private let program: Program<Scalar>
    private let parameters: Buffer<Scalar>
    private let codec: LevelCodec<Scalar>
    private let code: Variable<Scalar>
    private let sites: Variable<Scalar>?
    private let next: Variable<Scalar>
    private let sums = StepSums()

    /// A simulator of codes of 0. Collective.
    ///
    /// - Parameters:
    ///   - parameters: in the model's layout.
    ///   - blocks: of level 1 along each axis.
    ///   - parts: of the decomposition along each axis; chosen if nil.
    /// - Throws: on every rank, `SAGESnetError.badGrid`, `GridError`, `MPIError`.
    public init(
        model: LevelModel, parameters: Buffer<Scalar>, blocks: Extent3, boundaries: Boundaries,
        communicator: Communicator, parts: Extent3? = nil
    ) throws {
        let configuration = model.configuration
        let factors = configuration.childFactors
        for axis in 0..<3 where blocks[axis] % factors[axis] != 0 {
            throw SAGESnetError.badGrid(
                "\(blocks[axis]) blocks of level 1 along \(["z", "y", "x"][axis]) are no whole cells of level "
                    + "\(configuration.level)")
        }
        let communicator = try Communicator(duplicating: communicator)
        let decomposition = try Decomposition(
            cells: Extent3(z: blocks.z / factors.z, y: blocks.y / factors.y, x: blocks.x / factors.x),
            boundaries: boundaries, haloWidth: 1, ranks: communicator.size, parts: parts)
        let range = decomposition.range(ofRank: communicator.rank)
        func scaled(_ cell: Extent3) -> Extent3 {
            Extent3(z: cell.z * factors.z, y: cell.y * factors.y, x: cell.x * factors.x)
        }
        self.model = model
        self.parameters = parameters
        self.communicator = communicator
        self.decomposition = decomposition
        self.range = range
        box = CellRange(lower: scaled(range.lower), upper: scaled(range.upper))
        let (origin, extent) = (range.lower, range.extent)
        let grid = GridTopology(
            "cells", extents: CellExtents(z: extent.z, y: extent.y, x: extent.x),
            origin: CellExtents(z: origin.z, y: origin.y, x: origin.x),
            periodic: (boundaries.z == .periodic, boundaries.y == .periodic, boundaries.x == .periodic),
            exchange: communicator.size > 1
                ? DenseCellExchange<Scalar>(decomposition, communicator: communicator) : nil)
        let level = configuration.level
        let tape = Tape<Scalar>()
        let rows = grid.domain.capacity
        code = tape.input("code", [rows, configuration.codes(level)], over: grid.domain)
        sites = configuration.base == .atoms
            ? tape.input("sites", [rows, configuration.sites(level)], over: grid.domain) : nil
        next = model.step(
            code, sites, .dense(GridConvolution(over: grid, algorithm: configuration.convolution)))
        program = Program(computing: [next], parameters: parameters.pointer)
        // The parameters of a simulation stay as they are.
        program.preparesEachRun = false
        codec = LevelCodec(configuration, model.transformers(UnsafePointer(parameters.pointer)), extents: extent)
    }

    /// The codes of this rank's cells; they may be changed between steps. [z, y, x, code]
    public var codes: UnsafeMutableBufferPointer<Scalar> {
        UnsafeMutableBufferPointer(start: program.pointer(to: code), count: code.shape.count)
    }

    /// Encodes the frames of a run from one on, as many as a step of the level has. Not collective.
    func start(from run: any BlockRun, frame: Int) throws {
        try codec.encode(run, frame: frame, model.normalization, box)
        program.pointer(to: code).update(from: codec.codes, count: code.shape.count)
        if let sites, let source = codec.sitesOfCells, program.contains(sites) {
            program.pointer(to: sites).update(from: source, count: sites.shape.count)
        }
        step = 0
    }

    /// Encodes frames of a grid's cells, a step of level 0 apart, as many as a step of the level has. Not collective.
    ///
    /// - Parameter frames: of the cells of this rank's blocks. [z, y, x, component] each
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func start(from frames: [UnsafePointer<Scalar>]) throws {
        let configuration = model.configuration
        let places = BlockCells(configuration, blocks: box, among: configuration.cells(ofBlocks: box))
        for (index, source) in frames.enumerated() {
            let (block, within) = index.quotientAndRemainder(dividingBy: configuration.steps)
            let target = codec.readable(block)
            places.forEachLine(step: within) { readable, cell, count in
                for number in 0..<count { target[readable + number] = source[cell + number] }
            }
        }
        try codec.encode()
        program.pointer(to: code).update(from: codec.codes, count: code.shape.count)
        step = 0
    }

    /// Advances by one step of the level. Collective.
    ///
    /// - Parameter request: a wish of this rank, for example to stop, that travels with a reduction of the step.
    /// - Returns: whether any rank had a wish; the same on all ranks.
    /// - Throws: on every rank, `SAGESnetError.divergedGrid` and `MPIError`.
    @discardableResult
    public func advance(request: Bool = false) throws -> Bool {
        try program.run()
        let codes = codes
        let unusable = take(UnsafePointer(program.pointer(to: next)), into: codes)
        let (faults, requests, _) = try sums.reduce(unusable, request ? 1 : 0, 0, communicator)
        step += 1
        guard faults == 0 else { throw SAGESnetError.divergedGrid(step: step) }
        return requests > 0
    }

    /// Makes the prediction the state; returns how many of its numbers are not finite.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func take(_ source: UnsafePointer<Scalar>, into codes: UnsafeMutableBufferPointer<Scalar>) -> Int {
        var unusable = 0
        for index in codes.indices {
            if !source[index].isFinite { unusable += 1 }
            codes[index] = source[index]
        }
        return unusable
    }

    /// Decodes the state to readable numbers. Not collective.
    func decode() throws { try codec.decode(UnsafePointer(program.pointer(to: code))) }

    /// After `decode`, the numbers of a block of level 1, the last in time being `timeBlocks - 1`. [box, steps, numbers]
    func decoded(_ block: Int) -> UnsafePointer<Scalar> { codec.decoded(block) }
}
