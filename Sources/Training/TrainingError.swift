import Diagnostics

/// Why a training cannot begin or cannot go on.
public enum TrainingError: SAGESError, Equatable {
    /// The task has no training samples.
    case noSamples
    /// Validation is configured, but there are no validation samples.
    case noValidationSamples
    /// A loss, figure or gradient became infinite or not a number. The same on every rank.
    case notFinite(step: Int, quantity: String, samples: [Int], purpose: SamplePurpose)
    /// A micro-batch computed twice gave different gradients. The same on every rank.
    case notReproducible(step: Int)
    /// A checkpoint was made with another configuration.
    case configurationDiffers(file: String, key: String, stored: String, given: String)
    /// A file holds another kind of model.
    case otherKind(file: String, expected: String, found: String)
    /// A file is an HDF5 file but no model, or its parts do not fit together.
    case damagedModel(file: String, reason: String)
    /// A parameter of the model is missing in a file, or has another shape there.
    case parameterDiffers(file: String, dataset: String, expected: String, found: String)
    /// A finished model without its last checkpoint cannot be trained further.
    case alreadyFinished(file: String, steps: Int)
    /// The metrics beside a model cannot be written.
    case metrics(file: String, reason: String)

    public var exitStatus: ExitStatus {
        switch self {
        case .noSamples, .damagedModel, .otherKind, .parameterDiffers: .data
        case .noValidationSamples, .configurationDiffers, .alreadyFinished: .usage
        case .notFinite, .notReproducible: .internal
        case .metrics: .io
        }
    }

    public var description: String {
        switch self {
        case .noSamples: "the training data holds no samples"
        case .noValidationSamples: "training.validation is set, but data.validation holds no samples"
        case .notFinite(let step, let quantity, let samples, let purpose):
            "step \(step): the \(purpose == .validation ? "validation " : "")\(quantity)"
                + " is not a finite number, with sample\(samples.count == 1 ? "" : "s") "
                + Self.list(samples) + "; a lower learning rate (training.schedule.peak) or training.clip may help"
        case .notReproducible(let step):
            "step \(step): the same samples gave different gradients when computed again; the task's data must depend "
                + "on seed, epoch and sample alone"
        case .configurationDiffers(let file, let key, let stored, let given):
            "\(file): the checkpoint was made with \(key) = \(stored), not \(given); resume with the same "
                + "configuration, or begin anew without --resume"
        case .otherKind(let file, let expected, let found):
            "\(file): this is a model of kind '\(found)', not '\(expected)'"
        case .damagedModel(let file, let reason): "\(file): not a usable model file: \(reason)"
        case .parameterDiffers(let file, let dataset, let expected, let found):
            "\(file): \(dataset): the model has \(expected), the file has \(found)"
        case .alreadyFinished(let file, let steps):
            "\(file): training has finished after \(steps) steps, and there is no \(file).previous with the state that "
                + "is needed to train further"
        case .metrics(let file, let reason): "\(file): cannot write the metrics: \(reason)"
        }
    }

    private static func list(_ samples: [Int]) -> String {
        let shown = samples.prefix(8).map(String.init).joined(separator: ", ")
        return samples.count > 8 ? "\(shown) and \(samples.count - 8) more" : shown
    }
}
