import Configuration
import Tensor

/// The arguments of one verb, checked against its specification; values are typed on access.
struct Arguments: Sendable {
    let specification: VerbSpecification
    let positionals: [String]
    /// Values in the order given; a flag that is given has one empty value.
    let values: [String: [String]]

    var verb: String { specification.name }

    /// Whether an option is given on the command line (its default does not count).
    func isGiven(_ name: String) -> Bool {
        precondition(specification.option(name) != nil, "the verb has no option --\(name)")
        return values[name] != nil
    }

    /// Every value of a repeatable option.
    func all(_ name: String) -> [String] {
        precondition(specification.option(name)?.isRepeatable == true, "--\(name) is not repeatable")
        return values[name] ?? []
    }

    /// The text of an option, or its default.
    func text(_ name: String) -> String? {
        precondition(specification.option(name)?.placeholder != nil, "the verb has no option --\(name) with a value")
        return values[name]?.last ?? specification.option(name)?.defaultValue
    }

    /// The text of an option that is required or has a default.
    func requiredText(_ name: String) throws(CommandLineError) -> String {
        guard let text = text(name) else { throw fault("option --\(name) is missing") }
        return text
    }

    /// A number, or `nil` where the option is not given and has no default.
    func number<Value: ConfigurationScalar & LosslessStringConvertible>(
        _ name: String, as type: Value.Type = Value.self, in range: ConfigurationRange<Value> = .unbounded
    ) throws(CommandLineError) -> Value? {
        guard let text = text(name) else { return nil }
        guard let value = Value(text), Self.isFinite(value) else {
            throw fault("option --\(name) must be \(Value.typeDescription), not '\(text)'")
        }
        guard range.contains(value) else {
            throw fault("option --\(name) is \(text); it must be \(range.description)")
        }
        return value
    }

    /// A number of an option that is required or has a default.
    func requiredNumber<Value: ConfigurationScalar & LosslessStringConvertible>(
        _ name: String, as type: Value.Type = Value.self, in range: ConfigurationRange<Value> = .unbounded
    ) throws(CommandLineError) -> Value {
        guard let value = try number(name, as: type, in: range) else { throw fault("option --\(name) is missing") }
        return value
    }

    /// The value of `--threads`.
    func threads() throws(CommandLineError) -> Int {
        try requiredNumber("threads", in: .between(1, ThreadTeam.maximumCount))
    }

    /// Three whole numbers `AxBxC` of at least 1, in the order x, y, z as typed.
    func extents(_ name: String) throws(CommandLineError) -> (x: Int, y: Int, z: Int)? {
        guard let text = text(name) else { return nil }
        let numbers = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard numbers.count == 3, numbers.allSatisfy({ (1...1_000_000).contains($0) }) else {
            throw fault("option --\(name) must be three whole numbers of at least 1, such as 2x2x1, not '\(text)'")
        }
        return (numbers[0], numbers[1], numbers[2])
    }

    /// Frames `FIRST:END`, END not among them; nil where they are not given.
    func frames(_ name: String) throws(CommandLineError) -> Range<Int>? {
        guard let text = text(name) else { return nil }
        let bounds = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard bounds.count == 2, let first = bounds[0], let end = bounds[1], first >= 0, first < end else {
            throw fault("option --\(name) must be FIRST:END with FIRST below END, not '\(text)'")
        }
        return first..<end
    }

    func fault(_ message: String) -> CommandLineError { CommandLineError(message, verb: verb) }

    private static func isFinite<Value>(_ value: Value) -> Bool { (value as? Double)?.isFinite ?? true }
}
