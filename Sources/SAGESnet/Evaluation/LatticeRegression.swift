import Tensor

/// The best linear model of one step on a lattice: what a ballistic step misses of an atom's position and velocity as a
/// linear function of the offsets and velocities of the atoms in the 5x5x5 cells around it.
///
/// Sublattices have neighbors in different places and different coefficients, so there is one regression for each
/// pattern of occupied cells; atoms in a pattern that training did not show often are predicted to move ballistically.
public struct LatticeRegression: Equatable, Sendable {
    /// The regression of one pattern.
    struct Sublattice: Equatable, Sendable {
        /// Occupied cells of the 5x5x5, ascending; z, y, x with x fastest.
        let cells: [Int]
        /// To displacement (Angstrom) and velocity change (Angstrom/ps) x, y, z. [6 cells + 1, 6]
        ///
        /// Rows: for each cell the offset x, y, z over `offsetScale` and the velocity over `velocityScale`; then 1.
        let weights: [Double]

        var columns: Int { 6 * cells.count + 1 }
    }

    /// Displacement and velocity change: three components each.
    static let outputs = 6

    let sublattices: [Sublattice]
    /// Angstrom and Angstrom/ps.
    let offsetScale, velocityScale: Double
    private let indices: [CellPattern: Int]

    init(_ sublattices: [Sublattice], offsetScale: Double, velocityScale: Double) {
        self.sublattices = sublattices
        self.offsetScale = offsetScale
        self.velocityScale = velocityScale
        indices = Dictionary(
            uniqueKeysWithValues: sublattices.enumerated().map { (CellPattern(cells: $0.element.cells), $0.offset) })
    }

    /// Calls `body` with what a step adds to the ballistic motion of each atom. Positions and velocities are [N, 3], in
    /// Angstrom and Angstrom/ps.
    ///
    /// - Returns: false, and calls nothing, if a cell holds two atoms or one is beyond an open end.
    func predict(
        _ neighborhood: LatticeNeighborhood, positions: UnsafePointer<Double>, velocities: UnsafePointer<Double>,
        atomCount: Int, _ body: (_ atom: Int, _ displacement: SIMD3<Double>, _ velocity: SIMD3<Double>) -> Void
    ) -> Bool {
        guard neighborhood.arrange(positions) else { return false }
        var features = [Double](repeating: 0, count: 6 * LatticeNeighborhood.count + 1)
        for atom in 0..<atomCount {
            guard let index = indices[neighborhood.pattern(around: atom)] else {
                body(atom, .zero, .zero)
                continue
            }
            let sublattice = sublattices[index]
            LatticeRegression.fill(
                &features, sublattice.cells, neighborhood, velocities, offsetScale: offsetScale,
                velocityScale: velocityScale)
            var sums = SIMD8<Double>()
            for column in 0..<sublattice.columns {
                for output in 0..<LatticeRegression.outputs {
                    sums[output] += features[column] * sublattice.weights[column * LatticeRegression.outputs + output]
                }
            }
            body(atom, SIMD3(sums[0], sums[1], sums[2]), SIMD3(sums[3], sums[4], sums[5]))
        }
        return true
    }

    /// Fills the features of the atom whose neighbors were found last.
    static func fill(
        _ features: inout [Double], _ cells: [Int], _ neighborhood: LatticeNeighborhood,
        _ velocities: UnsafePointer<Double>, offsetScale: Double, velocityScale: Double
    ) {
        for (place, cell) in cells.enumerated() {
            let neighbor = Int(neighborhood.neighbors.pointer[cell])
            for axis in 0..<3 {
                features[6 * place + axis] = neighborhood.offsets.pointer[3 * neighbor + axis] / offsetScale
                features[6 * place + 3 + axis] = velocities[3 * neighbor + axis] / velocityScale
            }
        }
        features[6 * cells.count] = 1
    }
}
