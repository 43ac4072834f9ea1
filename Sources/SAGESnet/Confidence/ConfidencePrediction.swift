import Autodiff
import Kernels
import NeuralNetworks
import Tensor
import Training

/// What a network of confidence expects of a row: a normal distribution of the logarithm of its loss.
public struct ExpectedLoss: Sendable, Equatable {
    public let mean: Double
    public let spread: Double

    /// How many spreads a loss is from the mean.
    func score(of loss: Double) -> Double { (LossRows.logarithm(of: loss) - mean) / spread }

    /// The root of the median loss: an error in the units of the loss's errors.
    public var error: Double { Logarithm.exponential(mean / 2) }

    /// The upper end of the band of a level, by its index, as `error`.
    public func upperError(_ calibration: Calibration, level: Int) -> Double {
        Logarithm.exponential((mean + calibration.upper[level] * spread) / 2)
    }
}

/// Runs a network of confidence on rows.
final class ConfidencePrediction<Scalar: TrainingScalar> {
    private let model: ConfidenceModel
    private let weights: Buffer<Scalar>
    private var recorded: Recorded?

    private struct Recorded {
        let domain: RowDomain
        let program: Program<Scalar>
        let features: UnsafeMutablePointer<Scalar>
        let mean, logSpread: UnsafePointer<Scalar>
    }

    /// - Parameter weights: in the model's layout; copied.
    init(_ model: ConfidenceModel, weights: UnsafePointer<Scalar>) {
        self.model = model
        self.weights = Buffer(repeating: 0, count: model.layout.count)
        self.weights.pointer.update(from: weights, count: model.layout.count)
    }

    /// - Parameter features: [rows, features]
    func predict<Value: BinaryFloatingPoint>(_ features: [Value]) throws -> [ExpectedLoss] {
        try features.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return [] }
            return try predict(base, rows: features.count / model.featureCount)
        }
    }

    func predict<Value: BinaryFloatingPoint>(_ features: UnsafePointer<Value>, rows: Int) throws -> [ExpectedLoss] {
        let recorded = planned(rows: rows)
        recorded.domain.count = rows
        let count = rows * model.featureCount
        if let same = features as? UnsafePointer<Scalar> {
            recorded.features.update(from: same, count: count)
        } else {
            for index in 0..<count { recorded.features[index] = Scalar(features[index]) }
        }
        try recorded.program.run()
        return (0..<rows).map {
            ExpectedLoss(
                mean: Double(recorded.mean[$0]), spread: Logarithm.exponential(Double(recorded.logSpread[$0])))
        }
    }

    /// A program with room for so many rows.
    private func planned(rows: Int) -> Recorded {
        if let recorded, recorded.domain.capacity >= rows { return recorded }
        let tape = Tape<Scalar>()
        let domain = RowDomain("rows", capacity: rows + rows / 8 + 16)
        let inputs = ConfidenceModel.Inputs<Scalar>(model, on: tape, over: domain)
        let (mean, logSpread) = model(inputs)
        let program = Program(computing: [mean, logSpread], parameters: weights.pointer)
        program.preparesEachRun = false
        inputs.fill(program, model.normalization)
        let made = Recorded(
            domain: domain, program: program, features: program.pointer(to: inputs.features),
            mean: UnsafePointer(program.pointer(to: mean)), logSpread: UnsafePointer(program.pointer(to: logSpread)))
        recorded = made
        return made
    }
}
