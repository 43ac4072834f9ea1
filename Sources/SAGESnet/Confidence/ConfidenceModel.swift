import Autodiff
import HDF5
import Kernels
import NeuralNetworks
import Tensor

/// A network that sees what a model sees in a cell (or of an atom) and predicts the loss of the model's next step there:
/// a normal distribution of its logarithm, with bands calibrated on validation data (004, "Potential challenges").
public struct ConfidenceModel: Sendable {
    public let configuration: ConfidenceConfiguration
    public let featureCount: Int
    public let normalization: RowNormalization
    public let layout: ParameterLayout
    private let layers: Perceptron

    init(_ configuration: ConfidenceConfiguration, featureCount: Int, _ normalization: RowNormalization) {
        self.configuration = configuration
        self.featureCount = featureCount
        self.normalization = normalization
        var layout = ParameterLayout()
        let hidden = Array(repeating: configuration.width, count: configuration.layers)
        layers = Perceptron(
            "confidence", widths: [featureCount] + hidden + [2], activation: configuration.activation, lastGain: 0.1,
            in: &layout)
        self.layout = layout
    }

    /// The inputs of a prediction as variables; R rows.
    struct Inputs<Scalar: KernelScalar> {
        /// [R, features]
        let features: Variable<Scalar>
        /// Of the features over the training rows: minus the means, and one over the spreads. [features]
        let shift, scale: Variable<Scalar>

        init(_ model: ConfidenceModel, on tape: Tape<Scalar>, over domain: RowDomain) {
            features = tape.input("features", [domain.capacity, model.featureCount], over: domain)
            shift = tape.input("shift", [model.featureCount])
            scale = tape.input("scale", [model.featureCount])
        }

        /// Fills what is the same for all rows.
        func fill(_ program: Program<Scalar>, _ normalization: RowNormalization) {
            for index in normalization.mean.indices {
                program.pointer(to: shift)[index] = Scalar(-normalization.mean[index])
                program.pointer(to: scale)[index] = Scalar(1 / normalization.spread[index])
            }
        }
    }

    /// Records the mean of the loss's logarithm, and the logarithm of its standard deviation. [R, 1] each
    func callAsFunction<Scalar>(_ inputs: Inputs<Scalar>) -> (mean: Variable<Scalar>, logSpread: Variable<Scalar>) {
        let features = inputs.features.addingRow(inputs.shift)
        let result = layers(features * inputs.scale.repeatedOverRows(like: features))
        // Within e^-3 and e^3 of the spread over all rows.
        let spread = Scalar(3) * (Scalar(1 / 3.0) * result[columns: 1..<2]).applying(.tanh)
        return (
            Scalar(normalization.lossSpread) * result[columns: 0..<1] + Scalar(normalization.lossMean),
            spread + Scalar(Logarithm.natural(normalization.lossSpread))
        )
    }
}

/// Means and spreads over training rows, of the features and of the loss's logarithm.
public struct RowNormalization: Equatable, Sendable {
    /// [features]
    public var mean: [Double]
    public var spread: [Double]
    public var lossMean: Double
    public var lossSpread: Double

    /// - Parameter rows: at least one.
    init(_ rows: [LossRows], featureCount: Int) {
        let count = Double(rows.reduce(0) { $0 + $1.count })
        func moments(_ value: (LossRows, Int) -> Double) -> (mean: Double, spread: Double) {
            var (sum, squares) = (0.0, 0.0)
            for part in rows { for row in 0..<part.count { sum += value(part, row) } }
            let mean = sum / count
            for part in rows {
                for row in 0..<part.count {
                    let difference = value(part, row) - mean
                    squares += difference * difference
                }
            }
            // What is the same in all rows says nothing, and must not blow up elsewhere.
            return (mean, max((squares / count).squareRoot(), 1e-3 * abs(mean), 1e-6))
        }
        let features = (0..<featureCount).map { feature in moments { Double($0.features[$1 * featureCount + feature]) } }
        (mean, spread) = (features.map(\.mean), features.map(\.spread))
        (lossMean, lossSpread) = moments { LossRows.logarithm(of: $0.losses[$1]) }
    }

    /// Writes the group `normalization`.
    func write(to root: Group) throws {
        let group = try root.createGroup("normalization")
        try group.writeDataset("feature_mean", mean)
        try group.writeDataset("feature_spread", spread)
        try group.writeDataset("loss", [lossMean, lossSpread])
    }

    /// Reads the group `normalization` of a model file.
    ///
    /// - Throws: `SAGESnetError.unsuitableData` for numbers of another count.
    init(from root: Group, featureCount: Int) throws {
        let group = try root.group("normalization")
        func read(_ name: String, _ count: Int) throws -> [Double] {
            let values = try group.dataset(name).read(Double.self)
            guard values.count == count, values.allSatisfy(\.isFinite) else {
                throw SAGESnetError.unsuitableData(
                    file: root.file.path, reason: "/normalization/\(name) is not \(count) finite numbers")
            }
            return values
        }
        mean = try read("feature_mean", featureCount)
        spread = try read("feature_spread", featureCount)
        let loss = try read("loss", 2)
        (lossMean, lossSpread) = (loss[0], loss[1])
    }
}
