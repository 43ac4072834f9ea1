import Tensor
import Trajectory

/// The regression on lattice neighbors as a model file keeps it: fitted on the training set, or why it does not apply.
public enum LinearBaseline: Equatable, Sendable {
    case fitted(LatticeRegression)
    case unavailable(reason: String)

    /// Frames of a run, and atoms over all runs, that a fit looks at, at most.
    private static let mostFrames = 32
    private static let mostRows = 1 << 17
    /// A pattern that fewer of the atoms have is left to ballistic motion; all patterns together must have most atoms.
    private static let smallestShare = 0.02
    private static let smallestCoverage = 0.9
    private static let ridge = 1e-6

    /// Fits the regression on training runs.
    ///
    /// Applies where the grid is aligned with the atoms, a cell holds one atom, and few patterns of occupied cells have
    /// nearly all atoms: a crystal. Depends on the data alone. Not collective.
    ///
    /// - Throws: what reading frames does.
    init(fitting runs: [AtomRun], _ configuration: SAGESnetConfiguration, _ normalization: Normalization) throws {
        guard configuration.rows != .atoms, configuration.slots == 1, configuration.origin == .aligned else {
            self = .unavailable(reason: "the model's grid is not aligned to a lattice with one atom in a cell")
            return
        }
        // First which patterns there are, then the sums of each.
        var shares: [CellPattern: Int] = [:]
        var total = 0
        for run in runs {
            if let reason = try LinearBaseline.visit(run, of: runs.count, configuration, { sample in
                shares[sample.pattern, default: 0] += 1
                total += 1
            }) {
                self = .unavailable(reason: reason)
                return
            }
        }
        let patterns = shares.filter { Double($0.value) >= LinearBaseline.smallestShare * Double(total) }
            // Enough equations for the unknowns.
            .filter { $0.value >= 2 * (6 * $0.key.cells.count + 1) }
            .keys.sorted()
        let covered = patterns.reduce(0) { $0 + (shares[$1] ?? 0) }
        guard Double(covered) >= LinearBaseline.smallestCoverage * Double(total) else {
            self = .unavailable(
                reason: "the atoms are on no lattice: \(shares.count) patterns of occupied cells, of which the frequent "
                    + "ones have \(100 * covered / max(total, 1))% of the atoms")
            return
        }
        let indices = Dictionary(uniqueKeysWithValues: patterns.enumerated().map { ($0.element, $0.offset) })
        let cells = patterns.map(\.cells)
        var equations = cells.map {
            NormalEquations(columns: 6 * $0.count + 1, outputs: LatticeRegression.outputs)
        }
        var features = [Double](repeating: 0, count: 6 * LatticeNeighborhood.count + 1)
        var values = [Double](repeating: 0, count: LatticeRegression.outputs)
        for run in runs {
            _ = try LinearBaseline.visit(run, of: runs.count, configuration) { sample in
                guard let index = indices[sample.pattern] else { return }
                LatticeRegression.fill(
                    &features, cells[index], sample.neighborhood, UnsafePointer(sample.start.velocities.pointer),
                    offsetScale: normalization.offset, velocityScale: normalization.velocity)
                let velocity = SIMD3(sample.start.velocities.pointer, 3 * sample.atom)
                let kick = SIMD3(sample.end.velocities.pointer, 3 * sample.atom) - velocity
                let missed = run.displacement(of: sample.atom, from: sample.start, to: sample.end)
                    - normalization.timeStep * velocity
                for axis in 0..<3 { (values[axis], values[3 + axis]) = (missed[axis], kick[axis]) }
                equations[index].add(features, values)
            }
        }
        var sublattices: [LatticeRegression.Sublattice] = []
        for (index, equation) in equations.enumerated() {
            guard let weights = equation.solve(ridge: LinearBaseline.ridge) else {
                self = .unavailable(reason: "its normal equations have no solution")
                return
            }
            sublattices.append(.init(cells: cells[index], weights: weights))
        }
        self = .fitted(
            LatticeRegression(
                sublattices, offsetScale: normalization.offset, velocityScale: normalization.velocity))
    }

    /// One atom of one frame with its neighbors.
    private struct Sample {
        let atom: Int
        let pattern: CellPattern
        let neighborhood: LatticeNeighborhood
        let start, end: AtomRun.Frame
    }

    /// Visits atoms of a run, evenly spread over its frames; returns why a run does not suit, if so.
    private static func visit(
        _ run: AtomRun, of runs: Int, _ configuration: SAGESnetConfiguration, _ body: (Sample) -> Void
    ) throws -> String? {
        let starts = run.starts(steps: 1)
        let stride = (starts.count - 1) / mostFrames + 1
        let frames = Swift.stride(from: 0, to: starts.count, by: stride).map { starts[$0] }
        let atomStride = max(1, frames.count * run.atomCount * runs / mostRows)
        for frame in frames {
            let (start, end) = (try run.frame(frame), try run.frame(frame + 1))
            let grid = try run.grid(for: configuration, box: start.box)
            guard min(grid.cells.z, grid.cells.y, grid.cells.x) > 2 * LatticeNeighborhood.radius else {
                return "\(run.path): the grid of \(grid.cells) cells is too thin for neighborhoods of 5x5x5"
            }
            let neighborhood = LatticeNeighborhood(grid, atomCount: run.atomCount)
            guard neighborhood.arrange(UnsafePointer(start.positions.pointer)) else {
                return "\(run.path), frame \(frame): a cell holds two atoms, or an atom is beyond an open end"
            }
            for atom in Swift.stride(from: frame % atomStride, to: run.atomCount, by: atomStride) {
                body(
                    Sample(
                        atom: atom, pattern: neighborhood.pattern(around: atom), neighborhood: neighborhood,
                        start: start, end: end))
            }
        }
        return nil
    }
}
