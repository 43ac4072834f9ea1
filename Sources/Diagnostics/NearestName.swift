/// The known name that a mistyped one probably meant.
public enum NearestName {
    /// The name among `known` nearest to `name`, or `nil` where none is near enough to be worth a suggestion.
    ///
    /// Near is a distance of at most a third of the longer name's length (one for short names), letter case aside;
    /// a known name that begins with the mistyped one (at least three characters) is near too.
    public static func of(_ name: String, in known: some Sequence<String>) -> String? {
        let typed = Array(name.lowercased().unicodeScalars)
        var best: (name: String, distance: Int)?
        for candidate in known {
            let other = Array(candidate.lowercased().unicodeScalars)
            let limit = max(1, max(typed.count, other.count) / 3)
            var distance = distance(typed, other)
            if distance > limit, typed.count >= 3, other.starts(with: typed) { distance = limit }
            if distance <= limit, best.map({ distance < $0.distance }) ?? true {
                best = (candidate, distance)
            }
        }
        return best?.name
    }

    /// The Damerau–Levenshtein distance (restricted: optimal string alignment): the fewest insertions, deletions,
    /// substitutions and swaps of neighbors that make one name of the other.
    public static func distance(_ first: String, _ second: String) -> Int {
        distance(Array(first.unicodeScalars), Array(second.unicodeScalars))
    }

    private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        // Names are short; a long one (a pasted paragraph as a key) would only cost time.
        guard a.count <= 256, b.count <= 256 else { return max(a.count, b.count) }
        if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
        var beforePrevious = [Int](repeating: 0, count: b.count + 1)
        var previous = Array(0...b.count)
        for i in 1...a.count {
            var row = [i]
            row.reserveCapacity(b.count + 1)
            for j in 1...b.count {
                let substitution = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
                var cost = min(row[j - 1] + 1, previous[j] + 1, substitution)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    cost = min(cost, beforePrevious[j - 2] + 1)
                }
                row.append(cost)
            }
            beforePrevious = previous
            previous = row
        }
        return previous[b.count]
    }
}
