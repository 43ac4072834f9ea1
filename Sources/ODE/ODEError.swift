import Diagnostics

/// Why an initial-value problem could not be solved.
public struct ODEError: SAGESError, Equatable {
    /// What went wrong, in words.
    public let reason: String
    /// How far the solution came, in the units of the system's time.
    public let time: Double

    public init(reason: String, time: Double) { (self.reason, self.time) = (reason, time) }

    public var exitStatus: ExitStatus { .internal }
    public var description: String { "the solution of differential equations ended at t = \(time): \(reason)" }
}
