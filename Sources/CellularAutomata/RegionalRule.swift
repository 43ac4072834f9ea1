/// Two outer-totalistic rules, one for thinly settled regions and one for crowded ones: a cell follows that of its region,
/// which nothing near the cell tells.
///
/// Regions are cubes of `side` cells, side by side from the grid's origin on.
public struct RegionalRule: Hashable, Sendable {
    /// Cells of a region along each axis.
    public static let side = 8
    /// Of regions with at most `most` living cells, and of those with more.
    public let thin, crowded: OuterTotalisticRule
    public let most: Int

    public init(thin: OuterTotalisticRule, crowded: OuterTotalisticRule, most: Int) {
        (self.thin, self.crowded, self.most) = (thin, crowded, most)
    }

    /// Parses `3546,7878,120`: the rules in Bays' notation, and the number of living cells.
    ///
    /// - Throws: `AutomatonError.invalidRule`.
    init(parsing text: Substring) throws {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let cells = Self.side * Self.side * Self.side
        guard parts.count == 3, let most = Int(parts[2]), (0...cells).contains(most) else {
            throw AutomatonError.invalidRule(
                "regions:\(text)", reason: "regions: is followed by two rules of four digits and a number of living cells "
                    + "from 0 to \(cells), as in regions:3546,7878,120")
        }
        self.init(
            thin: try OuterTotalisticRule(parsing: String(parts[0])),
            crowded: try OuterTotalisticRule(parsing: String(parts[1])), most: most)
    }
}
