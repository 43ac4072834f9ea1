/// A rule of a three-dimensional automaton of living and dead cells.
public enum AutomatonRule: Hashable, Sendable {
    case outerTotalistic(OuterTotalisticRule)
    case blocks(BlockRule)

    /// Parses a rule as users type it: `gas`, or what `OuterTotalisticRule` reads.
    ///
    /// - Throws: `AutomatonError.invalidRule`.
    public init(parsing text: String) throws {
        self = text == "gas" ? .blocks(.gas) : .outerTotalistic(try OuterTotalisticRule(parsing: text))
    }
}
