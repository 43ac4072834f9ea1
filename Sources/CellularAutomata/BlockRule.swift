/// A rule of blocks of 2x2x2 cells: the states of a block are permuted, so that every step can be undone, and living
/// cells are neither made nor lost (N. Margolus, "Physics-like models of computation", Physica D 10 (1984) 81).
///
/// Steps alternate between two partitions into blocks: at even steps blocks begin at even coordinates, at odd steps at
/// odd ones. A block that an open end cuts stays as it is.
///
/// A block's state is a byte: bit 4 z + 2 y + x is the cell at z, y, x of the block, each 0 or 1.
public struct BlockRule: Hashable, Sendable {
    /// States of a block.
    public static let states = 256

    /// The state that follows each state. [256]
    public let permutation: [UInt8]

    /// - Precondition: `permutation` is one, and no state has more or fewer living cells than the one that it becomes.
    public init(permutation: [UInt8]) {
        precondition(permutation.count == Self.states && Set(permutation).count == Self.states, "not a permutation")
        precondition(
            permutation.indices.allSatisfy { UInt8($0).nonzeroBitCount == permutation[$0].nonzeroBitCount },
            "a state gains or loses living cells")
        self.permutation = permutation
    }

    /// The rule that undoes this one.
    public var inverse: BlockRule {
        var inverse = [UInt8](repeating: 0, count: Self.states)
        for state in permutation.indices { inverse[Int(permutation[state])] = UInt8(state) }
        return BlockRule(permutation: inverse)
    }

    /// A gas of particles that fly along the diagonals of the grid, a cell a step along each axis, and scatter head-on.
    ///
    /// Each cell of a block goes to the opposite corner, which the next partition carries on in the same direction. Two
    /// particles that meet alone at the ends of a diagonal leave along the next of the four diagonals. Number and momentum
    /// are conserved, within a step too.
    public static let gas: BlockRule = {
        func diagonal(_ number: Int) -> Int { 1 << number | 1 << (7 - number) }
        var permutation = (0..<states).map { state in
            UInt8((0..<8).reduce(0) { $0 | (state >> $1 & 1) << (7 - $1) })
        }
        for number in 0..<4 { permutation[diagonal(number)] = UInt8(diagonal((number + 1) % 4)) }
        return BlockRule(permutation: permutation)
    }()
}
