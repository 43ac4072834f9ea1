import Autodiff
import Kernels
import NeuralNetworks
import Tensor

/// Between a readable cell and its vector in the simulation grid: z = a w + b and back, cell by cell.
public struct CellCodec: Sendable {
    public let encoder: Dense
    /// To one vector for position and one for velocity of each slot; nil where nothing is decoded.
    public let decoder: Dense?

    /// - Parameter keepsZero: whether the vector of a cell of zeros is zero, as that of what lies beyond an open end.
    init(
        _ name: String, inputs: Int, channels: Int, outputs: Int?, keepsZero: Bool = false,
        in layout: inout ParameterLayout
    ) {
        encoder = Dense("\(name)/encoder", inputs: inputs, outputs: channels, bias: !keepsZero, in: &layout)
        decoder = outputs.map {
            Dense("\(name)/decoder", inputs: channels, outputs: $0, gain: 0.1, in: &layout)
        }
    }
}

/// The run's environment in every cell: a 1x1x1 convolution.
public struct EnvironmentLayer: Sendable {
    let weights: Parameter

    init(_ name: String, variables: Int, channels: Int, in layout: inout ParameterLayout) {
        weights = layout.add("\(name)/weights", [variables, channels], .scaledNormal(fanIn: variables, gain: 0.1))
    }

    /// - Parameters:
    ///   - z: the code of the cells. [R, C]
    ///   - environment: of each cell's run, [R, G], or of the run of all cells, [1, G]: the same bits.
    func callAsFunction<Scalar>(_ z: Variable<Scalar>, _ environment: Variable<Scalar>) -> Variable<Scalar> {
        let effect = environment.rowProduct(z.tape.parameter(weights))
        return environment.domain == nil ? z.addingRow(effect) : z + effect
    }
}

/// z <- z + sum over d of W_d phi(z_{c-d}), then 1x1x1 layers: one block of the predictor (004, "Specific
/// architecture").
struct ResidualBlock: Sendable {
    let convolution: Parameter
    let bias: Parameter
    /// 1x1x1 layers between the convolution and the last one.
    let hidden: [Dense]
    let mixing: Dense

    /// - Parameter mixingLayers: 1x1x1 layers, at least one.
    init(
        _ name: String, channels: Int, expectedNeighbors: Int, mixingLayers: Int, in layout: inout ParameterLayout
    ) {
        convolution = layout.add(
            "\(name)/convolution/weights", [27, channels, channels],
            .scaledNormal(fanIn: channels * expectedNeighbors, gain: 1.4))
        bias = layout.add("\(name)/convolution/bias", [channels], .constant(0))
        hidden = (1..<mixingLayers).map {
            Dense("\(name)/hidden\($0)", inputs: channels, outputs: channels, gain: 1.4, in: &layout)
        }
        mixing = Dense("\(name)/mixing", inputs: channels, outputs: channels, gain: 0.5, in: &layout)
    }

    /// - Parameter activation: of the block's input; nil for the first block, which sees the code as it is.
    func callAsFunction<Scalar>(
        _ z: Variable<Scalar>, _ topology: CellTopology, input activation: Activation?, inner: Activation
    ) -> Variable<Scalar> {
        let x = activation.map { z.applying($0) } ?? z
        let sum = topology.convolve(x, z.tape.parameter(convolution)).addingRow(z.tape.parameter(bias))
        return z + mixing(hidden.reduce(sum.applying(inner)) { $1($0).applying(inner) })
    }
}

/// Encoder, environment and residual blocks: from readable cells to the vectors that a prediction is made of.
struct CellNetwork: Sendable {
    let codec: CellCodec
    let environment: EnvironmentLayer?
    let blocks: [ResidualBlock]
    let activation: Activation

    /// What the blocks are made of.
    struct Form {
        var channels: Int
        var blocks: Int
        /// 1x1x1 layers of a block.
        var mixingLayers = 1
        var activation: Activation
        /// Environment variables that enter every cell.
        var environment = 0
        /// Of the 27 cells under a kernel, how many hold something.
        var expectedNeighbors: Int
        /// Whether cells of zeros are to the blocks what lies beyond an open end.
        var keepsZero = false
    }

    init(_ name: String, _ form: Form, inputs: Int, decoded: Int?, in layout: inout ParameterLayout) {
        let channels = form.channels
        codec = CellCodec(
            "\(name)/codec", inputs: inputs, channels: channels, outputs: decoded, keepsZero: form.keepsZero, in: &layout)
        environment = form.environment == 0
            ? nil
            : EnvironmentLayer("\(name)/environment", variables: form.environment, channels: channels, in: &layout)
        blocks = (0..<form.blocks).map {
            ResidualBlock(
                "\(name)/block\($0)", channels: channels, expectedNeighbors: form.expectedNeighbors,
                mixingLayers: form.mixingLayers, in: &layout)
        }
        activation = form.activation
    }

    /// The code of the cells before the blocks. [R, C]
    func encode<Scalar>(_ readable: Variable<Scalar>, _ variables: Variable<Scalar>?) -> Variable<Scalar> {
        let code = codec.encoder(readable)
        guard let environment, let variables else { return code }
        return environment(code, variables)
    }

    /// The code after the blocks. [R, C]
    func predict<Scalar>(_ code: Variable<Scalar>, _ topology: CellTopology) -> Variable<Scalar> {
        var z = code
        for (index, block) in blocks.enumerated() {
            z = block(z, topology, input: index == 0 ? nil : activation, inner: activation)
        }
        return z
    }
}

extension CellNetwork.Form {
    /// Of a model of atoms.
    init(_ configuration: SAGESnetConfiguration) {
        // In diamond's aligned grid a cell has four occupied neighbors; a dense grid mixes mostly empty cells.
        self.init(
            channels: configuration.channels, blocks: configuration.blocks, activation: configuration.activation,
            environment: configuration.environment.count, expectedNeighbors: 5)
    }
}
