import Trajectory

/// Clusters of atoms, as sages patterns finds them.
extension GnuplotFigure {
    /// Of a box whose atoms are all within so much of z, Å, all are drawn: a sheet.
    private static let sheetHeight = 6.0

    /// Atoms of the first and the last frame, colored by cluster; `nil` for trajectories without clusters. A sheet is seen
    /// from above, anything else in a section through the middle of the box along x and z.
    static func patterns(_ trajectory: PlottedTrajectory) -> GnuplotFigure? {
        guard !trajectory.clusters.isEmpty else { return nil }
        var counts = [Int](repeating: 0, count: Int(trajectory.clusters.joined().max() ?? 0) + 1)
        for cluster in trajectory.clusters.joined() { counts[Int(cluster)] += 1 }
        let total = Double(counts.reduce(0, +))
        let words = counts.enumerated().map { "\($0): \(Digits.three(100 * Double($1) / total)) %" }
        let last = trajectory.clusters.count - 1
        let panels = (last > 0 ? [0, last] : [0]).map { panel(trajectory, frame: $0, classes: counts.count) }
        return GnuplotFigure(
            name: "patterns", title: "Patterns, share of all atoms and frames: " + words.joined(separator: ", "),
            panels: panels, columns: panels.count)
    }

    private static func panel(_ trajectory: PlottedTrajectory, frame: Int, classes: Int) -> Panel {
        let (positions, edges) = (trajectory.positions[frame], trajectory.edges[frame])
        let heights = stride(from: 2, to: positions.count, by: 3).map { positions[$0] }
        let isSheet = (heights.max() ?? 0) - (heights.min() ?? 0) < sheetHeight
        let spacing = isSheet
            ? (edges[0] * edges[1] / Double(trajectory.atomCount)).squareRoot()
            : cubeRoot(edges[0] * edges[1] * edges[2] / Double(trajectory.atomCount))
        let up = isSheet ? 1 : 2
        let drawn = heights.indices.filter { isSheet || abs(positions[3 * $0 + 1] - edges[1] / 2) < spacing }
        return Panel(
            heading: "\(trajectory.label), \(Digits.three(trajectory.times[frame])) ps", xLabel: "x (Å)",
            yLabel: isSheet ? "y (Å)" : "z (Å)",
            disks: .init(
                x: drawn.map { positions[3 * $0] }, y: drawn.map { positions[3 * $0 + up] },
                values: drawn.map { trajectory.clusters[frame][$0] }, radius: 0.35 * spacing, width: edges[0],
                height: edges[up], largest: Double(classes - 1), scaleLabel: "cluster", classes: classes))
    }
}
