/// A type that one value of a configuration can have: numbers, booleans, text, and enumerations of names.
public protocol ConfigurationScalar: Sendable {
    /// What it is in words, for example `a whole number`; completes "must be".
    static var typeDescription: String { get }
    /// A value to stand in for a required one when a configuration is only explained.
    static var placeholder: Self { get }
    /// The value, or `nil` where the content is of another type.
    init?(_ content: ConfigurationValue.Content)
    /// The value as it is written into the resolved configuration.
    var configurationContent: ConfigurationValue.Content { get }
}

/// An enumeration whose cases are the allowed names.
public protocol ConfigurationChoice: ConfigurationScalar, CaseIterable, RawRepresentable where RawValue == String {}

extension Int: ConfigurationScalar {
    public static var typeDescription: String { "a whole number" }
    public static var placeholder: Int { 1 }
    /// Takes whole numbers with exponent, such as 1e6, where they are exact.
    public init?(_ content: ConfigurationValue.Content) {
        switch content {
        case .integer(let value): self = value
        case .number(let value):
            guard abs(value) <= 0x1p53, let whole = Int(exactly: value) else { return nil }
            self = whole
        default: return nil
        }
    }
    public var configurationContent: ConfigurationValue.Content { .integer(self) }
}

extension Double: ConfigurationScalar {
    public static var typeDescription: String { "a number" }
    public static var placeholder: Double { 1 }
    public init?(_ content: ConfigurationValue.Content) {
        switch content {
        case .integer(let value): self = Double(value)
        case .number(let value): self = value
        default: return nil
        }
    }
    public var configurationContent: ConfigurationValue.Content { .number(self) }
}

extension Bool: ConfigurationScalar {
    public static var typeDescription: String { "true or false" }
    public static var placeholder: Bool { false }
    public init?(_ content: ConfigurationValue.Content) {
        guard case .boolean(let value) = content else { return nil }
        self = value
    }
    public var configurationContent: ConfigurationValue.Content { .boolean(self) }
}

extension String: ConfigurationScalar {
    public static var typeDescription: String { "text in quotes" }
    public static var placeholder: String { "..." }
    public init?(_ content: ConfigurationValue.Content) {
        guard case .string(let value) = content else { return nil }
        self = value
    }
    public var configurationContent: ConfigurationValue.Content { .string(self) }
}

extension ConfigurationChoice {
    public static var typeDescription: String {
        "one of " + allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    }
    public static var placeholder: Self {
        // An enumeration without cases has no values, so this is never reached with none.
        allCases[allCases.startIndex]
    }
    public init?(_ content: ConfigurationValue.Content) {
        guard case .string(let name) = content else { return nil }
        self.init(rawValue: name)
    }
    public var configurationContent: ConfigurationValue.Content { .string(rawValue) }
}
