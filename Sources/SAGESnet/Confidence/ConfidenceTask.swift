import Autodiff
import HDF5
import Kernels
import MPI
import NeuralNetworks
import Tensor
import Training

/// Training of a network of confidence: a sample is a frame, its rows are cells or atoms with the losses that a model,
/// which stays as it is, has there.
///
/// The loss is the mean over rows of the negative log likelihood of the logarithm of the model's loss under a normal
/// distribution, but for a constant.
public final class ConfidenceTask<Scalar: TrainingScalar>: TrainingTask {
    public let model: ConfidenceModel
    private let training: any LossSource
    private let validation: any LossSource
    /// What the file says of the model that this one belongs to.
    private let subject: ConfidenceSubject
    private var cache: (training: [LossRows?], validation: [LossRows?])

    /// The variables of one recording.
    public struct Inputs {
        let rows: ConfidenceModel.Inputs<Scalar>
        let domain: RowDomain
        /// Logarithms of losses. [R, 1]
        let target: Variable<Scalar>
        /// One over the number of rows. [R, 1]
        let weight: Variable<Scalar>
    }

    /// Not collective: every rank does the same.
    ///
    /// - Throws: what the sources do; `SAGESnetError.unsuitableData` for samples without rows.
    public init(
        _ configuration: ConfidenceConfiguration, subject: ConfidenceSubject, training: any LossSource,
        validation: any LossSource
    ) throws {
        (self.training, self.validation, self.subject) = (training, validation, subject)
        cache = (
            Array(repeating: nil, count: training.sampleCount), Array(repeating: nil, count: validation.sampleCount)
        )
        let rows = try training.some(64).map { try training.rows(ofSample: $0).chosen(configuration.rows, by: $0) }
        guard rows.contains(where: { $0.count > 0 }) else {
            throw SAGESnetError.unsuitableData(file: subject.path, reason: "its training data have no rows with a loss")
        }
        model = ConfidenceModel(
            configuration, featureCount: training.featureCount,
            RowNormalization(rows, featureCount: training.featureCount))
    }

    public var layout: ParameterLayout { model.layout }
    public var sampleCount: Int { training.sampleCount }
    public var validationSampleCount: Int { validation.sampleCount }

    public func record(on tape: Tape<Scalar>, samples: Int) -> RecordedLoss<Scalar, Inputs> {
        let domain = RowDomain("rows", capacity: samples * model.configuration.rows)
        let rows = ConfidenceModel.Inputs<Scalar>(model, on: tape, over: domain)
        let target = tape.input("log loss", [domain.capacity, 1], over: domain)
        let weight = tape.input("weight", [domain.capacity, 1], over: domain)
        let (mean, logSpread) = model(rows)
        let square = (target - mean).squared
        let score = square * (Scalar(-2) * logSpread).applying(.exponential)
        let loss = ((logSpread + Scalar(0.5) * score) * weight).sum()
        return RecordedLoss(
            loss: loss, figures: [(name: "squaredError", value: (square * weight).sum())],
            inputs: Inputs(rows: rows, domain: domain, target: target, weight: weight))
    }

    public func fill(
        _ inputs: Inputs, of program: Program<Scalar>, draws: UnsafeBufferPointer<SampleDraw>, seed: UInt64,
        purpose: SamplePurpose
    ) throws {
        inputs.rows.fill(program, model.normalization)
        let features = program.pointer(to: inputs.rows.features)
        let (target, weight) = (program.pointer(to: inputs.target), program.pointer(to: inputs.weight))
        var row = 0
        for draw in draws {
            let rows = try rows(draw.sample, purpose)
            for index in rows.features.indices { features[row * model.featureCount + index] = Scalar(rows.features[index]) }
            for index in 0..<rows.count {
                target[row] = Scalar(LossRows.logarithm(of: rows.losses[index]))
                weight[row] = Scalar(1 / Double(rows.count * draws.count))
                row += 1
            }
        }
        inputs.domain.count = row
    }

    /// A sample's rows, computed when they are first asked for.
    private func rows(_ sample: Int, _ purpose: SamplePurpose) throws -> LossRows {
        let isTraining = purpose == .training
        if let known = isTraining ? cache.training[sample] : cache.validation[sample] { return known }
        let rows = try (isTraining ? training : validation).rows(ofSample: sample).chosen(model.configuration.rows, by: sample)
        if isTraining { cache.training[sample] = rows } else { cache.validation[sample] = rows }
        return rows
    }

    public func write(to root: Group) throws {
        try model.normalization.write(to: root)
        try subject.write(to: root)
    }

    /// Calibrates the bands on the validation samples.
    public func write(to root: Group, weights: UnsafePointer<Scalar>) throws {
        guard validationSampleCount > 0 else { return }
        let prediction = ConfidencePrediction<Scalar>(model, weights: weights)
        var scores: [Double] = []
        for sample in 0..<validationSampleCount {
            let rows = try rows(sample, .validation)
            let found = try prediction.predict(rows.features)
            for row in 0..<rows.count { scores.append(found[row].score(of: rows.losses[row])) }
        }
        try Calibration(scores: scores).write(to: root)
    }
}

/// The model that a network of confidence belongs to.
public struct ConfidenceSubject: Sendable, Equatable {
    /// The model's file.
    public let path: String
    /// Of its weights.
    public let checksum: UInt64

    init(path: String, checksum: UInt64) { (self.path, self.checksum) = (path, checksum) }

    /// Collective.
    ///
    /// - Throws: on every rank, `HDF5Error`, `TrainingError`.
    public init(_ path: String, communicator: Communicator) throws {
        self.path = path
        checksum = try communicator.broadcast(
            try communicator.agree { communicator.rank == 0 ? try ModelFile.open(path).weightsChecksum : 0 }, root: 0)
    }

    func write(to root: Group) throws {
        let group = try root.createGroup("subject")
        try group.setAttribute("model", path.split(separator: "/").last.map(String.init) ?? path)
        try group.setAttribute("checksum", checksum)
    }

    /// Throws unless a file of confidence belongs to this model.
    ///
    /// - Throws: `SAGESnetError.unsuitableData`.
    func require(by root: Group) throws {
        let group = try root.group("subject")
        guard try group.attribute("checksum", as: UInt64.self) == [checksum] else {
            throw SAGESnetError.unsuitableData(
                file: root.file.path, reason: "it belongs to other weights than those of \(path): to "
                    + "\(try group.stringAttribute("model")) as it was when the confidence was trained")
        }
    }
}
