/// A rule by which a cell's next state follows from its state and from how many of its 26 neighbors live.
///
/// C. Bays, "Candidates for the game of Life in three dimensions", Complex Systems 1 (1987) 373, writes four numbers
/// E_l E_u F_l F_u: a living cell stays alive with E_l to E_u living neighbors, a dead one is born with F_l to F_u.
public struct OuterTotalisticRule: Hashable, Sendable, CustomStringConvertible {
    /// Neighbors of a cell.
    public static let neighbors = 26

    /// Bit n is set where n living neighbors make a dead cell live.
    let birth: UInt32
    /// Bit n is set where n living neighbors keep a living cell alive.
    let survival: UInt32

    /// - Precondition: counts are from 0 to 26.
    public init(birth: Set<Int>, survival: Set<Int>) {
        func mask(_ counts: Set<Int>) -> UInt32 {
            counts.reduce(0) { mask, count in
                precondition((0...Self.neighbors).contains(count), "a cell has no \(count) neighbors")
                return mask | 1 << UInt32(count)
            }
        }
        self.birth = mask(birth)
        self.survival = mask(survival)
    }

    /// Whether a cell lives in the next step.
    @inlinable
    public func next(isAlive: Bool, livingNeighbors: Int) -> Bool {
        table(isAlive: isAlive) >> UInt32(livingNeighbors) & 1 == 1
    }

    @usableFromInline
    func table(isAlive: Bool) -> UInt32 { isAlive ? survival : birth }

    /// Parses `4555`, or `B5/S4,5`, with lists of numbers and ranges such as `5-7`.
    ///
    /// - Throws: `AutomatonError.invalidRule`.
    public init(parsing text: String) throws {
        func invalid(_ reason: String) -> AutomatonError { .invalidRule(text, reason: reason) }
        let digits = text.compactMap(\.wholeNumberValue)
        if text.count == 4, digits.count == 4 {
            guard digits[0] <= digits[1], digits[2] <= digits[3] else {
                throw invalid("each pair of digits ascends")
            }
            self.init(birth: Set(digits[2]...digits[3]), survival: Set(digits[0]...digits[1]))
            return
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].hasPrefix("B"), parts[1].hasPrefix("S") else {
            throw invalid("it is neither four digits nor B.../S...")
        }
        func counts(_ list: Substring) throws -> Set<Int> {
            if list.isEmpty { return [] }
            var counts: Set<Int> = []
            for item in list.split(separator: ",", omittingEmptySubsequences: false) {
                let ends = item.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
                guard (1...2).contains(ends.count), let first = ends.first, let last = ends.last, first <= last,
                      first >= 0, last <= Self.neighbors else {
                    throw invalid("'\(item)' is no number of neighbors from 0 to \(Self.neighbors), nor a range of them")
                }
                counts.formUnion(first...last)
            }
            return counts
        }
        self.init(birth: try counts(parts[0].dropFirst()), survival: try counts(parts[1].dropFirst()))
    }

    /// As lists: `B5/S4,5`.
    public var description: String {
        func list(_ mask: UInt32) -> String {
            (0...Self.neighbors).filter { mask >> UInt32($0) & 1 == 1 }.map(String.init).joined(separator: ",")
        }
        return "B\(list(birth))/S\(list(survival))"
    }
}
