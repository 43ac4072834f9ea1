/// Atoms in a thin slab of the box, binned onto a plane: how many, and how fast.
public struct PlaneSlice: Sendable {
    /// Bins along the first and the second axis of the plane.
    public let columns: Int, rows: Int
    /// Lengths of the plane along its axes, Å.
    public let width: Double, height: Double
    /// Atoms in each bin, [row, column].
    public private(set) var occupancy: [Double]
    /// Root of the mean square velocity of the atoms in each bin, Å/ps, [row, column]; zero where there is none.
    public private(set) var speed: [Double]

    /// A slab perpendicular to z.
    ///
    /// - Parameters:
    ///   - positions: [atom, 3], Å, from the box's origin, wrapped where periodic.
    ///   - velocities: [atom, 3], Å/ps; empty where there are none.
    ///   - edges: box lengths, Å.
    ///   - slab: the range of z, Å.
    ///   - binWidth: about the width of a bin, Å; whole bins fill the box.
    public init(positions: [Double], velocities: [Double], edges: [Double], slab: Range<Double>, binWidth: Double) {
        precondition(binWidth > 0 && edges.count == 3, "a positive bin and three edges")
        // A picture, not a simulation: a bound on the bins keeps a tiny bin in a huge box harmless.
        columns = min(2048, max(1, Int((edges[0] / binWidth).rounded())))
        rows = min(2048, max(1, Int((edges[1] / binWidth).rounded())))
        width = edges[0]
        height = edges[1]
        occupancy = [Double](repeating: 0, count: columns * rows)
        speed = occupancy
        for atom in 0..<positions.count / 3 where slab.contains(positions[3 * atom + 2]) {
            let column = Int((positions[3 * atom] / width * Double(columns)).rounded(.down))
            let row = Int((positions[3 * atom + 1] / height * Double(rows)).rounded(.down))
            // Atoms of an open box may be outside.
            guard (0..<columns).contains(column), (0..<rows).contains(row) else { continue }
            let bin = row * columns + column
            occupancy[bin] += 1
            if !velocities.isEmpty {
                for axis in 0..<3 { speed[bin] += velocities[3 * atom + axis] * velocities[3 * atom + axis] }
            }
        }
        for bin in speed.indices where occupancy[bin] > 0 { speed[bin] = (speed[bin] / occupancy[bin]).squareRoot() }
    }
}
