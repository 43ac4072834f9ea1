import Diagnostics

/// A fault of a trajectory or structure file, or of what was asked of it.
public struct TrajectoryError: SAGESError, Equatable {
    public let exitStatus: ExitStatus
    /// Path of the file.
    public let file: String
    /// Line of a text file, from 1.
    public let line: Int?
    /// Frame of the file, from 0.
    public let frame: Int?
    public let message: String

    public init(_ exitStatus: ExitStatus = .data, file: String, line: Int? = nil, frame: Int? = nil, message: String) {
        self.exitStatus = exitStatus
        self.file = file
        self.line = line
        self.frame = frame
        self.message = message
    }

    public var description: String {
        let place = [line.map { "line \($0)" }, frame.map { "frame \($0)" }].compactMap { $0 }.joined(separator: ", ")
        return place.isEmpty ? "\(file): \(message)" : "\(file): \(place): \(message)"
    }
}
