import Trajectory

/// A rollout beside molecular dynamics at a glance.
extension GnuplotFigure {
    /// Total energy (where potential energies are known), temperature, g(r) and spectrum in one picture; `nil` where one of
    /// the last three cannot be drawn.
    static func rollout(_ trajectory: PlottedTrajectory, reference: PlottedTrajectory) -> GnuplotFigure? {
        guard let temperature = temperature(trajectory, reference: reference)?.panels.first,
              let (rdf, difference) = radialDistribution(trajectory, reference: reference),
              let motion = motion(trajectory, reference: reference), let difference else { return nil }
        var panels = [temperature, rdf.panels[0], motion.panels[1]]
        var title = "\(trajectory.label) beside \(reference.label): g(r) differs by at most \(Digits.three(difference))"
        if let energy = totalEnergy(trajectory, reference: reference), let trend = trajectory.energyTrend {
            panels.insert(energy, at: 0)
            title += ", the energy of an atom drifts by \(Digits.three(trend.slope)) meV/ps"
            if let other = reference.energyTrend { title += " (\(reference.label): \(Digits.three(other.slope)))" }
        }
        // The first panel has the legend.
        for index in panels.indices.dropFirst() {
            panels[index].series = panels[index].series.map {
                Series(label: "", x: $0.x, y: $0.y, style: $0.style, color: $0.color)
            }
        }
        return GnuplotFigure(name: "rollout", title: title, panels: panels, columns: 2)
    }

    private static func totalEnergy(_ trajectory: PlottedTrajectory, reference: PlottedTrajectory) -> Panel? {
        guard let own = trajectory.totalEnergyChanges else { return nil }
        var series = [Series(label: trajectory.label, x: own.times, y: own.values)]
        if let other = reference.totalEnergyChanges {
            series.append(Series(label: reference.label, x: other.times, y: other.values, style: .reference))
        }
        return Panel(heading: "Change of the total energy", xLabel: "time (ps)", yLabel: "meV/atom", series: series)
    }
}
