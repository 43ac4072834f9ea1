import Trajectory

/// What of a trajectory the figures need, in memory.
struct PlottedTrajectory {
    /// How curves of it are labeled.
    let label: String
    /// ps, one a frame.
    let times: [Double]
    /// [frame][atom, 3], Å, from the box's origin.
    let positions: [[Double]]
    /// [frame][atom, 3], Å/ps; empty where the file has none.
    let velocities: [[Double]]
    /// [atom], u.
    let masses: [Double]
    /// Box lengths of each frame, Å.
    let edges: [[Double]]
    let isPeriodic: [Bool]
    /// [frame][atom]; empty where the file has none.
    let clusters: [[Double]]
    /// Whether forces from outside acted in its simulation.
    let hasForces: Bool
    /// Potential energy of each frame, eV, where the file has it.
    let potentialEnergy: [Double]?
    /// Numbers of each atom in the last frame, by their names; not components of vectors (`name_x`).
    let scalars: [(name: String, unit: String, values: [Double])]

    var atomCount: Int { masses.count }
    var hasVelocities: Bool { !velocities.isEmpty }

    /// The time between frames, or `nil` where frames are not at equal intervals.
    var interval: Double? {
        guard times.count >= 2 else { return nil }
        let interval = (times[times.count - 1] - times[0]) / Double(times.count - 1)
        guard interval > 0 else { return nil }
        for index in times.indices where abs(times[index] - times[0] - Double(index) * interval) > 1e-3 * interval {
            return nil
        }
        return interval
    }

    var kineticStates: [KineticState] { velocities.map { KineticState(velocities: $0, masses: masses) } }

    /// g(r) over all frames in the bins that fit `edge`, or `nil` where the box is not periodic along every axis.
    func radialDistribution(shortestEdge edge: Double) -> RadialDistribution? {
        guard isPeriodic.allSatisfy({ $0 }), atomCount > 1,
              var distribution = RadialDistribution.standard(shortestEdge: edge) else { return nil }
        for (frame, edges) in zip(positions, edges) { distribution.add(positions: frame, edges: edges) }
        return distribution
    }

    /// The shortest edge of all frames, Å.
    var shortestEdge: Double { edges.joined().min() ?? 0 }
}
