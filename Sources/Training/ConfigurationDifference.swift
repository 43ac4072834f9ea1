import Configuration

/// A key in which two configurations differ.
struct ConfigurationDifference: Equatable {
    let key: String
    /// The values as JSON, `nothing` where the key is not there.
    let first: String
    let second: String

    /// The first difference in order of keys, apart from `ignored` keys and all below them; nil if there is none.
    static func first(
        between first: ConfigurationValue, and second: ConfigurationValue, ignoring ignored: [String], key: String = ""
    ) -> ConfigurationDifference? {
        if ignored.contains(key) { return nil }
        guard case .object(let firstMembers) = first.content, case .object(let secondMembers) = second.content else {
            let (one, other) = (text(first), text(second))
            return one == other ? nil : ConfigurationDifference(key: key, first: one, second: other)
        }
        for name in Set((firstMembers + secondMembers).map(\.key)).sorted() {
            let path = key.isEmpty ? name : "\(key).\(name)"
            if ignored.contains(path) { continue }
            let one = firstMembers.first { $0.key == name }?.value
            let other = secondMembers.first { $0.key == name }?.value
            switch (one, other) {
            case (let one?, let other?):
                if let found = Self.first(between: one, and: other, ignoring: ignored, key: path) { return found }
            case (let one, let other):
                return ConfigurationDifference(
                    key: path, first: one.map(text) ?? "nothing", second: other.map(text) ?? "nothing")
            }
        }
        return nil
    }

    private static func text(_ value: ConfigurationValue) -> String {
        String(value.canonicalJSON.dropLast())
    }
}
