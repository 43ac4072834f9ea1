import Trajectory

/// How a push travels.
extension GnuplotFigure {
    private static let mostBins = 400
    private static let fewestFrames = 16

    /// The mean velocity along the longest edge of the box over that edge and time; `nil` for trajectories without forces,
    /// or with few frames.
    static func wave(_ trajectory: PlottedTrajectory) -> GnuplotFigure? {
        guard trajectory.hasForces, trajectory.velocities.count >= fewestFrames, trajectory.interval != nil,
              let edges = trajectory.edges.first, let last = trajectory.times.last, let first = trajectory.times.first,
              let axis = (0..<3).max(by: { edges[$0] < edges[$1] }) else { return nil }
        let atoms = trajectory.atomCount
        // Bins so wide that each holds some atoms.
        let spacing = cubeRoot(edges[0] * edges[1] * edges[2] / Double(atoms))
        let columns = min(mostBins, max(1, Int(edges[axis] / spacing)))
        var values: [Double] = []
        for (positions, velocities) in zip(trajectory.positions, trajectory.velocities) {
            var (sums, counts) = ([Double](repeating: 0, count: columns), [Double](repeating: 0, count: columns))
            for atom in 0..<atoms {
                let bin = Int((positions[3 * atom + axis] / edges[axis] * Double(columns)).rounded(.down))
                sums[(bin % columns + columns) % columns] += velocities[3 * atom + axis]
                counts[(bin % columns + columns) % columns] += 1
            }
            values += zip(sums, counts).map { $1 > 0 ? $0 / $1 : .nan }
        }
        let name = ["x", "y", "z"][axis]
        return GnuplotFigure(
            name: "wave", title: "Velocity along \(name): how what forces push goes on through the atoms",
            panels: [
                Panel(
                    heading: trajectory.label, xLabel: "\(name) (Å)", yLabel: "time (ps)",
                    image: .init(
                        values: values, rows: trajectory.velocities.count, columns: columns, width: edges[axis],
                        height: last - first, scaleLabel: "mean velocity (Å/ps)", hasEqualScales: false)),
            ])
    }
}
