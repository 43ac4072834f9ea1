/// The values that a key may take, with their description for errors and explanations.
public struct ConfigurationRange<Value: Sendable>: Sendable {
    /// In words, for example `at least 1`; empty where everything is allowed.
    public let description: String
    /// A value inside, shown in place of a required one by `explain`.
    let example: Value?
    public let contains: @Sendable (Value) -> Bool

    /// Everything that the type can hold.
    public static var unbounded: Self { Self(description: "", example: nil) { _ in true } }

    /// A rule of one's own; `description` completes "it must be".
    public static func satisfying(_ description: String, example: Value,
                                  _ contains: @escaping @Sendable (Value) -> Bool) -> Self {
        Self(description: description, example: example, contains: contains)
    }
}

extension ConfigurationRange where Value: Comparable {
    /// `lower` and more.
    public static func atLeast(_ lower: Value) -> Self {
        Self(description: "at least \(plain(lower))", example: lower) { $0 >= lower }
    }

    /// More than `lower`.
    public static func above(_ lower: Value) -> Self {
        Self(description: "more than \(plain(lower))", example: nil) { $0 > lower }
    }

    /// `upper` and less.
    public static func atMost(_ upper: Value) -> Self {
        Self(description: "at most \(plain(upper))", example: upper) { $0 <= upper }
    }

    /// From `lower` to `upper`, both included.
    public static func between(_ lower: Value, _ upper: Value) -> Self {
        Self(description: "from \(plain(lower)) to \(plain(upper))", example: lower) { $0 >= lower && $0 <= upper }
    }

    /// From `lower`, included, to `upper`, excluded (a momentum, a probability of dropping).
    public static func from(_ lower: Value, below upper: Value) -> Self {
        Self(description: "at least \(plain(lower)) and below \(plain(upper))", example: lower) { $0 >= lower && $0 < upper }
    }

    /// A bound as a person writes it: 0 rather than 0.0.
    private static func plain(_ bound: Value) -> String {
        let text = "\(bound)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
