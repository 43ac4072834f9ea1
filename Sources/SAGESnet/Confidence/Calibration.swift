import HDF5

/// Bands that hold a nominal part of the losses: quantiles of (log loss - mean) / spread over validation rows (split
/// conformal prediction; Vovk et al. 2005), whatever distribution the losses have.
public struct Calibration: Equatable, Sendable {
    /// Nominal parts.
    public static let levels = [0.5, 0.8, 0.9, 0.95]
    /// Ends of the band of each level, in spreads from the mean.
    public let lower: [Double]
    public let upper: [Double]

    /// - Parameter scores: of validation rows, at least one.
    init(scores: [Double]) {
        let sorted = scores.sorted()
        let count = Double(sorted.count)
        // Ranks of a sample of one more, which is what makes the coverage hold for a new row.
        func score(_ rank: Double) -> Double { sorted[min(max(Int(rank) - 1, 0), sorted.count - 1)] }
        lower = Self.levels.map { score(((count + 1) * (1 - $0) / 2).rounded(.down)) }
        upper = Self.levels.map { score(((count + 1) * (1 + $0) / 2).rounded(.up)) }
    }

    /// Whether the band of a level, by its index, holds a score.
    func holds(_ score: Double, level: Int) -> Bool { lower[level] <= score && score <= upper[level] }

    /// Writes the group `calibration`.
    func write(to root: Group) throws {
        let group = try root.createGroup("calibration")
        try group.writeDataset("levels", Self.levels)
        try group.writeDataset("lower", lower)
        try group.writeDataset("upper", upper)
    }

    /// Reads the group `calibration` of a model file.
    ///
    /// - Throws: `SAGESnetError.unsuitableData` for other levels.
    init(from root: Group) throws {
        guard root.exists("calibration") else {
            throw SAGESnetError.unsuitableData(
                file: root.file.path, reason: "it has no calibration: it was trained without data.validation")
        }
        let group = try root.group("calibration")
        lower = try group.dataset("lower").read(Double.self)
        upper = try group.dataset("upper").read(Double.self)
        guard try group.dataset("levels").read(Double.self) == Self.levels, lower.count == Self.levels.count,
              upper.count == lower.count, (lower + upper).allSatisfy(\.isFinite) else {
            throw SAGESnetError.unsuitableData(file: root.file.path, reason: "/calibration has other levels")
        }
    }

    init(lower: [Double], upper: [Double]) { (self.lower, self.upper) = (lower, upper) }
}
