import Diagnostics
import MPI

/// Where a training writes its model, checkpoints and metrics.
public struct TrainingOutput: Sendable {
    /// The model file, which holds checkpoints until training ends. The metrics stand beside it.
    public let path: String
    /// As `model.kind` of the configuration.
    public let kind: String
    /// The resolved configuration, canonical JSON, stored in the file.
    public let configuration: String

    public init(path: String, kind: String, configuration: String) {
        self.path = path
        self.kind = kind
        self.configuration = configuration
    }

    /// The path of the metrics: `model.metrics.csv` beside `model.h5`.
    func metricsPath(_ suffix: String) -> String {
        (path.hasSuffix(".h5") ? String(path.dropLast(3)) : path) + ".metrics." + suffix
    }
}

/// How a training ended. The same on every rank.
public enum TrainingOutcome: Sendable, Equatable {
    /// All steps are done.
    case finished
    /// Validation has not improved for as long as `training.validation.patience` allows.
    case stoppedEarly
    /// A signal to stop came; the state is saved.
    case interrupted

    public var exitStatus: ExitStatus { self == .interrupted ? .resumable : .success }
}

/// Where and by what a model was made. Nothing in it has an influence on the weights.
struct Provenance {
    let ranks: Int
    let nodes: Int
    let mpiLibrary: String

    /// Collective.
    init(_ communicator: Communicator) throws {
        ranks = communicator.size
        let isFirstOfNode = try communicator.splitByNode().rank == 0
        nodes = try communicator.allReduce(isFirstOfNode ? 1 : 0, .sum)
        mpiLibrary = MPIEnvironment.libraryVersion
    }
}
