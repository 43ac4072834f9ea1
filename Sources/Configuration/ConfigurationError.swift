import Diagnostics

/// What is wrong with a configuration, where, and at which key.
public struct ConfigurationError: SAGESError, Equatable {
    /// The kind of fault.
    public enum Kind: Equatable, Sendable {
        /// The file cannot be read; the reason in words.
        case unreadable(String)
        /// The text is not JSON5.
        case syntax(String)
        /// A key is written twice in one object.
        case duplicateKey(firstAt: SourceLocation)
        /// A key that nothing reads, and the known key that it may have meant.
        case unknownKey(nearest: String?)
        /// A required key is not there.
        case missingKey(meaning: String)
        /// A value is of another type.
        case wrongType(found: String, expected: String)
        /// A value is outside of what is allowed.
        case notAllowed(found: String, allowed: String)
        /// A rule that involves more than one value.
        case invalid(String)
        /// An override (`--set`) that cannot be applied.
        case override(String)
    }

    public let kind: Kind
    /// Where. For a fault of a whole file only its `source` counts.
    public let location: SourceLocation
    /// The full path of the key, for example `training.globalBatch`; empty for the whole configuration.
    public let keyPath: String

    public init(_ kind: Kind, at location: SourceLocation, keyPath: String = "") {
        self.kind = kind
        self.location = location
        self.keyPath = keyPath
    }

    public var exitStatus: ExitStatus {
        if case .unreadable = kind { .noInput } else { .usage }
    }

    public var description: String {
        switch kind {
        case .unreadable(let reason): "cannot read the configuration \(location.source): \(reason)"
        case .syntax(let message): "\(location): \(message)"
        case .duplicateKey(let first): "\(location): key '\(keyPath)' was given before, at \(first)"
        case .unknownKey(let nearest):
            "\(location): unknown key '\(keyPath)'" + (nearest.map { "; the nearest known key is '\($0)'" } ?? "")
        case .missingKey(let meaning): "\(location): key '\(keyPath)' is missing (\(meaning))"
        case .wrongType(let found, let expected):
            "\(location): \(subject) must be \(expected), not \(found)"
        case .notAllowed(let found, let allowed): "\(location): \(subject) is \(found); it must be \(allowed)"
        case .invalid(let message): "\(location): \(keyPath.isEmpty ? message : "key '\(keyPath)': \(message)")"
        case .override(let message): "\(location): \(message)"
        }
    }

    private var subject: String { keyPath.isEmpty ? "the configuration" : "key '\(keyPath)'" }
}
