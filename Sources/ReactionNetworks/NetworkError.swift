import Diagnostics

/// What is wrong with the file of a reaction network.
public struct NetworkError: SAGESError, Equatable {
    public let file: String
    /// From 1; nil for the whole file.
    public let line: Int?
    public let reason: String
    public let exitStatus: ExitStatus

    public init(file: String, line: Int? = nil, reason: String, exitStatus: ExitStatus = .data) {
        (self.file, self.line, self.reason, self.exitStatus) = (file, line, reason, exitStatus)
    }

    public var description: String { "\(file)\(line.map { ":\($0)" } ?? ""): \(reason)" }
}
