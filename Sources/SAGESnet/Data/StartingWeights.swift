import NeuralNetworks
import Tensor
import Training

/// The weights and units of a model that the training of another goes on from.
struct StartingWeights<Scalar: TrainingScalar> {
    let normalization: Normalization
    private let layout: ParameterLayout
    private let weights: Buffer<Scalar>

    /// Reads a model. Not collective: every rank does the same.
    ///
    /// - Throws: as `SAGESnetModel.load`; `SAGESnetError.unsuitableData` for a model of other elements, another
    ///   environment, or weights that the configuration has no place for.
    init(_ path: String, for configuration: SAGESnetConfiguration) throws {
        let (model, weights, _, _) = try SAGESnetModel.load(path, as: Scalar.self, communicator: .selfOnly)
        let other = model.configuration
        guard other.elements == configuration.elements, other.environment == configuration.environment else {
            throw SAGESnetError.unsuitableData(
                file: path, reason: "its elements or environment are not those of the configuration (model.start)")
        }
        let places = SAGESnetModel(configuration, model.normalization).layout.parameters
        for parameter in model.layout.parameters
        where !places.contains(where: { $0.name == parameter.name && $0.shape == parameter.shape }) {
            throw SAGESnetError.unsuitableData(
                file: path, reason: "the configuration has no place for its weights \(parameter.name), "
                    + "\(parameter.shape) (model.start)")
        }
        normalization = model.normalization
        layout = model.layout
        self.weights = weights
    }

    /// Writes the weights to their places in an arena of a layout.
    func write(to arena: UnsafeMutablePointer<Scalar>, _ target: ParameterLayout) {
        for parameter in layout.parameters {
            guard let place = target.parameters.first(where: { $0.name == parameter.name }) else { continue }
            (arena + place.offset).update(from: weights.pointer + parameter.offset, count: parameter.shape.count)
        }
    }
}
