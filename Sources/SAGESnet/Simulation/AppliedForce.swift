import Trajectory

/// A force from outside on every atom of a region of the box, for some steps (004, "Environment": force vectors that enter
/// the cells that they act on).
///
/// Which atoms are in the region is asked anew at every push, as LAMMPS's `fix addforce` with a region does.
public struct AppliedForce: Equatable, Sendable {
    /// As it was written: `REGION:FX,FY,FZ` or `REGION:FX,FY,FZ@FIRST-LAST`.
    public let text: String
    /// On each atom, eV/Angstrom.
    public let force: SIMD3<Double>
    /// Steps of the simulation during which it acts, from 1.
    public let steps: ClosedRange<Int>
    /// Lower end (in the region) and upper end (not in it) along x, y, z, Angstrom.
    private(set) var lower = SIMD3<Double>(repeating: -.infinity)
    private(set) var upper = SIMD3<Double>(repeating: .infinity)
    /// First and last cell along x, y, z.
    private(set) var firstCell = SIMD3<Int>(repeating: 0)
    private(set) var lastCell = SIMD3<Int>(repeating: .max)
    private(set) var ids: ClosedRange<Int64> = 0...Int64.max

    /// Reads a force.
    ///
    /// A region is `all`, or conditions with commas between them, all of which must hold: `x=LOW..HIGH` (also `y`, `z`; in
    /// Angstrom, LOW in it, HIGH not), `cell-x=FIRST..LAST` (also `cell-y`, `cell-z`; cells of the model's grid, from 0,
    /// both in it) and `id=FIRST..LAST`. Either end may be left out. LAST of the steps may be left out, too.
    ///
    /// - Throws: `SAGESnetError.badRequest`.
    public init(parsing text: String) throws {
        func fault(_ reason: String) -> SAGESnetError { .badRequest("the force '\(text)' \(reason)") }
        self.text = text
        let halves = AppliedForce.split(text, at: "@")
        let parts = AppliedForce.split(halves[0], at: ":")
        guard halves.count <= 2, parts.count == 2 else {
            throw fault("is not REGION:FX,FY,FZ or REGION:FX,FY,FZ@FIRST-LAST")
        }
        let components = AppliedForce.split(parts[1], at: ",").map { Double($0) ?? .nan }
        guard components.count == 3, components.allSatisfy(\.isFinite) else {
            throw fault("needs three numbers FX,FY,FZ (eV/Angstrom) behind the region, not '\(parts[1])'")
        }
        force = SIMD3(components[0], components[1], components[2])
        if halves.count == 2 {
            let ends = AppliedForce.split(halves[1], at: "-")
            guard ends.count == 2, let first = Int(ends[0]), first >= 1,
                  let last = ends[1].isEmpty ? Int.max : Int(ends[1]), last >= first else {
                throw fault("acts during FIRST-LAST, steps from 1 on, not '\(halves[1])'")
            }
            steps = first...last
        } else {
            steps = 1...Int.max
        }
        guard parts[0] != "all" else { return }
        for condition in AppliedForce.split(parts[0], at: ",") {
            let sides = AppliedForce.split(condition, at: "=")
            guard sides.count == 2, let dots = sides[1].firstRange(of: "..") else {
                throw fault("has the condition '\(condition)', which is not NAME=LOW..HIGH; a region of all atoms is 'all'")
            }
            try require(sides[0], from: String(sides[1][..<dots.lowerBound]), to: String(sides[1][dots.upperBound...]), fault)
        }
    }

    /// Adds a condition.
    private mutating func require(
        _ name: String, from low: String, to high: String, _ fault: (String) -> SAGESnetError
    ) throws {
        func ends<Number: LosslessStringConvertible & Comparable>(
            _ least: Number, _ greatest: Number
        ) throws -> (Number, Number) {
            guard let first = low.isEmpty ? least : Number(low), let last = high.isEmpty ? greatest : Number(high),
                  first >= least, last <= greatest, first <= last else {
                throw fault("has no numbers '\(low)..\(high)' in ascending order for \(name)")
            }
            return (first, last)
        }
        let axes = ["x": 0, "y": 1, "z": 2]
        if name == "id" {
            let (first, last) = try ends(Int64(0), Int64.max)
            ids = first...last
        } else if let axis = axes[name] {
            (lower[axis], upper[axis]) = try ends(-Double.infinity, Double.infinity)
        } else if name.hasPrefix("cell-"), let axis = axes[String(name.dropFirst(5))] {
            (firstCell[axis], lastCell[axis]) = try ends(0, Int.max)
        } else {
            throw fault("has a condition on '\(name)'; there are x, y, z, cell-x, cell-y, cell-z and id")
        }
    }

    private static func split(_ text: String, at separator: Character) -> [String] {
        text.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }

    /// Whether an atom is in the region.
    ///
    /// - Parameters:
    ///   - position: in the box, Angstrom.
    ///   - cell: x, y, z.
    @inline(__always)
    func acts(on id: Int64, at position: SIMD3<Double>, in cell: SIMD3<Int>) -> Bool {
        for axis in 0..<3 {
            guard position[axis] >= lower[axis], position[axis] < upper[axis], cell[axis] >= firstCell[axis],
                  cell[axis] <= lastCell[axis] else { return false }
        }
        return ids.contains(id)
    }

    /// What a push of `duration` (ps) adds to an atom's momentum, u Angstrom/ps.
    func impulse(duration: Double) -> SIMD3<Double> { force * (duration / PhysicalConstants.kineticEnergyUnit) }

    /// Checks that the region is one of the grid, and that a push gives velocities that can be used.
    ///
    /// - Parameters:
    ///   - duration: of a push, ps.
    ///   - leastMass: of an atom, u.
    /// - Throws: `SAGESnetError.badRequest`.
    func check(_ grid: AtomGrid, duration: Double, leastMass: Double) throws {
        for axis in 0..<3 {
            let name = ["x", "y", "z"][axis]
            guard firstCell[axis] < grid.count(axis) else {
                throw SAGESnetError.badRequest(
                    "the force '\(text)' acts on cells from \(firstCell[axis]) on along \(name), and the grid has "
                        + "\(grid.count(axis))")
            }
            guard upper[axis] > grid.box.origin[axis], lower[axis] < grid.box.upper(axis) else {
                throw SAGESnetError.badRequest(
                    "the force '\(text)' acts outside of the box, which is from \(grid.box.origin[axis]) to "
                        + "\(grid.box.upper(axis)) Angstrom along \(name)")
            }
        }
        let change = impulse(duration: duration) / leastMass
        guard (change * change).sum() < Conservation.largestVelocity * Conservation.largestVelocity else {
            throw SAGESnetError.badRequest("the force '\(text)' makes atoms faster than anything is")
        }
    }
}
