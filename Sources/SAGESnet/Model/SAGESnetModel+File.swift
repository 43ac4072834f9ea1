import Configuration
import MPI
import Tensor
import Training

extension SAGESnetModel {
    /// Reads a trained model on rank 0 and gives it to every rank. Collective.
    ///
    /// - Returns: the model, its weights in its layout, and its whole configuration, decoded and as canonical JSON.
    /// - Throws: on every rank, `HDF5Error` (66 if the file is missing, 65 if it is damaged), `TrainingError` for a
    ///   model of another kind or damaged weights.
    public static func load<Scalar: TrainingScalar>(
        _ path: String, as type: Scalar.Type = Scalar.self, communicator: Communicator
    ) throws -> (model: SAGESnetModel, parameters: Buffer<Scalar>, configuration: RunConfiguration, text: String) {
        let kind = ModelConfiguration.Kind.sagesnet.rawValue
        var normalization = Normalization()
        let (loaded, parameters) = try ModelFile.load(path, kind: kind, as: type, communicator: communicator) { _, text in
            let run = try ConfigurationDocument(text: text, source: "\(path):/config").decode(RunConfiguration.self).value
            return ((run: run, text: text), SAGESnetModel(try run.model.atoms(from: path), Normalization()).layout)
        } reading: { root in
            normalization = try Normalization(from: root)
        }
        let configuration = try loaded.run.model.atoms(from: path)
        try normalization.broadcast(communicator, environmentCount: configuration.environment.count)
        return (SAGESnetModel(configuration, normalization), parameters, loaded.run, loaded.text)
    }
}

extension Normalization {
    /// Gives every rank the values of rank 0. Collective.
    mutating func broadcast(_ communicator: Communicator, environmentCount: Int) throws {
        let values = try communicator.broadcast(
            [offset, velocity, displacement, kick, timeStep] + environmentMean + environmentSpread, root: 0)
        guard values.count == 5 + 2 * environmentCount else {
            throw SAGESnetError.badRequest(
                "the model's normalization has \((values.count - 5) / 2) environment variables, its configuration "
                    + "\(environmentCount)")
        }
        (offset, velocity, displacement, kick, timeStep) = (values[0], values[1], values[2], values[3], values[4])
        environmentMean = Array(values[5..<(5 + environmentCount)])
        environmentSpread = Array(values[(5 + environmentCount)...])
    }
}
