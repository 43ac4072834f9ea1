import Trajectory

/// A slice through the box.
extension GnuplotFigure {
    /// Of more atoms in the slab than these, how many and how fast are drawn in bins, not each atom.
    private static let mostDisks = 4000

    /// Atoms in a slab in the middle of the last frame's box, colored by speed, beside the reference's last frame; `nil`
    /// without atoms.
    static func slice(_ trajectory: PlottedTrajectory, reference: PlottedTrajectory?) -> GnuplotFigure? {
        guard let own = Slab(trajectory) else { return nil }
        let title = "\(own.count) of \(trajectory.atomCount) atoms lie between z = \(Digits.three(own.range.lowerBound)) and "
            + "\(Digits.three(own.range.upperBound)) Å at \(Digits.three(own.time)) ps"
        guard own.count <= mostDisks, !own.speeds.isEmpty else {
            let panels = own.binned()
            return GnuplotFigure(name: "slice", title: title, panels: panels, columns: panels.count)
        }
        var slabs = [own]
        if let other = reference.flatMap({ Slab($0, range: own.range) }), other.count <= mostDisks, !other.speeds.isEmpty { slabs.insert(other, at: 0) }
        // One scale for both; the few fastest may be beyond its end.
        let speeds = slabs.flatMap(\.speeds).sorted()
        let largest = speeds[min(speeds.count - 1, speeds.count * 98 / 100)].rounded(.up)
        return GnuplotFigure(name: "slice", title: title, panels: slabs.map { $0.disks(largest: max(1, largest)) },
                             columns: slabs.count)
    }
}

extension GnuplotFigure {
    /// The same slab colored by the numbers that the file has of each atom; those of one unit side by side, on one scale.
    static func slices(ofScalars trajectory: PlottedTrajectory) -> [GnuplotFigure] {
        guard let slab = Slab(trajectory), slab.count > 0, slab.count <= mostDisks else { return [] }
        var units: [String] = []
        for scalar in trajectory.scalars where !units.contains(scalar.unit) { units.append(scalar.unit) }
        return units.map { unit in
            let scalars = trajectory.scalars.filter { $0.unit == unit }
            let values = scalars.flatMap { slab.inside($0.values) }.filter(\.isFinite).sorted()
            // The few greatest may be beyond the scale's end.
            let largest = values.isEmpty ? 1 : values[min(values.count - 1, values.count * 98 / 100)]
            func words(_ name: String) -> String { name.split(separator: "_").joined(separator: " ") }
            return GnuplotFigure(
                name: "slice-" + scalars[0].name,
                title: "\(slab.count) of \(trajectory.atomCount) atoms by " + scalars.map { words($0.name) }.joined(separator: ", "),
                panels: scalars.map {
                    slab.disks(
                        slab.inside($0.values), largest: largest > 0 ? largest : 1, heading: words($0.name),
                        scaleLabel: words($0.name) + (unit.isEmpty ? "" : " (\(unit))"))
                },
                columns: scalars.count)
        }
    }
}

/// The atoms of a trajectory's last frame in a slab near the middle of the box, as thick as atoms are apart.
private struct Slab {
    let label: String
    /// ps
    let time: Double
    /// Of z, Å.
    let range: Range<Double>
    private let spacing: Double
    private let edges: [Double]
    private let positions: [Double]
    private let velocities: [Double]
    private let inside: [Int]
    /// Of the atoms inside, Å/ps; empty where velocities are not known.
    let speeds: [Double]

    /// - Parameter range: of z, Å; chosen if nil.
    init?(_ trajectory: PlottedTrajectory, range given: Range<Double>? = nil) {
        guard let positions = trajectory.positions.last, let edges = trajectory.edges.last,
              trajectory.atomCount > 0, edges.allSatisfy({ $0 > 0 }) else { return nil }
        self.positions = positions
        self.edges = edges
        label = trajectory.label
        time = trajectory.times.last ?? 0
        spacing = cubeRoot(edges[0] * edges[1] * edges[2] / Double(trajectory.atomCount))
        let range = given ?? Self.range(positions, height: edges[2], thickness: spacing)
        self.range = range
        let velocities = trajectory.velocities.last ?? []
        self.velocities = velocities
        inside = (0..<trajectory.atomCount).filter { range.contains(positions[3 * $0 + 2]) }
        speeds = velocities.isEmpty ? [] : inside.map { atom in
            (0..<3).reduce(0) { $0 + velocities[3 * atom + $1] * velocities[3 * atom + $1] }.squareRoot()
        }
    }

    var count: Int { inside.count }

    /// A slab whose faces have few atoms near them: in a crystal, one that cuts through no layer.
    private static func range(_ positions: [Double], height: Double, thickness: Double) -> Range<Double> {
        func range(_ shift: Double) -> Range<Double> {
            let lower = min(max(0, (height - thickness) / 2 + shift * thickness), max(0, height - thickness))
            return lower..<min(height, lower + thickness)
        }
        func atomsAtFaces(_ range: Range<Double>) -> Int {
            stride(from: 2, to: positions.count, by: 3).filter { index in
                min(abs(positions[index] - range.lowerBound), abs(positions[index] - range.upperBound)) < thickness / 8
            }.count
        }
        let candidates = (-8...8).sorted { abs($0) < abs($1) }.map { range(Double($0) / 16) }
        return candidates.min { atomsAtFaces($0) < atomsAtFaces($1) } ?? range(0)
    }

    func disks(largest: Double) -> GnuplotFigure.Panel {
        disks(speeds, largest: largest, heading: "\(label), \(Digits.three(time)) ps", scaleLabel: "speed (Å/ps)")
    }

    /// - Parameter values: of the atoms inside.
    func disks(_ values: [Double], largest: Double, heading: String, scaleLabel: String) -> GnuplotFigure.Panel {
        GnuplotFigure.Panel(
            heading: heading, xLabel: "x (Å)", yLabel: "y (Å)",
            disks: .init(x: inside.map { positions[3 * $0] }, y: inside.map { positions[3 * $0 + 1] }, values: values,
                         radius: 0.3 * spacing, width: edges[0], height: edges[1], largest: largest,
                         scaleLabel: scaleLabel))
    }

    /// Numbers of the atoms inside, of those of all atoms.
    func inside(_ values: [Double]) -> [Double] { inside.map { values[$0] } }

    func binned() -> [GnuplotFigure.Panel] {
        let slice = PlaneSlice(positions: positions, velocities: velocities, edges: edges, slab: range,
                               binWidth: spacing / 3)
        func panel(_ heading: String, _ values: [Double], _ scale: String) -> GnuplotFigure.Panel {
            GnuplotFigure.Panel(
                heading: heading, xLabel: "x (Å)", yLabel: "y (Å)",
                image: .init(values: values, rows: slice.rows, columns: slice.columns, width: slice.width,
                             height: slice.height, scaleLabel: scale))
        }
        let atoms = panel("Atoms", slice.occupancy, "atoms in a bin")
        return velocities.isEmpty ? [atoms] : [atoms, panel("Speed", slice.speed, "speed (Å/ps)")]
    }
}
