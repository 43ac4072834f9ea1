import Diagnostics

/// One object of a configuration while a `Configurable` reads it.
///
/// Every method names a key and says what it means. While a configuration is only explained, nothing throws and
/// values that are missing or wrong are replaced by defaults or placeholders.
public final class ConfigurationSection {
    /// The full path of this object, for example `training.schedule`; empty for the whole configuration.
    public let keyPath: String
    /// Where this object is written.
    public let location: SourceLocation
    let members: [ConfigurationValue.Member]
    let reading: ConfigurationReading
    private(set) var declaredKeys: [String] = []
    /// The members as read, defaults filled in.
    private(set) var resolved: [ConfigurationValue.Member] = []

    init(keyPath: String, location: SourceLocation, members: [ConfigurationValue.Member],
         reading: ConfigurationReading) {
        self.keyPath = keyPath
        self.location = location
        self.members = members
        self.reading = reading
    }

    // MARK: Scalars

    /// The value of a key.
    ///
    /// - Parameters:
    ///   - defaultValue: taken where the key is not written; `nil` makes the key required.
    ///   - range: what is allowed.
    ///   - unit: the unit of a number, for example `ps`; empty where it has none.
    ///   - meaning: what the key means, for errors and explanations; a phrase without a full stop.
    /// - Throws: `ConfigurationError` for a missing key, another type, a value that is not allowed.
    public func value<Value: ConfigurationScalar>(
        _ key: String, as type: Value.Type = Value.self, default defaultValue: Value? = nil,
        in range: ConfigurationRange<Value> = .unbounded, unit: String = "", _ meaning: String
    ) throws(ConfigurationError) -> Value {
        declare(key, Self.phrase(Value.typeDescription, range.description, unit),
                default: defaultValue.map { ConfigurationValue($0.configurationContent, at: location).summary }
                    ?? "required", meaning)
        let value: Value
        if let written = member(key) {
            value = try explaining(orElse: defaultValue ?? range.example ?? Value.placeholder) {
                () throws(ConfigurationError) in try decode(written.value, path(key), in: range)
            }
        } else if let defaultValue {
            value = defaultValue
        } else if reading.isExplaining {
            value = range.example ?? Value.placeholder
        } else {
            throw missing(key, meaning)
        }
        resolve(key, value.configurationContent)
        return value
    }

    /// The value of a key that may be left out or `null`; parameters as for `value`.
    public func optional<Value: ConfigurationScalar>(
        _ key: String, as type: Value.Type = Value.self, in range: ConfigurationRange<Value> = .unbounded,
        unit: String = "", _ meaning: String
    ) throws(ConfigurationError) -> Value? {
        declare(key, Self.phrase(Value.typeDescription, range.description, unit), default: "none", meaning)
        guard let written = member(key), !written.value.isNull else { return nil }
        let value = try explaining(orElse: Value?.none) {
            () throws(ConfigurationError) in try decode(written.value, path(key), in: range)
        }
        if let value { resolve(key, value.configurationContent) }
        return value
    }

    /// The values of a key that holds a list; a single value counts as a list of one.
    ///
    /// - Parameters:
    ///   - range: what is allowed for each element.
    ///   - count: how many elements are allowed.
    public func list<Value: ConfigurationScalar>(
        _ key: String, of type: Value.Type = Value.self, default defaultValue: [Value]? = nil,
        in range: ConfigurationRange<Value> = .unbounded, count: ConfigurationRange<Int> = .unbounded,
        unit: String = "", _ meaning: String
    ) throws(ConfigurationError) -> [Value] {
        let expected = Self.phrase("a list, each " + Value.typeDescription, range.description, unit)
        let defaultText = defaultValue.map { values in
            "[" + values.map { ConfigurationValue($0.configurationContent, at: location).summary }
                .joined(separator: ", ") + "]"
        }
        declare(key, count.description.isEmpty ? expected : "\(expected); \(count.description) of them",
                default: defaultText ?? "required", meaning)
        let values: [Value]
        if let written = member(key) {
            values = try explaining(orElse: defaultValue ?? []) { () throws(ConfigurationError) in
                try elements(of: written.value, path(key), in: range, count: count)
            }
        } else if let defaultValue {
            values = defaultValue
        } else if reading.isExplaining {
            values = []
        } else {
            throw missing(key, meaning)
        }
        resolve(key, .array(values.map { ConfigurationValue($0.configurationContent, at: location) }))
        return values
    }

    // MARK: Objects

    /// The object of a key, read into its own structure; where it is not written, all its keys take their defaults.
    public func section<Value: Configurable>(
        _ key: String, as type: Value.Type = Value.self, _ meaning: String
    ) throws -> Value {
        declare(key, "an object", default: "", meaning)
        guard let written = member(key) else {
            return try read(Value.self, key, members: [], at: location)
        }
        guard case .object(let members) = written.value.content else {
            guard reading.isExplaining else {
                throw ConfigurationError(.wrongType(found: written.value.summary, expected: "an object"),
                                         at: written.value.location, keyPath: path(key))
            }
            return try read(Value.self, key, members: [], at: location)
        }
        return try read(Value.self, key, members: members, at: written.value.location)
    }

