import Autodiff
import Kernels
import NeuralNetworks
import Tensor

/// A coarse level of SAGESnet: scale transformers from the frames up to its cells and back, and what one step does to
/// these. A step is as long as a block, so it predicts the next block from the last one.
///
/// The state is a dense grid of codes. It is never rounded or decoded on the way: frames are decoded where they are wanted.
public struct LevelModel: Sendable {
    public let configuration: LevelConfiguration
    public let normalization: LevelNormalization
    /// Of level 1, 2, ... up to this one, before any joint training.
    public let transformers: [ScaleTransformer]
    public let layout: ParameterLayout

    private enum Predictor: Sendable {
        /// z + linear convolution of z + decoder(blocks(encoder(z))).
        case increment(network: CellNetwork, propagator: Parameter)
        /// Palindromic: the energies and drifts of the first half come back in the second.
        case energy(networks: [EnergyNetwork], drifts: [Parameter])
    }
    private let predictor: Predictor
    /// Of the level's own transformer, where it is trained.
    private let transformerParameters: [Parameter]?

    public init(
        _ configuration: LevelConfiguration, _ normalization: LevelNormalization, _ transformers: [ScaleTransformer]
    ) {
        self.configuration = configuration
        self.normalization = normalization
        self.transformers = transformers
        let level = configuration.level
        let codes = configuration.codes(level)
        var layout = ParameterLayout()
        let form = CellNetwork.Form(
            channels: configuration.channels, blocks: configuration.blocks, mixingLayers: configuration.mixingLayers,
            activation: configuration.activation, environment: configuration.sites(level),
            expectedNeighbors: 27)
        switch configuration.predictor {
        case .increment:
            let network = CellNetwork("predictor", form, inputs: codes, decoded: codes, in: &layout)
            predictor = .increment(
                network: network, propagator: layout.add("predictor/propagator", [27, codes, codes], .constant(0)))
        case .energy:
            let kicks = configuration.kicks
            predictor = .energy(
                networks: (0..<(kicks + 1) / 2).map {
                    EnergyNetwork("predictor/energy\($0)", form, inputs: codes / 2, in: &layout)
                },
                drifts: (0..<kicks / 2).map {
                    layout.add("predictor/drift\($0)", [codes / 2, codes / 2], .constant(0))
                })
        }
        transformerParameters = configuration.stage != .joint
            ? nil
            : ScaleTransformer.shapes(inputs: configuration.inputs(level), codes: codes).map {
                layout.add("transformer/\($0.name)", $0.shape, .constant(0))
            }
        self.layout = layout
    }

    /// Records a step from codes z [R, codes] with sites [R, sites], nil for grids.
    func step<Scalar>(
        _ z: Variable<Scalar>, _ sites: Variable<Scalar>?, _ topology: CellTopology
    ) -> Variable<Scalar> {
        let tape = z.tape
        switch predictor {
        case .increment(let network, let propagator):
            guard let decoder = network.codec.decoder else { preconditionFailure("an increment needs a decoder") }
            return z + topology.convolve(z, tape.parameter(propagator))
                + decoder(network.predict(network.encode(z, sites), topology))
        case .energy(let networks, let drifts):
            let half = z.columns / 2
            var (offset, velocity) = (z[columns: 0..<half], z[columns: half..<2 * half])
            for kick in 0..<configuration.kicks {
                let energy = networks[min(kick, configuration.kicks - 1 - kick)](offset, sites, topology)
                velocity = velocity - tape.gradients(of: energy, withRespectTo: [offset])[0]
                guard kick < configuration.kicks - 1 else { break }
                let weights = tape.parameter(drifts[min(kick, configuration.kicks - 2 - kick)])
                // The gradient of a kinetic energy: its matrix is symmetric.
                let kinetic = velocity.rowDot(velocity.rowProduct(weights))
                offset = offset + Scalar(driftOfPart) * velocity
                    + tape.gradients(of: kinetic, withRespectTo: [velocity])[0]
            }
            return .concatenating([offset, velocity])
        }
    }

    /// What a velocity's code adds to its offset's in one of the drifts, as uniform motion has it.
    private var driftOfPart: Double {
        func norm(_ values: [Double], first: Int, stride: Int, count: Int) -> Double {
            (0..<count).reduce(0.0) { $0 + values[first + $1 * stride] * values[first + $1 * stride] }.squareRoot()
        }
        let rate = transformers.reduce(normalization.velocity / normalization.offset) { rate, transformer in
            let (inputs, codes) = (transformer.inputs, transformer.codes)
            return rate * norm(transformer.encoder, first: 0, stride: codes, count: inputs)
                * norm(transformer.decoder, first: codes / 2 * inputs, stride: 1, count: inputs)
        }
        return rate * normalization.stride.time * Double(configuration.frames(configuration.level))
            / Double(configuration.kicks - 1)
    }

    /// The transformers on a tape; the level's own as parameters where it is trained.
    func recordedTransformers<Scalar>(on tape: Tape<Scalar>) -> [RecordedTransformer<Scalar>] {
        transformers.enumerated().map { index, transformer in
            if index == configuration.level - 1, let transformerParameters {
                return RecordedTransformer(transformerParameters, on: tape)
            }
            return RecordedTransformer(transformer, "transformer \(index + 1)", on: tape)
        }
    }

    /// The transformers with the trained weights.
    func transformers<Scalar: KernelScalar>(_ parameters: UnsafePointer<Scalar>) -> [ScaleTransformer] {
        guard let transformerParameters else { return transformers }
        var own = transformers[configuration.level - 1]
        own.arrays = transformerParameters.map { parameter in
            (0..<parameter.shape.count).map { Double(parameters[parameter.offset + $0]) }
        }
        return transformers.dropLast() + [own]
    }

    /// First weights of the level's own transformer, where it is trained: as it is.
    func initializeTransformer<Scalar: KernelScalar>(_ parameters: UnsafeMutablePointer<Scalar>) {
        guard let transformerParameters else { return }
        for (parameter, values) in zip(transformerParameters, transformers[configuration.level - 1].arrays) {
            for (index, value) in values.enumerated() { parameters[parameter.offset + index] = Scalar(value) }
        }
    }
}
