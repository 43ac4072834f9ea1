/// A value of a configuration as written, with its place, so that errors found later can still point at it.
public struct ConfigurationValue: Sendable {
    /// What a value can be.
    public enum Content: Sendable {
        case null
        case boolean(Bool)
        /// A number written without fraction and exponent that fits into 64 bits.
        case integer(Int)
        /// Any other number; always finite.
        case number(Double)
        case string(String)
        case array([ConfigurationValue])
        /// Members in the order written; keys are distinct.
        case object([Member])
    }

    /// A key with its value.
    public struct Member: Sendable {
        public let key: String
        public let keyLocation: SourceLocation
        public var value: ConfigurationValue

        public init(key: String, keyLocation: SourceLocation, value: ConfigurationValue) {
            self.key = key
            self.keyLocation = keyLocation
            self.value = value
        }
    }

    public var content: Content
    public let location: SourceLocation

    public init(_ content: Content, at location: SourceLocation) {
        self.content = content
        self.location = location
    }

    /// The value as error messages show it: short, strings in quotes.
    var summary: String {
        switch content {
        case .null: "null"
        case .boolean(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): value.count <= 40 ? "\"\(value)\"" : "\"\(value.prefix(40))…\""
        case .array: "a list"
        case .object: "an object"
        }
    }
}
