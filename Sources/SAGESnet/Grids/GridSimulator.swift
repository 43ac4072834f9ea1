import Autodiff
import Grid
import Kernels
import MPI
import Tensor
import Training

/// Cells of a grid that advance in steps of level 0.
public protocol SteppedGrid: AnyObject {
    associatedtype Scalar: TrainingScalar & GridScalar
    /// This rank's cells within the grid.
    var range: CellRange { get }
    /// Their state, each component 0 or 1. [z, y, x, component]
    var state: UnsafeMutableBufferPointer<Scalar> { get }
    /// In steps of the data, that of the present state.
    var dataStep: Int64 { get }

    /// Advances by one step of the model; returns whether any rank had a wish, for example to stop. Collective.
    func advance(request: Bool) throws -> Bool

    /// Writes the present state as the next frame. Collective.
    func write(to output: GridSimulationOutput<Scalar>, time: Double) throws
}

extension SteppedGrid {
    public func write(to output: GridSimulationOutput<Scalar>, time: Double) throws {
        try output.write(UnsafeBufferPointer(state), range, step: dataStep, time: time)
    }
}

/// Rolls a grid's model out over the ranks of a communicator: each rank holds a box of cells.
///
/// A step runs the network, which exchanges virtual cells while it computes the others, and rounds each component to 0
/// or 1 by the sign of its logit. Every cell has the same state on any number of ranks and any decomposition. Apart from
/// the first step, nothing is allocated.
public final class GridSimulator<Scalar: TrainingScalar & GridScalar>: SteppedGrid {
    public let model: GridModel
    public let decomposition: Decomposition
    /// This rank's cells within the grid.
    public let range: CellRange
    /// In steps of the data, that of the present state.
    public internal(set) var dataStep: Int64 = 0

    private let communicator: Communicator
    private let program: Program<Scalar>
    private let parameters: Buffer<Scalar>
    private let cells: UnsafeMutablePointer<Scalar>
    private let logits: UnsafePointer<Scalar>
    private let parity: Variable<Scalar>?
    /// The parities of cells at even steps and at odd ones.
    private let parities: [Buffer<Scalar>]
    /// The coarse level at work, and what it tells this rank's cells.
    private let feedback: (level: GridFeedback<Scalar>, columns: UnsafeMutablePointer<Scalar>)?
    /// Steps since the coarse level was asked.
    private var stepsOfFeedback = 0
    private let sums = StepSums()

    /// A simulator of cells of 0. Collective.
    ///
    /// - Parameters:
    ///   - parameters: in the model's layout.
    ///   - parts: of the decomposition along each axis; chosen if nil.
    /// - Throws: on every rank, `GridError`, `MPIError`; `SAGESnetError` for a grid that does not suit the coarse level.
    public init(
        model: GridModel, parameters: Buffer<Scalar>, cells extents: Extent3, boundaries: Boundaries,
        communicator: Communicator, parts: Extent3? = nil
    ) throws {
        let communicator = try Communicator(duplicating: communicator)
        let decomposition = try Decomposition(
            cells: extents, boundaries: boundaries, haloWidth: 1, ranks: communicator.size, parts: parts)
        let range = decomposition.range(ofRank: communicator.rank)
        try model.coarse?.require(
            components: model.configuration.components, stride: model.stride, cells: extents, of: "the grid")
        self.model = model
        self.parameters = parameters
        self.communicator = communicator
        self.decomposition = decomposition
        self.range = range
        let grid = DenseCellExchange<Scalar>.topology(decomposition, communicator: communicator)
        let tape = Tape<Scalar>()
        let inputs = GridModel.Inputs<Scalar>(model, on: tape, over: grid.domain)
        let result = model.logits(inputs, GridConvolution(over: grid, algorithm: model.configuration.convolution))
        program = Program(computing: [result], parameters: parameters.pointer)
        // The parameters of a simulation stay as they are.
        program.preparesEachRun = false
        cells = program.pointer(to: inputs.cells)
        logits = UnsafePointer(program.pointer(to: result))
        parity = inputs.parity
        parities = inputs.parity == nil ? [] : (0..<2).map { GridModel.parityColumns(of: range, step: $0) }
        if let coarse = model.coarse, let columns = inputs.coarse {
            feedback = (
                try GridFeedback(coarse, decomposition, communicator: communicator), program.pointer(to: columns)
            )
        } else {
            feedback = nil
        }
    }

    /// The state of this rank's cells, each component 0 or 1; it may be changed between steps. [z, y, x, component]
    public var state: UnsafeMutableBufferPointer<Scalar> {
        UnsafeMutableBufferPointer(start: cells, count: range.count * model.configuration.components)
    }

    /// Takes a frame of a file; the grid must be that of the file. Not collective.
    ///
    /// - Throws: what reading does; `SAGESnetError.badRequest` where the coarse level needs frames before it that are not
    ///   there.
    public func start(from source: GridSource, frame: Int) throws {
        precondition(source.cells == decomposition.cells, "a file of another grid")
        try feedback?.level.start(from: source, frame: frame)
        try source.read(frame: frame, range, into: state)
        dataStep = source.steps[frame]
        stepsOfFeedback = 0
    }

    /// Advances by one step of the model. Collective.
    ///
    /// - Parameter request: a wish of this rank, for example to stop, that travels with a reduction of the step.
    /// - Returns: whether any rank had a wish; the same on all ranks.
    /// - Throws: on every rank, `SAGESnetError.divergedGrid` and `MPIError`.
    @discardableResult
    public func advance(request: Bool = false) throws -> Bool {
        if let parity { program.bind(parity, to: parities[Int(dataStep & 1)].pointer) }
        if let (level, columns) = feedback {
            try level.take(cells)
            if stepsOfFeedback == 0 { try level.refresh() }
            level.write(step: stepsOfFeedback, into: columns)
            stepsOfFeedback = (stepsOfFeedback + 1) % level.coarse.steps
        }
        try program.run()
        let unusable = round()
        let (faults, requests, _) = try sums.reduce(unusable, request ? 1 : 0, 0, communicator)
        guard faults == 0 else { throw SAGESnetError.divergedGrid(step: Int(dataStep)) }
        dataStep += model.stride.steps
        return requests > 0
    }

    /// Makes the next state from the logits; returns how many of them are not finite.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func round() -> Int {
        var unusable = 0
        for index in 0..<(range.count * model.configuration.components) {
            if !logits[index].isFinite { unusable += 1 }
            cells[index] = logits[index] > 0 ? 1 : 0
        }
        return unusable
    }

    /// Components of all ranks that differ between the state and another one of this rank's cells. Collective.
    public func differences(from other: UnsafeBufferPointer<Scalar>) throws -> Int {
        let state = state
        precondition(other.count == state.count, "a state of \(other.count) numbers, not \(state.count)")
        var count = 0
        for index in 0..<state.count where state[index] != other[index] { count += 1 }
        return try communicator.allReduce(count, .sum)
    }
}
