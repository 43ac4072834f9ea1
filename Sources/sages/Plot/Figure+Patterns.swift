import HDF5
import Trajectory

/// Clusters of atoms, as sages patterns finds them.
extension GnuplotFigure {
    /// Of a box whose atoms are all within so much of z, Å, all are drawn: a sheet.
    private static let sheetHeight = 6.0

    /// Atoms of the first and the last frame in the plane of x and y, colored by cluster; `nil` for trajectories without
    /// clusters. Of a thin sheet all atoms are drawn, else those of a slab in the middle of the box.
    static func patterns(_ trajectory: PlottedTrajectory) -> GnuplotFigure? {
        guard let first = trajectory.clusters.first else { return nil }
        let names = first.indices.isEmpty ? [] : Array(0...Int(trajectory.clusters.joined().max() ?? 0))
        let total = Double(trajectory.clusters.count * trajectory.atomCount)
        let words = names.map { name in
            let count = trajectory.clusters.joined().count { Int($0) == name }
            return "\(name): \(Digits.three(100 * Double(count) / total)) %"
        }
        let last = trajectory.clusters.count - 1
        let panels = (last > 0 ? [0, last] : [0]).map { panel(trajectory, frame: $0, classes: names.count) }
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
        let drawn = heights.indices.filter { isSheet || abs(heights[$0] - edges[2] / 2) < spacing }
        return Panel(
            heading: "\(trajectory.label), \(Digits.three(trajectory.times[frame])) ps", xLabel: "x (Å)", yLabel: "y (Å)",
            disks: .init(
                x: drawn.map { positions[3 * $0] }, y: drawn.map { positions[3 * $0 + 1] },
                values: drawn.map { trajectory.clusters[frame][$0] }, radius: 0.35 * spacing, width: edges[0],
                height: edges[1], largest: Double(classes - 1), scaleLabel: "cluster", classes: classes))
    }
}
