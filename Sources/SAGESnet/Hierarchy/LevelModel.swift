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
        /// Equal parts, one after the other, each of them kick, drift, another kick, drift, kick, so that the last kick of a
        /// part is the first of the next.
        ///
        /// A step made of kicks that all differ drives pairs of vibrations whose frequencies add up to that of the steps.
        /// Equal parts lessen that, and so does longer training: diamond at 1000 K in steps of 10 fs heats up by 919 K/ps with
        /// four unlike kicks, by 290 K/ps with two equal parts, and by 12 K/ps when these are trained four times as long.
        case energy(network: EnergyNetwork, drift: Parameter, history: Dense?)
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
            channels: configuration.width, blocks: configuration.blocks, mixingLayers: configuration.mixingLayers,
            activation: configuration.activation, environment: configuration.sites(level),
            expectedNeighbors: 27)
        switch configuration.predictor {
        case .increment:
            let network = CellNetwork("predictor", form, inputs: codes, decoded: codes, in: &layout)
            predictor = .increment(
                network: network, propagator: layout.add("predictor/propagator", [27, codes, codes], .constant(0)))
        case .energy:
            let (kicks, pairs) = (configuration.kicks, configuration.pairs(level))
            let history = codes - 2 * pairs
            predictor = .energy(
                network: EnergyNetwork(
                    "predictor/energy", form, inputs: pairs * (Self.isGated(level) ? configuration.sites(level) : 1),
                    energies: 2, in: &layout),
                drift: layout.add("predictor/drift", [pairs, pairs], .constant(0)),
                history: history == 0
                    ? nil
                    : Dense(
                        "predictor/history", inputs: (2 + kicks) * pairs, outputs: history, gain: 0, in: &layout))
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
        case .energy(let network, let drift, let history):
            let (kicks, pairs) = (configuration.kicks, configuration.pairs(configuration.level))
            var (offset, velocity) = (z[columns: 0..<pairs], z[columns: pairs..<2 * pairs])
            var gradients: [Variable<Scalar>] = []
            for kick in 0..<kicks {
                let energies = network(gated(offset, sites), sites, topology)
                let isOuter = kick % 2 == 0
                let gradient = tape.gradients(
                    of: isOuter ? energies[columns: 0..<1] : energies[columns: 1..<2], withRespectTo: [offset])[0]
                // The last of a part and the first of the next, at one place.
                let isTwice = isOuter && kick > 0 && kick < kicks - 1
                gradients.append(isTwice ? 2 * gradient : gradient)
                velocity = velocity - gradients[kick]
                guard kick < kicks - 1 else { break }
                let weights = tape.parameter(drift)
                // The gradient of a kinetic energy: its matrix is symmetric.
                let kinetic = velocity.rowDot(velocity.rowProduct(weights))
                offset = offset + Scalar(driftOfPart) * velocity
                    + tape.gradients(of: kinetic, withRespectTo: [velocity])[0]
            }
            let pair = [offset, velocity]
            // The way to the end is a sum of kicks and drifts, and so is what is seen of it at other times.
            return .concatenating(pair + (history.map { [$0(.concatenating(pair + gradients))] } ?? []))
        }
    }

    /// Whether an energy sees its codes once for each site, 0 but for those that hold atoms: so its first layer has weights
    /// of its own for each. Above level 1 there are too many sites.
    private static func isGated(_ level: Int) -> Bool { level == 1 }

    private func gated<Scalar>(_ offset: Variable<Scalar>, _ sites: Variable<Scalar>?) -> Variable<Scalar> {
        guard Self.isGated(configuration.level), let sites else { return offset }
        return .concatenating((0..<sites.columns).map { offset.scaledByColumn(sites[columns: $0..<$0 + 1]) })
    }

    /// What a velocity's code adds to its offset's in one of the drifts, as uniform motion has it.
    private var driftOfPart: Double {
        let rate = transformers.enumerated().reduce(normalization.velocity / normalization.offset) { rate, entry in
            let (index, transformer) = entry
            func scale(_ code: Int) -> Double {
                (0..<transformer.inputs).reduce(0.0) { sum, row in
                    let weight = transformer.encoder[row * transformer.codes + code]
                    return sum + weight * weight
                }.squareRoot()
            }
            return rate * scale(0) / scale(configuration.pairs(index + 1))
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
