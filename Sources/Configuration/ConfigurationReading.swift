/// One key that a configuration can have, as its `Configurable` declares it.
public struct ConfigurationKey: Sendable {
    /// The full path, for example `training.globalBatch`.
    public let path: String
    /// Type, range and unit in words.
    public let type: String
    /// The default, `none` where the key may be left out, `required`, or empty for an object.
    public let defaultText: String
    public let meaning: String
}

/// What one reading of a configuration has met; shared by all its sections.
final class ConfigurationReading {
    let isExplaining: Bool
    var keys: [ConfigurationKey] = []
    var unknown: [(path: String, location: SourceLocation, known: [String])] = []

    init(isExplaining: Bool) {
        self.isExplaining = isExplaining
    }
}
