/// A rule of a three-dimensional automaton of living and dead cells.
public enum AutomatonRule: Hashable, Sendable {
    case outerTotalistic(OuterTotalisticRule)
    case blocks(BlockRule)
    case regions(RegionalRule)

    /// Parses a rule as users type it: `gas`, `regions:` with what `RegionalRule` reads, or what `OuterTotalisticRule` reads.
    ///
    /// - Throws: `AutomatonError.invalidRule`.
    public init(parsing text: String) throws {
        if text == "gas" {
            self = .blocks(.gas)
        } else if text.hasPrefix("regions:") {
            self = .regions(try RegionalRule(parsing: text.dropFirst("regions:".count)))
        } else {
            self = .outerTotalistic(try OuterTotalisticRule(parsing: text))
        }
    }
}
