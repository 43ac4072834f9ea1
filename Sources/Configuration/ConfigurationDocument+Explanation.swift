/// Every key with its meaning, for `sages train --explain`.
extension ConfigurationDocument {
    /// The keys that a structure reads from this document, in the order it reads them.
    ///
    /// The document decides which keys there are where they depend on a value (the model's kind); it may be
    /// incomplete or empty (`{}`), and wrong values count as not written.
    public func explain<Value: Configurable>(_ type: Value.Type) throws -> [ConfigurationKey] {
        let reading = ConfigurationReading(isExplaining: true)
        var members: [ConfigurationValue.Member] = []
        if case .object(let written) = root.content { members = written }
        _ = try Value(from: ConfigurationSection(keyPath: "", location: root.location, members: members,
                                                 reading: reading))
        return reading.keys
    }

    /// The explanation as text for a terminal: one key a paragraph.
    public static func text(explaining keys: [ConfigurationKey]) -> String {
        var text = ""
        for key in keys {
            if key.defaultText.isEmpty {
                text += "\n\(key.path): \(key.meaning)\n"
                continue
            }
            text += "  \(key.path)\n      \(key.meaning)\n      \(key.type); "
            switch key.defaultText {
            case "required": text += "required\n"
            case "none": text += "may be left out\n"
            default: text += "default \(key.defaultText)\n"
            }
        }
        return text
    }
}
