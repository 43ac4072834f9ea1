import Diagnostics

/// Why an automaton cannot be.
public enum AutomatonError: SAGESError, Equatable {
    /// A text that is no rule.
    case invalidRule(String, reason: String)
    /// Blocks of two cells do not close around a periodic axis of an odd number of cells.
    case oddAxis(axis: String, cells: Int)
    /// An axis that is not made of whole regions.
    case brokenRegions(axis: String, cells: Int)
    /// A density that is not from 0 to 1.
    case invalidDensity(Double)

    public var exitStatus: ExitStatus { .usage }

    public var description: String {
        switch self {
        case .invalidRule(let text, let reason):
            "there is no rule '\(text)': \(reason). Rules are four digits such as 4555 (Bays: a living cell stays alive with 4 to "
                + "5 living neighbors, a dead one is born with 5 to 5), lists such as B5/S4,5 or B5-7/S6-8, gas (blocks "
                + "of 2x2x2 cells in which particles move along diagonals and scatter), or regions:3546,7878,120 (3546, "
                + "but 7878 in regions of 8x8x8 cells of which more than 120 live)"
        case .oddAxis(let axis, let cells):
            "a block automaton needs an even number of cells along periodic axes, and \(axis) has \(cells)"
        case .brokenRegions(let axis, let cells):
            "regions are \(RegionalRule.side) cells long, and \(axis) has \(cells), no multiple of that"
        case .invalidDensity(let density):
            "the density of living cells must be from 0 to 1, not \(density)"
        }
    }
}