    /// The object of a key, or `nil` where it is not written or `null`. An explanation lists its keys all the same.
    public func optionalSection<Value: Configurable>(
        _ key: String, as type: Value.Type = Value.self, _ meaning: String
    ) throws -> Value? {
        let isWritten = member(key).map { !$0.value.isNull } ?? false
        guard isWritten || reading.isExplaining else {
            declare(key, "an object", default: "none", meaning)
            return nil
        }
        return try section(key, as: type, meaning)
    }

    // MARK: Rules that involve more than one value

    /// Throws an error at `key` unless `condition` holds.
    ///
    /// - Parameter rule: a sentence without a full stop, for example "it must be a multiple of microBatch (8)".
    public func require(_ condition: Bool, _ key: String, _ rule: @autoclosure () -> String) throws(ConfigurationError) {
        guard !condition, !reading.isExplaining else { return }
        throw ConfigurationError(.invalid(rule()), at: member(key)?.value.location ?? location, keyPath: path(key))
    }

    /// Whether a key is written in this section, whatever its value; does not declare it.
    public func isWritten(_ key: String) -> Bool { member(key) != nil }

    // MARK: Reading

    func path(_ key: String) -> String { keyPath.isEmpty ? key : "\(keyPath).\(key)" }

    private func member(_ key: String) -> ConfigurationValue.Member? { members.first { $0.key == key } }

    private func declare(_ key: String, _ type: String, default defaultText: String, _ meaning: String) {
        guard !declaredKeys.contains(key) else { return }
        declaredKeys.append(key)
        reading.keys.append(ConfigurationKey(path: path(key), type: type, defaultText: defaultText, meaning: meaning))
    }

    /// Records what was read; a key read twice keeps one entry.
    private func resolve(_ key: String, _ content: ConfigurationValue.Content) {
        resolved.removeAll { $0.key == key }
        resolved.append(.init(key: key, keyLocation: location, value: ConfigurationValue(content, at: location)))
    }

    private func read<Value: Configurable>(_ type: Value.Type, _ key: String, members: [ConfigurationValue.Member],
                                           at place: SourceLocation) throws -> Value {
        let section = ConfigurationSection(keyPath: path(key), location: place, members: members, reading: reading)
        let value = try Value(from: section)
        section.finish()
        resolve(key, .object(section.resolved))
        return value
    }

    /// Notes the keys that nothing has read; the reading throws at its end, when every known key is declared.
    func finish() {
        for member in members where !declaredKeys.contains(member.key) {
            reading.unknown.append((path(member.key), member.keyLocation, declaredKeys.map(path)))
        }
    }

    private func missing(_ key: String, _ meaning: String) -> ConfigurationError {
        // Most often a missing key is there, mistyped.
        let others = members.filter { !declaredKeys.contains($0.key) }
        for other in others where NearestName.of(other.key, in: [key]) != nil {
            return ConfigurationError(.unknownKey(nearest: path(key)), at: other.keyLocation, keyPath: path(other.key))
        }
        return ConfigurationError(.missingKey(meaning: meaning), at: location, keyPath: path(key))
    }

    private func decode<Value: ConfigurationScalar>(
        _ written: ConfigurationValue, _ path: String, in range: ConfigurationRange<Value>
    ) throws(ConfigurationError) -> Value {
        guard let value = Value(written.content) else {
            throw ConfigurationError(.wrongType(found: written.summary + Self.suggestion(written, Value.self),
                                                expected: Value.typeDescription),
                                     at: written.location, keyPath: path)
        }
        guard range.contains(value) else {
            throw ConfigurationError(.notAllowed(found: written.summary, allowed: range.description),
                                     at: written.location, keyPath: path)
        }
        return value
    }

    private func elements<Value: ConfigurationScalar>(
        of written: ConfigurationValue, _ path: String, in range: ConfigurationRange<Value>,
        count: ConfigurationRange<Int>
    ) throws(ConfigurationError) -> [Value] {
        var values: [Value] = []
        if case .array(let elements) = written.content {
            for (index, element) in elements.enumerated() {
                values.append(try decode(element, "\(path)[\(index)]", in: range))
            }
        } else {
            values.append(try decode(written, path, in: range))
        }
        guard count.contains(values.count) else {
            throw ConfigurationError(.notAllowed(found: "a list of \(values.count)",
                                                 allowed: "a list of \(count.description)"),
                                     at: written.location, keyPath: path)
        }
        return values
    }

    /// The nearest allowed name, for a mistyped one.
    private static func suggestion<Value: ConfigurationScalar>(_ written: ConfigurationValue,
                                                               _ type: Value.Type) -> String {
        guard case .string(let name) = written.content, let choice = type as? any ConfigurationChoice.Type else {
            return ""
        }
        return NearestName.of(name, in: choice.names).map { " (did you mean '\($0)'?)" } ?? ""
    }

    private func explaining<Value>(orElse placeholder: @autoclosure () -> Value,
                                   _ body: () throws(ConfigurationError) -> Value) throws(ConfigurationError) -> Value {
        guard reading.isExplaining else { return try body() }
        do { return try body() } catch { return placeholder() }
    }

    private static func phrase(_ type: String, _ range: String, _ unit: String) -> String {
        type + (range.isEmpty ? "" : ", \(range)") + (unit.isEmpty ? "" : ", in \(unit)")
    }
}

extension ConfigurationValue {
    var isNull: Bool {
        if case .null = content { true } else { false }
    }
}

extension ConfigurationChoice {
    static var names: [String] { allCases.map(\.rawValue) }
}
