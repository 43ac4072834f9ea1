/// `--set a.b.c=value`.
extension ConfigurationDocument {
    /// Sets one key; objects on the way are made where they are not written.
    ///
    /// The value is JSON5; text that is no JSON5 value and looks like none (`cosine`, `data/train.h5`) stands for
    /// itself, so that the shell's quotes suffice.
    ///
    /// - Parameter assignment: `key.path=value`.
    /// - Throws: `ConfigurationError` that names the whole option.
    public mutating func apply(override assignment: String) throws(ConfigurationError) {
        let location = SourceLocation(source: "--set \(assignment)", line: 0, column: 0)
        guard let equals = assignment.firstIndex(of: "=") else {
            throw ConfigurationError(.override("an override has the form key.path=value"), at: location)
        }
        let names = assignment[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard names.allSatisfy({ !$0.isEmpty && !$0.contains(where: \.isWhitespace) }),
              names.count <= JSON5Parser.maximumDepth else {
            throw ConfigurationError(.override("the key before '=' is not a path of names with points between"),
                                     at: location)
        }
        let value = try Self.value(of: String(assignment[assignment.index(after: equals)...]), at: location)
        try Self.set(value, at: names[...], of: &root, from: location, walked: [])
    }

    private static func value(of text: String, at location: SourceLocation) throws(ConfigurationError)
        -> ConfigurationValue {
        do {
            let parsed = try JSON5Parser.parse(Array(text.utf8), source: location.source)
            return relocated(parsed, to: location)
        } catch {
            // What begins like a list, an object or a string was meant as one.
            if let first = text.first, "[{\"'".contains(first) {
                guard case .syntax(let message) = error.kind else { throw error }
                throw ConfigurationError(.override("the value is not JSON5: \(message)"), at: location)
            }
            return ConfigurationValue(.string(text), at: location)
        }
    }

    /// The same tree with every place the option itself.
    private static func relocated(_ value: ConfigurationValue, to location: SourceLocation) -> ConfigurationValue {
        switch value.content {
        case .array(let elements):
            ConfigurationValue(.array(elements.map { relocated($0, to: location) }), at: location)
        case .object(let members):
            ConfigurationValue(.object(members.map {
                .init(key: $0.key, keyLocation: location, value: relocated($0.value, to: location))
            }), at: location)
        default: ConfigurationValue(value.content, at: location)
        }
    }

    private static func set(_ value: ConfigurationValue, at path: ArraySlice<String>, of node: inout ConfigurationValue,
                            from location: SourceLocation, walked: [String]) throws(ConfigurationError) {
        guard let name = path.first else {
            node = value
            return
        }
        guard case .object(var members) = node.content else {
            throw ConfigurationError(
                .override("key '\(walked.joined(separator: "."))' is \(node.summary) at \(node.location), "
                          + "so it has no key '\(name)'"), at: location)
        }
        let index: Int
        if let found = members.firstIndex(where: { $0.key == name }) {
            index = found
        } else {
            index = members.count
            members.append(.init(key: name, keyLocation: location, value: ConfigurationValue(.object([]), at: location)))
        }
        try set(value, at: path.dropFirst(), of: &members[index].value, from: location, walked: walked + [name])
        node = ConfigurationValue(.object(members), at: node.location)
    }
}
