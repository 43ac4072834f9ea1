import Diagnostics

/// The one text of a configuration: JSON, keys sorted, two spaces of indentation, shortest numbers that read back
/// to the same value. Two configurations mean the same exactly when these texts are equal.
extension ConfigurationValue {
    /// The canonical text, with a newline at the end.
    public var canonicalJSON: String {
        var text = ""
        write(into: &text, indentation: 0)
        text += "\n"
        return text
    }

    private func write(into text: inout String, indentation: Int) {
        switch content {
        case .null: text += "null"
        case .boolean(let value): text += value ? "true" : "false"
        case .integer(let value): text += "\(value)"
        case .number(let value): text += "\(value)"
        case .string(let value): JSONValue.write(value, into: &text)
        case .array(let elements):
            // Lists of numbers and names are short: one line each.
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += ", " }
                element.write(into: &text, indentation: indentation)
            }
            text += "]"
        case .object(let members):
            guard !members.isEmpty else {
                text += "{}"
                return
            }
            let inner = String(repeating: " ", count: indentation + 2)
            text += "{\n"
            // Sorted by Unicode scalars: the order depends on no locale.
            let sorted = members.sorted { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) }
            for (index, member) in sorted.enumerated() {
                if index > 0 { text += ",\n" }
                text += inner
                JSONValue.write(member.key, into: &text)
                text += ": "
                member.value.write(into: &text, indentation: indentation + 2)
            }
            text += "\n" + String(repeating: " ", count: indentation) + "}"
        }
    }
}
