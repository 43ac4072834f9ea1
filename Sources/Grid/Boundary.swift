/// What lies beyond the two ends of an axis.
public enum Boundary: Hashable, Sendable {
    /// The other end: cell -1 is the last cell.
    case periodic
    /// Nothing: ghosts are zero.
    case open
}

/// The boundary of each axis.
public struct Boundaries: Hashable, Sendable, CustomStringConvertible {
    public var z: Boundary
    public var y: Boundary
    public var x: Boundary

    public init(z: Boundary, y: Boundary, x: Boundary) {
        self.z = z
        self.y = y
        self.x = x
    }

    public static let periodic = Boundaries(z: .periodic, y: .periodic, x: .periodic)
    public static let open = Boundaries(z: .open, y: .open, x: .open)

    /// Axis 0 is z, 1 is y, 2 is x.
    public subscript(axis: Int) -> Boundary {
        switch axis {
        case 0: z
        case 1: y
        case 2: x
        default: preconditionFailure("boundaries have three axes")
        }
    }

    /// Parses the `--boundary` option: `p` or `o` for each axis in order x, y, z, such as `p,p,o` (open along z), or
    /// one letter for all three. Throws `GridError.invalidText`.
    public init(parsing text: String) throws {
        let letters = text.split(separator: ",", omittingEmptySubsequences: false)
        let parsed: [Boundary] = letters.compactMap { $0 == "p" ? .periodic : $0 == "o" ? .open : nil }
        switch (letters.count, parsed.count) {
        case (1, 1): self.init(z: parsed[0], y: parsed[0], x: parsed[0])
        case (3, 3): self.init(z: parsed[2], y: parsed[1], x: parsed[0])
        default:
            throw GridError.invalidText(text, expected: "p (periodic) or o (open) for x, y, z, such as p,p,o")
        }
    }

    /// As `init(parsing:)` reads it: order x, y, z.
    public var description: String {
        [x, y, z].map { $0 == .periodic ? "p" : "o" }.joined(separator: ",")
    }
}
