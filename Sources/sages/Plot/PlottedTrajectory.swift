import Trajectory

/// What of a trajectory the figures need, in memory.
struct PlottedTrajectory {
    /// How curves of it are labeled.
    let label: String
    /// ps, one a frame.
    let times: [Double]
    let steps: [Int64]
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
    /// Potential energy of each frame, eV, where the file has it, or a table is given (`--energies`); NaN for frames that
    /// are not in the table.
    var potentialEnergy: [Double]?
    /// Numbers of each atom in the last frame, by their names; not components of vectors (`name_x`).
    let scalars: [(name: String, unit: String, values: [Double])]

    var atomCount: Int { masses.count }
    var hasVelocities: Bool { !velocities.isEmpty }

    /// The time between frames, or `nil` where frames are not at equal intervals.
    var interval: Double? { Self.interval(of: times) }

    private static func interval(of times: [Double]) -> Double? {
        guard times.count >= 2 else { return nil }
        let interval = (times[times.count - 1] - times[0]) / Double(times.count - 1)
        guard interval > 0 else { return nil }
        for index in times.indices where abs(times[index] - times[0] - Double(index) * interval) > 1e-3 * interval {
            return nil
        }
        return interval
    }

    var kineticStates: [KineticState] { velocities.map { KineticState(velocities: $0, masses: masses) } }

    /// Root mean square distance of the atoms from their mean plane in each frame, Å; `nil` where they fill the box.
    var sheetAmplitudes: [Double]? {
        guard let first = positions.first, let edge = edges.first,
              let axis = AtomicSheet.normal(positions: first, edges: edge, isPeriodic: isPeriodic) else { return nil }
        return zip(positions, edges).map {
            AtomicSheet.amplitude(positions: $0, edges: $1, axis: axis, isPeriodic: isPeriodic[axis])
        }
    }

    /// The change of the potential and kinetic energy of an atom since the first frame whose potential energy is known, in
    /// meV, and the times of these frames, ps; `nil` where there are fewer than two.
    var totalEnergyChanges: (times: [Double], values: [Double])? {
        guard let potential = potentialEnergy, hasVelocities, potential.count == times.count else { return nil }
        let known = times.indices.filter { potential[$0].isFinite }
        guard known.count >= 2 else { return nil }
        let total = known.map { frame in
            let kinetic = KineticState(velocities: velocities[frame], masses: masses).kineticEnergy
            return (potential[frame] + kinetic) / Double(atomCount) * 1000
        }
        return (known.map { times[$0] }, total.map { $0 - total[0] })
    }

    /// The drift of the total energy of an atom, meV/ps; `nil` where it is not known at equal intervals.
    var energyTrend: LinearTrend? {
        guard let (times, values) = totalEnergyChanges, let interval = Self.interval(of: times) else { return nil }
        return LinearTrend(values, interval: interval)
    }

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
