import Autodiff
import Grid
import Kernels
import MPI
import Tensor
import Training

/// A grid's model without rounding: a component of a cell is the probability that it is 1, and a step gives the sigmoids
/// of the logits. Where rounding has no derivative, this has one; where all logits are large, it is the rollout itself.
///
/// Ranks hold boxes of cells, as in `GridSimulator`; every cell has the same bits on any number of ranks.
final class RelaxedGrid<Scalar: TrainingScalar & GridScalar> {
    let model: GridModel
    let range: CellRange
    let communicator: Communicator
    /// In steps of the data, that of the present state.
    var dataStep: Int64 = 0

    private let parameters: Buffer<Scalar>
    private let forward: Program<Scalar>
    private let backward: Program<Scalar>
    private let cells, next, cellsBefore, cotangent, product: UnsafeMutablePointer<Scalar>
    private let parity: Variable<Scalar>?
    private let parities: [Buffer<Scalar>]
    private let count: Int

    /// Collective.
    ///
    /// - Parameter parameters: in the model's layout.
    init(
        model: GridModel, parameters: Buffer<Scalar>, cells extents: Extent3, boundaries: Boundaries,
        communicator: Communicator
    ) throws {
        self.model = model
        self.parameters = parameters
        self.communicator = try Communicator(duplicating: communicator)
        let decomposition = try Decomposition(
            cells: extents, boundaries: boundaries, haloWidth: 1, ranks: communicator.size)
        let range = decomposition.range(ofRank: communicator.rank)
        self.range = range
        count = range.count * model.configuration.components
        let grid = DenseCellExchange<Scalar>.topology(decomposition, communicator: self.communicator)
        let convolution = GridConvolution(over: grid, algorithm: model.configuration.convolution)
        let tape = Tape<Scalar>()
        let inputs = GridModel.Inputs<Scalar>(model, on: tape, over: grid.domain)
        let result = model.logits(inputs, convolution).applying(.sigmoid)
        let seed = tape.input("cotangent", result.shape, over: grid.domain)
        let derivative = tape.gradients(of: result, withRespectTo: [inputs.cells], seed: seed)[0]
        forward = Program(computing: [result], parameters: parameters.pointer)
        backward = Program(computing: [derivative, seed], parameters: parameters.pointer)
        for program in [forward, backward] { program.preparesEachRun = false }
        cells = forward.pointer(to: inputs.cells)
        next = forward.pointer(to: result)
        cellsBefore = backward.pointer(to: inputs.cells)
        cotangent = backward.pointer(to: seed)
        product = backward.pointer(to: derivative)
        parity = inputs.parity
        parities = inputs.parity == nil ? [] : (0..<2).map { GridModel.parityColumns(of: range, step: $0) }
    }

    /// This rank's cells. [z, y, x, component]
    var state: [Scalar] {
        get { Array(UnsafeBufferPointer(start: cells, count: count)) }
        set { newValue.withUnsafeBufferPointer { if let base = $0.baseAddress { cells.update(from: base, count: count) } } }
    }

    /// The cell of a component of the state.
    func cell(ofComponent index: Int) -> Extent3 {
        range.lower + range.extent.cell(at: index / model.configuration.components)
    }

    /// One step. Collective.
    func advance() throws {
        bindParity(forward)
        try forward.run()
        cells.update(from: next, count: count)
        dataStep += model.stride.steps
    }

    /// From derivatives by the cells after a step to those by the cells before it. Collective.
    ///
    /// - Parameter state: before the step.
    func reverse(_ derivative: inout [Scalar], from state: [Scalar], dataStep: Int64) throws {
        self.dataStep = dataStep
        bindParity(backward)
        for index in 0..<count {
            cellsBefore[index] = state[index]
            cotangent[index] = derivative[index]
        }
        try backward.run()
        for index in 0..<count { derivative[index] = product[index] }
    }

    private func bindParity(_ program: Program<Scalar>) {
        if let parity { program.bind(parity, to: parities[Int(dataStep & 1)].pointer) }
    }
}
