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
    /// Potential energy of each frame, eV, where the file has it.
    let potentialEnergy: [Double]?

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

    /// g(r) over all frames, or `nil` where the box is not periodic along every axis.
    func radialDistribution(cutoff: Double, bins: Int) -> RadialDistribution? {
        guard isPeriodic.allSatisfy({ $0 }), atomCount > 1 else { return nil }
        var distribution = RadialDistribution(cutoff: cutoff, bins: bins)
        for (frame, edges) in zip(positions, edges) { distribution.add(positions: frame, edges: edges) }
        return distribution
    }

    /// Half the shortest edge of all frames, at most 8 Å.
    var largestCutoff: Double { min(8, (edges.joined().min() ?? 0) / 2) }
}
