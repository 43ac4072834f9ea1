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
/// need no other rank. Every cell has the same code on any number of ranks and any decomposition. Of atoms, the total
/// momentum and the motion of the center of mass stay those of the start.
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
    /// What the ranks add up in a step. [9]
    private let words = Buffer<Int64>(repeating: 0, count: 9)
    /// Of this rank's codes, in units of `squareUnit`.
    private var squares: Int64 = 0
    /// The mean square of all codes at the start, and 1, as that of the training set is at most: the larger of both.
    private var usualSquare = 1.0
    /// Of atoms that a run gave.
    private var motion: LevelMotion?
    public private(set) var conservation = Conservation()
    /// The code of a cell of zeros. [codes]
    private var codeOfZeros: [Scalar] = []

    /// How many times as far as those of the training set and of the start codes may spread: a simulation in which they do
    /// has diverged.
    public static var largestSpread: Double { 3 }
    /// One over the spacing of sums of squares.
    private static var squareUnit: Double { 0x1p10 }

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
        conservation = Conservation()
        if let blocks = run as? AtomBlocks {
            let last = frame + model.configuration.frames(model.configuration.level) - 1
            motion = try LevelMotion(blocks, frame: last, box, model)
            motion?.write((.zero, .zero), into: codec)
            try codec.encode()
            codeOfZeros = range.count == 0 ? [] : (0..<code.columns).map { codec.codes[$0] }
        }
    }

    /// Gives a start of atoms the momentum and the center of mass of its frames, which codes that were trained give back only so
    /// well. Collective.
    ///
    /// - Throws: on every rank, `SAGESnetError.divergedLevel` for codes of motion beyond all bounds, and `MPIError`.
    func settle() throws {
        guard let motion else { return }
        let words = words.span
        for index in words.indices { words[index] = 0 }
        try addMotion(motion, to: words)
        if communicator.size > 1 { try communicator.allReduce(words, .sum) }
        guard words[6] == 0 else {
            throw SAGESnetError.divergedLevel(step: 0, level: model.configuration.level, spread: nil, limit: 0)
        }
        try correct(motion, words, time: 0)
    }

    /// Decodes the state and adds this rank's part of what must not change to the words of a reduction.
    private func addMotion(_ motion: LevelMotion, to words: UnsafeMutableBufferPointer<Int64>) throws {
        try decode()
        if let sums = motion.sums(decoded(model.configuration.timeBlocks - 1)) {
            for axis in 0..<3 { (words[axis], words[3 + axis]) = (sums.momentum[axis], sums.moment[axis]) }
        } else {
            words[6] += 1
        }
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
    /// - Throws: on every rank, `SAGESnetError.divergedLevel` and `MPIError`.
    @discardableResult
    public func advance(request: Bool = false) throws -> Bool {
        let codes = codes
        let isFirst = step == 0
        if isFirst { squares = LevelSimulator.squares(UnsafePointer(program.pointer(to: code)), codes.count).sum }
        let before = squares
        try program.run()
        let found = LevelSimulator.squares(UnsafePointer(program.pointer(to: next)), codes.count)
        codes.baseAddress?.update(from: program.pointer(to: next), count: codes.count)
        squares = found.sum
        let words = words.span
        for index in words.indices { words[index] = 0 }
        (words[6], words[7], words[8]) = (Int64(found.unusable), squares, request ? 1 : 0)
        let squaresAtStart = isFirst ? try sum(before) : 0
        if let motion { try addMotion(motion, to: words) }
        if communicator.size > 1 { try communicator.allReduce(words, .sum) }
        step += 1
        let level = model.configuration.level
        guard words[6] == 0 else { throw SAGESnetError.divergedLevel(step: step, level: level, spread: nil, limit: 0) }
        let count = Double(decomposition.cells.count * code.columns) * Self.squareUnit
        if isFirst { usualSquare = max(1, Double(squaresAtStart) / count) }
        let spread = (Double(words[7]) / count / usualSquare).squareRoot()
        guard spread <= Self.largestSpread else {
            throw SAGESnetError.divergedLevel(step: step, level: level, spread: spread, limit: Self.largestSpread)
        }
        if let motion {
            let time = Double(step * model.configuration.frames(level)) * model.normalization.stride.time
            try correct(motion, words, time: time)
        }
        return words[8] > 0
    }

    /// A number of each rank, summed. Collective.
    private func sum(_ number: Int64) throws -> Int64 {
        communicator.size > 1 ? try communicator.allReduce(number, .sum) : number
    }

    /// Gives all atoms the same change of velocity and position, by sums over all ranks. Not collective.
    private func correct(_ motion: LevelMotion, _ words: UnsafeMutableBufferPointer<Int64>, time: Double) throws {
        let change = motion.correction(
            (SIMD3(words[0], words[1], words[2]), SIMD3(words[3], words[4], words[5])), time: time)
        conservation.record(velocity: change.velocity, displacement: change.displacement)
        motion.write(change, into: codec)
        try codec.encode()
        add(codec.codes, to: codes)
    }

    /// Adds codes, less those of zeros.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func add(_ change: UnsafePointer<Scalar>, to codes: UnsafeMutableBufferPointer<Scalar>) {
        let width = codeOfZeros.count
        for index in codes.indices { codes[index] += change[index] - codeOfZeros[index % width] }
    }

    /// The sum of squares of codes in units of `squareUnit`, each at most 2^20, and how many are not finite.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private static func squares(_ codes: UnsafePointer<Scalar>, _ count: Int) -> (sum: Int64, unusable: Int) {
        var (sum, unusable) = (Int64(0), 0)
        for index in 0..<count {
            let value = Double(codes[index])
            guard value.isFinite else {
                unusable += 1
                continue
            }
            sum &+= Int64((min(value * value, 0x1p20) * squareUnit).rounded())
        }
        return (sum, unusable)
    }

    /// Decodes the state to readable numbers. Not collective.
    func decode() throws { try codec.decode(UnsafePointer(program.pointer(to: code))) }

    /// After `decode`, the numbers of a block of level 1, the last in time being `timeBlocks - 1`. [box, steps, numbers]
    func decoded(_ block: Int) -> UnsafePointer<Scalar> { codec.decoded(block) }
}
