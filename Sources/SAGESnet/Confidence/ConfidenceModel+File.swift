import Configuration
import MPI
import Tensor
import Training

/// A trained network of confidence, ready for use beside its model.
public struct TrainedConfidence {
    public let model: ConfidenceModel
    public let calibration: Calibration
    let parameters: Buffer<Float>

    /// Reads one on rank 0 and gives it to every rank. Collective.
    ///
    /// - Parameters:
    ///   - subject: the model that it must belong to.
    ///   - featureCount: numbers that describe a row of that model.
    /// - Throws: on every rank, `HDF5Error`, `TrainingError`; `SAGESnetError.unsuitableData` (65) where it belongs to other
    ///   weights, or was trained without validation data.
    public init(
        _ path: String, of subject: ConfidenceSubject, featureCount: Int, communicator: Communicator
    ) throws {
        var normalization = RowNormalization(featureCount: featureCount)
        var calibration = Calibration(lower: Calibration.levels, upper: Calibration.levels)
        let kind = ModelConfiguration.Kind.confidence.rawValue
        // Rank 0 compares before shapes are compared, so that the error names the cause.
        try communicator.agree {
            if communicator.rank == 0 { try subject.require(by: try ModelFile.open(path, kind: kind).root) }
        }
        let (configuration, parameters) = try ModelFile.load(
            path, kind: kind, as: Float.self, communicator: communicator
        ) { _, text in
            let run = try ConfigurationDocument(text: text, source: "\(path):/config").decode(RunConfiguration.self).value
            guard case .confidence(let configuration) = run.model else { preconditionFailure("a file of another kind") }
            return (
                configuration,
                ConfidenceModel(configuration, featureCount: featureCount, RowNormalization(featureCount: featureCount)).layout
            )
        } reading: { root in
            normalization = try RowNormalization(from: root, featureCount: featureCount)
            calibration = try Calibration(from: root)
        }
        let bands = try communicator.broadcast(calibration.lower + calibration.upper, root: 0)
        self.calibration = Calibration(
            lower: Array(bands[..<Calibration.levels.count]), upper: Array(bands[Calibration.levels.count...]))
        try normalization.broadcast(communicator)
        model = ConfidenceModel(configuration, featureCount: featureCount, normalization)
        self.parameters = parameters
    }
}

extension RowNormalization {
    /// Of nothing yet.
    fileprivate init(featureCount: Int) {
        mean = Array(repeating: 0, count: featureCount)
        spread = Array(repeating: 1, count: featureCount)
        (lossMean, lossSpread) = (0, 1)
    }

    /// Gives every rank the values of rank 0. Collective.
    fileprivate mutating func broadcast(_ communicator: Communicator) throws {
        mean = try communicator.broadcast(mean, root: 0)
        spread = try communicator.broadcast(spread, root: 0)
        let loss = try communicator.broadcast([lossMean, lossSpread], root: 0)
        (lossMean, lossSpread) = (loss[0], loss[1])
    }
}
