import Diagnostics

/// An optimizer cannot go on.
public enum OptimizerError: SAGESError, Equatable {
    /// The matrix of the products of gradients along an axis of a parameter is not finite, or has no eigenvectors that
    /// can be found.
    case noBasis(parameter: String, axis: Int)

    public var description: String {
        switch self {
        case .noBasis(let parameter, let axis):
            "soap finds no basis for axis \(axis) of parameter \(parameter): its gradients are too large; a lower "
                + "learning rate or training.clip may help"
        }
    }

    public var exitStatus: ExitStatus { .internal }
}
