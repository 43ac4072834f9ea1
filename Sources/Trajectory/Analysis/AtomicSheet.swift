/// Sheets of atoms, as graphene, in a box that is much higher than they are.
public enum AtomicSheet {
    /// The axis along which the atoms take up the smallest part of the box, if that is less than half of it.
    ///
    /// - Parameters:
    ///   - positions: [atom, 3], Å.
    ///   - edges: lengths of the box along x, y, z, Å.
    ///   - isPeriodic: for x, y, z.
    public static func normal(positions: [Double], edges: [Double], isPeriodic: [Bool]) -> Int? {
        let parts = (0..<3).map { axis -> Double in
            let heights = heights(positions, edges, axis, isPeriodic[axis])
            return ((heights.max() ?? 0) - (heights.min() ?? 0)) / edges[axis]
        }
        guard positions.count > 3, let axis = parts.indices.min(by: { parts[$0] < parts[$1] }), parts[axis] < 0.5 else {
            return nil
        }
        return axis
    }

    /// The root mean square distance of the atoms from their mean plane across an axis, Å.
    public static func amplitude(positions: [Double], edges: [Double], axis: Int, isPeriodic: Bool) -> Double {
        let heights = heights(positions, edges, axis, isPeriodic)
        let mean = heights.reduce(0, +) / Double(heights.count)
        return (heights.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(heights.count)).squareRoot()
    }

    /// Each atom's coordinate from the first one's, by the nearest image.
    private static func heights(_ positions: [Double], _ edges: [Double], _ axis: Int, _ isPeriodic: Bool) -> [Double] {
        stride(from: axis, to: positions.count, by: 3).map { index in
            let height = positions[index] - positions[axis]
            return isPeriodic ? height - edges[axis] * (height / edges[axis]).rounded() : height
        }
    }
}
