/// A step of a simulation whose grid is decomposed into equal boxes: each exchange brings the rows of one layer of
/// neighboring cells, and sums over all ranks keep momentum.
public struct SimulationStep: Hashable, Sendable {
    /// Of a step on one rank by its number of rows (cells that the network computes).
    public var cost: LinearCost
    /// Rows in a cell: 1 for dense grids, about 1/8 for diamond's occupied cells.
    public var occupancy: Double
    /// Exchanges of a step, one for each convolution.
    public var exchanges: Int
    /// Of a row in an exchange.
    public var bytesPerRow: Double
    /// Sums over all ranks in a step, of a few numbers each.
    public var reductions: Int
    /// The share of the computation of interior rows that goes on while an exchange is under way, 0 to 1.
    public var overlap: Double

    public init(
        cost: LinearCost, occupancy: Double, exchanges: Int, bytesPerRow: Double, reductions: Int, overlap: Double
    ) {
        precondition((0...1).contains(overlap), "a share")
        (self.cost, self.occupancy, self.exchanges) = (cost, occupancy, exchanges)
        (self.bytesPerRow, self.reductions, self.overlap) = (bytesPerRow, reductions, overlap)
    }

    /// The time of a step of `rows` rows over all ranks.
    public func time(rows: Double, ranks: Int, network: Network) -> StepTime {
        let local = rows / Double(ranks)
        let halo = Halo(cells: rows / occupancy, ranks: ranks)
        let exchange = Double(halo.messages) * network.latency
            + halo.ghostCells * occupancy * bytesPerRow / network.bandwidth
        let sums = Double(reductions) * network.allReduce(bytes: 64, ranks: ranks)
        let computation = cost.seconds(local)
        let hidden = overlap * halo.interiorShare * cost.perUnit * local
        let exchanged = Double(exchanges) * exchange
        return StepTime(
            computation: computation, communication: exchanged + sums, exposed: max(0, exchanged - hidden) + sums)
    }
}

/// The neighborhood of a rank's box in a cubic periodic grid that is cut into nearly cubic boxes.
public struct Halo: Hashable, Sendable {
    /// Parts along each axis, largest first.
    public let parts: [Int]
    /// Messages that a rank receives in an exchange: one from each direction that crosses a cut.
    public let messages: Int
    /// Cells of other ranks that a box's rank holds copies of, one layer.
    public let ghostCells: Double
    /// The share of a box's cells that touch none of them.
    public let interiorShare: Double

    /// - Parameter cells: of the whole grid.
    public init(cells: Double, ranks: Int) {
        parts = Self.parts(ranks)
        let edge = Self.cubeRoot(cells)
        var padded = 1.0
        var own = 1.0
        var inner = 1.0
        for part in parts {
            let width = edge / Double(part)
            own *= width
            padded *= part > 1 ? width + 2 : width
            inner *= part > 1 ? max(0, width - 2) : width
        }
        messages = parts.reduce(1) { $0 * ($1 > 1 ? 3 : 1) } - 1
        ghostCells = padded - own
        interiorShare = inner / own
    }

    /// Three factors with the least sum of squares, which is the least surface in a cube; largest first.
    static func parts(_ ranks: Int) -> [Int] {
        var best = [ranks, 1, 1]
        for a in 1...ranks where ranks % a == 0 {
            let rest = ranks / a
            for b in 1...rest where rest % b == 0 {
                let candidate = [a, b, rest / b].sorted(by: >)
                if candidate.reduce(0, +) < best.reduce(0, +) { best = candidate }
            }
        }
        return best
    }

    private static func cubeRoot(_ value: Double) -> Double {
        // Newton's method; no library of mathematics is needed for one root.
        var root = max(1, value)
        for _ in 0..<200 { root -= (root * root * root - value) / (3 * root * root) }
        return root
    }
}
