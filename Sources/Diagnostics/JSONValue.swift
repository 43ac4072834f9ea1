/// A result as JSON, members in the order given: what `--json` prints.
///
/// Literals make values, so that an object reads like JSON:
/// `let result: JSONValue = .object(["kind": "sagesnet", "samples": .integer(count)])`.
public indirect enum JSONValue: Sendable, Equatable {
    case null
    case boolean(Bool)
    case integer(Int)
    /// Not finite numbers are written as `null`: JSON has no other way.
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(Members)

    /// The members of an object, in order.
    public struct Members: Sendable, Equatable, ExpressibleByDictionaryLiteral {
        public private(set) var names: [String] = []
        public private(set) var values: [JSONValue] = []

        public init() {}

        public init(dictionaryLiteral elements: (String, JSONValue)...) {
            for (name, value) in elements { self[name] = value }
        }

        /// The value of a member; setting adds it at the end, replaces it where it is, or with `nil` removes it.
        public subscript(name: String) -> JSONValue? {
            get { names.firstIndex(of: name).map { values[$0] } }
            set {
                switch (names.firstIndex(of: name), newValue) {
                case (let index?, let value?): values[index] = value
                case (nil, let value?):
                    names.append(name)
                    values.append(value)
                case (let index?, nil):
                    names.remove(at: index)
                    values.remove(at: index)
                case (nil, nil): break
                }
            }
        }
    }

    /// Text with two spaces of indentation, no newline at the end.
    public var text: String {
        var text = ""
        write(into: &text, indentation: 0)
        return text
    }

    private func write(into text: inout String, indentation: Int) {
        switch self {
        case .null: text += "null"
        case .boolean(let value): text += value ? "true" : "false"
        case .integer(let value): text += "\(value)"
        case .number(let value): text += value.isFinite ? "\(value)" : "null"
        case .string(let value): Self.write(value, into: &text)
        case .array(let elements):
            // Lists of numbers and names on one line; each object begins a line of its own.
            let hasObjects = elements.contains { if case .object = $0 { true } else { false } }
            let lineEnd = hasObjects ? "\n" + String(repeating: " ", count: indentation + 2) : ""
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += hasObjects ? "," : ", " }
                text += lineEnd
                element.write(into: &text, indentation: indentation + 2)
            }
            text += hasObjects ? "\n" + String(repeating: " ", count: indentation) + "]" : "]"
        case .object(let members):
            guard !members.names.isEmpty else {
                text += "{}"
                return
            }
            text += "{\n"
            for (index, name) in members.names.enumerated() {
                if index > 0 { text += ",\n" }
                text += String(repeating: " ", count: indentation + 2)
                Self.write(name, into: &text)
                text += ": "
                members.values[index].write(into: &text, indentation: indentation + 2)
            }
            text += "\n" + String(repeating: " ", count: indentation) + "}"
        }
    }

    /// A string in quotes, everything escaped that JSON wants escaped.
    public static func write(_ string: String, into text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case "\r": text += "\\r"
            default:
                if scalar.value < 32 || scalar.value == 127 {
                    let digits = String(scalar.value, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    text.unicodeScalars.append(scalar)
                }
            }
        }
        text += "\""
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
                     ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        var members = Members()
        for (name, value) in elements { members[name] = value }
        self = .object(members)
    }
}
