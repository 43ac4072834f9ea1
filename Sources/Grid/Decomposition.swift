/// How the cells of a grid are shared out among ranks: boxes cut by planes, balanced within one cell an axis.
///
/// Part i of p parts of an axis with n cells begins at cell floor(i n / p). The ranks from 0 on hold the parts in
/// order z, y, x (x fastest); ranks left over own no cell (they are idle) and still take part in collective calls.
/// An axis that is cut has parts at least as thick as the halo, so that a ghost's owner is always a neighbor.
public struct Decomposition: Hashable, Sendable {
    /// Cells of the whole grid.
    public let cells: Extent3
    public let boundaries: Boundaries
    /// Ghost cells on each side of a box: 1, 2 or 3.
    public let haloWidth: Int
    /// Ranks, idle ones included.
    public let ranks: Int
    /// Parts along each axis.
    public let parts: Extent3

    /// Ranks that own cells: those below this number.
    public var activeRanks: Int { parts.count }

    /// Shares `cells` out among `ranks`. Without `parts`, takes those for which the largest box with the ghosts that it
    /// receives from other ranks is least work, where a ghost cell is `ghostWeight` of an owned one; of equals, the one that
    /// cuts z rather than y, and y rather than x. Throws `GridError`. Not collective: every rank computes the same.
    public init(
        cells: Extent3, boundaries: Boundaries, haloWidth: Int, ranks: Int, parts: Extent3? = nil, ghostWeight: Double = 1
    ) throws {
        guard (1...3).contains(haloWidth) else { throw GridError.invalidHaloWidth(haloWidth) }
        let largestAxis = Int(Int32.max) - 2 * haloWidth
        guard (0..<3).allSatisfy({ cells[$0] >= 1 && cells[$0] <= largestAxis }) else { throw GridError.invalidCells(cells) }
        precondition(ranks >= 1, "a decomposition needs at least one rank")
        if let parts {
            guard (0..<3).allSatisfy({ parts[$0] >= 1 && parts[$0] <= ranks }), parts.z * parts.y <= ranks,
                  parts.count <= ranks else {
                throw GridError.tooManyParts(parts: parts, ranks: ranks)
            }
            for axis in 0..<3 where parts[axis] > Self.mostParts(cells[axis], haloWidth) {
                throw GridError.partTooThin(axis: ["z", "y", "x"][axis], cells: cells[axis], parts: parts[axis],
                                            haloWidth: haloWidth)
            }
        }
        self.cells = cells
        self.boundaries = boundaries
        self.haloWidth = haloWidth
        self.ranks = ranks
        self.parts = parts ?? Self.bestParts(cells, haloWidth, ranks, ghostWeight)

        // Indices within a rank's padded box are 32-bit integers.
        var padded = 1
        for axis in 0..<3 {
            let thickest = (cells[axis] + self.parts[axis] - 1) / self.parts[axis] + 2 * haloWidth
            padded = padded.multipliedReportingOverflow(by: thickest).partialValue
            guard padded > 0, padded <= Int(Int32.max) else { throw GridError.invalidCells(cells) }
        }
    }

    /// The most parts of at least `haloWidth` cells; an uncut axis may be thinner.
    private static func mostParts(_ cells: Int, _ haloWidth: Int) -> Int { max(1, cells / haloWidth) }

    private static func bestParts(_ cells: Extent3, _ haloWidth: Int, _ ranks: Int, _ ghostWeight: Double) -> Extent3 {
        func cost(_ parts: Extent3) -> Double {
            var (owned, padded) = (1.0, 1.0)
            for axis in 0..<3 {
                let thickness = (cells[axis] + parts[axis] - 1) / parts[axis]
                owned *= Double(thickness)
                padded *= Double(thickness + (parts[axis] > 1 ? 2 * haloWidth : 0))
            }
            return owned + ghostWeight * (padded - owned)
        }
        var best = Extent3(repeating: 1)
        var leastCost = Double.infinity
        for z in 1...min(ranks, mostParts(cells.z, haloWidth)) {
            for y in 1...min(ranks / z, mostParts(cells.y, haloWidth)) {
                for x in 1...min(ranks / (z * y), mostParts(cells.x, haloWidth)) {
                    let parts = Extent3(z: z, y: y, x: x)
                    let cost = cost(parts)
                    // Of equal costs fewer parts, then more cuts of the slower axes.
                    let isBetter = cost < leastCost
                        || (cost == leastCost && (parts.count, -z, -y) < (best.count, -best.z, -best.y))
                    if isBetter { (best, leastCost) = (parts, cost) }
                }
            }
        }
        return best
    }

    /// Whether a rank owns cells.
    public func isActive(_ rank: Int) -> Bool { rank >= 0 && rank < activeRanks }

    /// Where a rank's part lies among the parts; nil for idle ranks.
    public func part(ofRank rank: Int) -> Extent3? { isActive(rank) ? parts.cell(at: rank) : nil }

    /// The cells that a rank owns; an empty box at the origin for idle ranks.
    public func range(ofRank rank: Int) -> CellRange {
        guard let part = part(ofRank: rank) else { return CellRange(lower: .zero, upper: .zero) }
        return CellRange(lower: lower(part), upper: lower(part + Extent3(repeating: 1)))
    }

    private func lower(_ part: Extent3) -> Extent3 {
        Extent3(z: part.z * cells.z / parts.z, y: part.y * cells.y / parts.y, x: part.x * cells.x / parts.x)
    }

    /// The rank that owns a cell of the grid.
    public func owner(ofCell cell: Extent3) -> Int {
        precondition(CellRange(lower: .zero, upper: cells).contains(cell), "cell \(cell) is outside the grid")
        // The inverse of floor(i n / p): the largest i whose part begins at or below the cell.
        return parts.index(of: Extent3(z: ((cell.z + 1) * parts.z - 1) / cells.z, y: ((cell.y + 1) * parts.y - 1) / cells.y,
                                       x: ((cell.x + 1) * parts.x - 1) / cells.x))
    }

    /// The cell of the grid that a position beyond its ends stands for; nil beyond an open end.
    public func wrap(_ cell: Extent3) -> Extent3? {
        var result = cell
        for axis in 0..<3 where cell[axis] < 0 || cell[axis] >= cells[axis] {
            if boundaries[axis] == .open { return nil }
            let remainder = cell[axis] % cells[axis]
            result[axis] = remainder < 0 ? remainder + cells[axis] : remainder
        }
        return result
    }

    /// The rank whose part is next in a direction (each axis -1, 0 or 1), which may be `rank` itself along a periodic axis
    /// that is not cut; nil beyond an open end, and for idle ranks.
    public func neighbor(ofRank rank: Int, direction: Extent3) -> Int? {
        guard let part = part(ofRank: rank) else { return nil }
        var next = part + direction
        for axis in 0..<3 where next[axis] < 0 || next[axis] >= parts[axis] {
            if boundaries[axis] == .open { return nil }
            next[axis] = (next[axis] + parts[axis]) % parts[axis]
        }
        return parts.index(of: next)
    }

    /// True if the axis (0 z, 1 y, 2 x) is cut into several parts.
    public func isCut(axis: Int) -> Bool { parts[axis] > 1 }
}
