/// The radial distribution function g(r) of atoms in a periodic orthogonal box, averaged over frames.
///
///     g(r) = n(r) / (N/2 · (N - 1)/V · 4π/3 ((r + dr)³ - r³))
///
/// where n(r) is the mean number of pairs with a distance in [r, r + dr) by minimum image; 1 for an ideal gas.
/// Pairs come from cell lists where the box has at least three cells along each axis, else from all pairs.
public struct RadialDistribution: Sendable {
    /// Largest distance, Å.
    public let cutoff: Double
    /// Width of a bin, Å.
    public let binWidth: Double
    /// Frames added so far.
    public private(set) var frameCount = 0
    /// Each frame's pair count over that of an ideal gas, summed over frames; one entry a bin.
    private var sums: [Double]

    /// - Parameters:
    ///   - cutoff: the largest distance, Å; at most half the shortest edge of every frame's box.
    ///   - bins: the number of bins.
    public init(cutoff: Double, bins: Int) {
        precondition(cutoff > 0 && bins > 0, "a positive cutoff and at least one bin")
        self.cutoff = cutoff
        binWidth = cutoff / Double(bins)
        sums = [Double](repeating: 0, count: bins)
    }

    /// The one that figures and evaluations use, so that their differences can be compared: bins of 0.05 Å up to
    /// 8 Å or, in smaller boxes, as many as fit into half the shortest edge.
    ///
    /// - Returns: `nil` where not even one bin fits.
    public static func standard(shortestEdge: Double) -> RadialDistribution? {
        let width = 0.05
        let bins = min(160, Int((min(shortestEdge, 1e6) / 2 / width).rounded(.down)))
        return bins > 0 ? RadialDistribution(cutoff: Double(bins) * width, bins: bins) : nil
    }

    /// Centers of the bins, Å.
    public var distances: [Double] { sums.indices.map { (Double($0) + 0.5) * binWidth } }

    /// g(r) of each bin, averaged over the frames; zero where none was added.
    public var values: [Double] { sums.map { frameCount == 0 ? 0 : $0 / Double(frameCount) } }

    /// Adds a frame.
    ///
    /// - Parameters:
    ///   - positions: [atom, 3], Å, anywhere (they are wrapped).
    ///   - edges: lengths of the box along x, y, z, Å.
    public mutating func add(positions: [Double], edges: [Double]) {
        precondition(positions.count % 3 == 0 && edges.count == 3, "positions [atom, 3] and three edges")
        precondition(edges.allSatisfy { 2 * cutoff <= $0 * (1 + 1e-9) }, "the cutoff is over half of an edge")
        let count = positions.count / 3
        frameCount += 1
        guard count > 1 else { return }
        let counts = PairHistogram(positions: positions, edges: edges, cutoff: cutoff, bins: sums.count).counts
        let volume = edges[0] * edges[1] * edges[2]
        let pairDensity = Double(count) / 2 * Double(count - 1) / volume
        for bin in sums.indices {
            let inner = Double(bin) * binWidth, outer = inner + binWidth
            let shell = 4 * Double.pi / 3 * (outer * outer * outer - inner * inner * inner)
            sums[bin] += Double(counts[bin]) / (pairDensity * shell)
        }
    }

    /// The largest absolute difference of g(r) from another's, and the distance where it is, Å.
    ///
    /// Both must have the same bins.
    public func largestDifference(from other: RadialDistribution) -> (difference: Double, distance: Double) {
        precondition(sums.count == other.sums.count && binWidth == other.binWidth, "the same bins")
        let differences = zip(values, other.values).map { abs($0 - $1) }
        let largest = differences.max() ?? 0
        return (largest, (Double(differences.firstIndex(of: largest) ?? 0) + 0.5) * binWidth)
    }
}
