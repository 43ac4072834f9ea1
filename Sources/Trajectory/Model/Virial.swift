/// The virial of a frame, eV: minus the derivative of its potential energy by strain; the sum of r f over the pairs of a
/// pair potential. Symmetric; positive where the atoms push the box apart.
public enum Virial {
    /// In the order in which its numbers are kept.
    public static let components = ["xx", "yy", "zz", "yz", "xz", "xy"]
    /// As observables of a trajectory.
    public static let observables = components.map { H5MDOptions.Quantity(name: "virial_\($0)", unit: "eV") }

    /// Of a matrix, row after row; nil if it is not one of 9 numbers. What is not symmetric, from rounding, is the mean.
    static func components(ofMatrix numbers: [Double]) -> [Double]? {
        guard numbers.count == 9 else { return nil }
        let (rows, columns) = ([0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1])
        return zip(rows, columns).map { row, column in
            let sum = numbers[3 * row + column] + numbers[3 * column + row]
            return 0.5 * sum
        }
    }

    /// Row after row, of components.
    static func matrix(_ components: [Double]) -> [Double] {
        [0, 5, 4, 5, 1, 3, 4, 3, 2].map { components[$0] }
    }
}
