import Trajectory

/// Figures of a trajectory, alone or beside a reference.
extension GnuplotFigure {
    /// Temperature over time, and energies where the file has a potential energy; `nil` without velocities.
    static func temperature(_ trajectory: PlottedTrajectory, reference: PlottedTrajectory?) -> GnuplotFigure? {
        guard trajectory.hasVelocities, !trajectory.times.isEmpty else { return nil }
        let states = trajectory.kineticStates
        let temperatures = states.map(\.temperature)
        let mean = average(temperatures)
        var series = [Series(label: trajectory.label, x: trajectory.times, y: temperatures)]
        var title = "The temperature is \(Digits.three(mean)) K on average"
        if let reference, reference.hasVelocities {
            let values = reference.kineticStates.map(\.temperature)
            let other = average(values)
            series.append(Series(label: reference.label, x: reference.times, y: values, style: .reference))
            // Where the reference is shorter, its mean says where it would go on.
            if let first = trajectory.times.first, let last = trajectory.times.last,
               (reference.times.last ?? last) - (reference.times.first ?? first) < 0.9 * (last - first) {
                series.append(Series(label: "its mean", x: [first, last], y: [other, other], style: .level))
            }
            let percent = 100 * abs(mean - other) / other
            title += percent < 0.05 ? ", as that of \(reference.label)"
                : ", \(Digits.tenth(percent))% \(mean < other ? "below" : "above") \(reference.label)'s \(Digits.three(other)) K"
        } else if let first = temperatures.first, let last = temperatures.last, temperatures.count > 1 {
            title += ", \(Digits.three(first)) K at the beginning and \(Digits.three(last)) K at the end"
        }
        var panels = [Panel(heading: "Temperature", xLabel: "time (ps)", yLabel: "temperature (K)", series: series)]
        if let potential = trajectory.potentialEnergy, potential.count == states.count, potential.allSatisfy(\.isFinite) {
            let kinetic = states.map(\.kineticEnergy)
            // Each from its value in the first frame, for a potential has no natural zero.
            func change(_ values: [Double]) -> [Double] { values.map { $0 - (values.first ?? 0) } }
            panels.append(Panel(heading: "Change of energy", xLabel: "time (ps)", yLabel: "energy (eV)", series: [
                Series(label: "potential", x: trajectory.times, y: change(potential), color: 1),
                Series(label: "kinetic", x: trajectory.times, y: change(kinetic), color: 0),
                Series(label: "total", x: trajectory.times, y: change(zip(potential, kinetic).map { $0 + $1 }), color: 6),
            ]))
        }
        return GnuplotFigure(name: "temperature", title: title, panels: panels)
    }

    /// g(r), and its difference from the reference's; `nil` where the box is not periodic.
    ///
    /// - Returns: the figure, and the largest absolute difference where there is a reference.
    static func radialDistribution(_ trajectory: PlottedTrajectory, reference: PlottedTrajectory?)
        -> (figure: GnuplotFigure, largestDifference: Double?)? {
        let edge = min(trajectory.shortestEdge, reference?.shortestEdge ?? .infinity)
        guard let own = trajectory.radialDistribution(shortestEdge: edge) else { return nil }
        let x = own.distances, cutoff = own.cutoff
        let peak = own.values.max() ?? 0
        let peakDistance = x[own.values.firstIndex(of: peak) ?? 0]
        var panel = Panel(heading: "Radial distribution", xLabel: "r (Å)", yLabel: "g(r)", xRange: 0...cutoff,
                          series: [Series(label: trajectory.label, x: x, y: own.values)])
        guard let reference, let other = reference.radialDistribution(shortestEdge: edge) else {
            let title = "g(r) has its highest peak, \(Digits.three(peak)), at \(Digits.three(peakDistance)) Å"
            return (GnuplotFigure(name: "rdf", title: title, panels: [panel]), nil)
        }
        panel.series.append(Series(label: reference.label, x: x, y: other.values, style: .reference))
        let (difference, distance) = own.largestDifference(from: other)
        let below = Panel(heading: "Difference", xLabel: "r (Å)", yLabel: "Δg(r)", xRange: 0...cutoff,
                          series: [Series(label: "", x: x, y: zip(own.values, other.values).map { $0 - $1 }, color: 1)])
        let title = "g(r) differs from \(reference.label)'s by at most \(Digits.three(difference)), "
            + "at \(Digits.three(distance)) Å (highest peak \(Digits.three(peak)))"
        return (GnuplotFigure(name: "rdf", title: title, panels: [panel, below]), difference)
    }

    /// Velocity autocorrelation, its spectrum, and mean-square displacement; `nil` where frames are few or unevenly
    /// spaced, or there are no velocities.
    static func motion(_ trajectory: PlottedTrajectory, reference: PlottedTrajectory?) -> GnuplotFigure? {
        guard var own = MotionCurves(trajectory) else { return nil }
        let other = reference.flatMap { MotionCurves($0, longestLag: own.lag) }
        // Spectra of one resolution.
        if let other, other.lag < own.lag, let shorter = MotionCurves(trajectory, longestLag: other.lag) { own = shorter }
        func panel(_ heading: String, _ xLabel: String, _ yLabel: String,
                   _ curve: KeyPath<MotionCurves, (x: [Double], y: [Double])>, isFirst: Bool = false) -> Panel {
            // One legend is enough.
            var series = [Series(label: isFirst ? trajectory.label : "", x: own[keyPath: curve].x, y: own[keyPath: curve].y)]
            if let other, let reference {
                series.append(Series(label: isFirst ? reference.label : "", x: other[keyPath: curve].x, y: other[keyPath: curve].y,
                                     style: .reference))
            }
            return Panel(heading: heading, xLabel: xLabel, yLabel: yLabel, series: series)
        }
        var title = "Atoms vibrate most at \(Digits.three(own.peak)) THz "
            + "(\(Digits.three(own.peak * PhysicalConstants.wavenumberPerTerahertz)) cm⁻¹)"
        if let other, let reference { title += "; those of \(reference.label) at \(Digits.three(other.peak)) THz" }
        return GnuplotFigure(name: "motion", title: title, panels: [
            panel("Velocity autocorrelation", "time (ps)", "C(t)", \.correlation, isFirst: true),
            panel("Vibrational spectrum", "frequency (THz)", "S(f) (ps)", \.spectrum),
            panel("Mean-square displacement", "time (ps)", "Å²", \.displacement),
        ])
    }

    /// How far the atoms of a sheet are from its mean plane over time; `nil` where atoms fill the box.
    static func sheet(_ trajectory: PlottedTrajectory, reference: PlottedTrajectory?) -> GnuplotFigure? {
        guard let own = trajectory.sheetAmplitudes else { return nil }
        let mean = average(own)
        var title = "Atoms are \(Digits.three(mean)) Å from the mean plane on average (root mean square)"
        var series = [Series(label: trajectory.label, x: trajectory.times, y: own)]
        if let reference, let other = reference.sheetAmplitudes {
            series.append(Series(label: reference.label, x: reference.times, y: other, style: .reference))
            title += "; those of \(reference.label) \(Digits.three(average(other))) Å"
        }
        return GnuplotFigure(name: "sheet", title: title, panels: [
            Panel(heading: "Out of the mean plane", xLabel: "time (ps)", yLabel: "distance (Å)", series: series),
        ])
    }

    private static func average(_ values: [Double]) -> Double {
        values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    }
}
