import Autodiff
import Grid
import HDF5
import Kernels
import NeuralNetworks
import Tensor

/// Level 0 of SAGESnet for a grid whose cells hold numbers of their own: what one step does to them.
///
/// Each component of a cell is 0 or 1. The network of the cells (codec, parity and what a coarse level tells as
/// environment, residual blocks) decodes a logit for each component of the next step, which is 1 where the logit is
/// positive. A simulation rounds so in every step: errors do not build up, and a network whose logits have the right
/// signs is exact for any number of steps.
public struct GridModel: Sendable {
    /// What a step of the model is to its data; from the training set.
    public struct Stride: Equatable, Sendable {
        /// Steps of the data.
        public var steps: Int64
        /// In the data's unit of time.
        public var time: Double

        public init(steps: Int64, time: Double) {
            self.steps = steps
            self.time = time
        }
    }

    /// Kinds of cells by the parities of coordinate plus step along z, y and x.
    static let parities = 8

    public let configuration: GridModelConfiguration
    public let stride: Stride
    /// What runs together with it; nil for models without feedback.
    public let coarse: CoarseLevel?
    public let layout: ParameterLayout
    private let network: CellNetwork

    public init(_ configuration: GridModelConfiguration, stride: Stride, coarse: CoarseLevel? = nil) {
        precondition((coarse != nil) == (configuration.feedback != nil), "the level that the configuration names")
        self.configuration = configuration
        self.stride = stride
        self.coarse = coarse
        var layout = ParameterLayout()
        let form = CellNetwork.Form(
            channels: configuration.channels, blocks: configuration.blocks, mixingLayers: configuration.mixingLayers,
            activation: configuration.activation,
            environment: (configuration.hasParity ? GridModel.parities : 0) + (coarse?.columns ?? 0),
            // Beyond an open end nothing lives: what was learned on periodic grids holds there too.
            expectedNeighbors: Direction.count, keepsZero: true)
        network = CellNetwork(
            "predictor", form, inputs: configuration.components, decoded: configuration.components, in: &layout)
        self.layout = layout
    }

    /// The inputs of a step as variables; R cells.
    struct Inputs<Scalar: KernelScalar> {
        /// 0 or 1. [R, components]
        let cells: Variable<Scalar>
        /// 1 in the column of the cell's parity, `4 z + 2 y + x`, 0 in others. [R, 8]; nil for models without.
        let parity: Variable<Scalar>?
        /// `CoarseLevel.columns` for each cell. [R, columns]; nil for models without.
        let coarse: Variable<Scalar>?

        init(_ model: GridModel, on tape: Tape<Scalar>, over domain: RowDomain) {
            cells = tape.input("cells", [domain.capacity, model.configuration.components], over: domain)
            parity = model.configuration.hasParity
                ? tape.input("parity", [domain.capacity, GridModel.parities], over: domain) : nil
            coarse = model.coarse.map { tape.input("coarse", [domain.capacity, $0.columns], over: domain) }
        }
    }

    /// Records the logits of the next step. [R, components]
    func logits<Scalar>(_ inputs: Inputs<Scalar>, _ convolution: GridConvolution) -> Variable<Scalar> {
        guard let decoder = network.codec.decoder else { preconditionFailure("a grid's model decodes") }
        return decoder(code(inputs, convolution))
    }

    /// Records the vectors of the cells after the residual blocks. [R, C]
    func code<Scalar>(_ inputs: Inputs<Scalar>, _ convolution: GridConvolution) -> Variable<Scalar> {
        let environment = [inputs.parity, inputs.coarse].compactMap { $0 }
        let variables = environment.count > 1 ? .concatenating(environment) : environment.first
        return network.predict(network.encode(inputs.cells, variables), .dense(convolution))
    }

    /// Throws where the model cannot be used without a coarse level.
    ///
    /// - Throws: `SAGESnetError.badRequest`.
    func requireNoFeedback(for what: String) throws {
        guard let coarse else { return }
        throw SAGESnetError.badRequest(
            "\(what) is for models of a level alone, and this one runs with \(coarse.path) (model.feedback)")
    }

    /// `Inputs.parity` of a box of cells at a step. [cells, 8]
    static func parityColumns<Scalar: KernelScalar>(of range: CellRange, step: Int) -> Buffer<Scalar> {
        let extent = range.extent
        let columns = Buffer<Scalar>(repeating: 0, count: extent.count * parities)
        for index in 0..<extent.count {
            let cell = range.lower + extent.cell(at: index)
            columns.pointer[index * parities + parity(z: cell.z, y: cell.y, x: cell.x, step: Int64(step))] = 1
        }
        return columns
    }

    /// The column of `Inputs.parity` for a cell of the grid.
    @inline(__always)
    static func parity(z: Int, y: Int, x: Int, step: Int64) -> Int {
        let step = Int(truncatingIfNeeded: step & 1)
        return ((z + step) & 1) << 2 | ((y + step) & 1) << 1 | (x + step) & 1
    }
}
