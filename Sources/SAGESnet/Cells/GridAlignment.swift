import Foundation
import Trajectory

/// Where cell centers must lie so that atoms are near them: the circular mean of the atoms' places in their cells,
/// from sums in 64-bit integers, which any number of ranks may share.
public struct GridAlignment: Equatable, Sendable {
    /// Cosine and sine sums for x, y, z, in units of 2^-30; then the number of atoms.
    public private(set) var sums = [Int64](repeating: 0, count: 7)

    public init() {}

    /// Adds the sums of other atoms, of another rank for example.
    public init(sums: [Int64]) {
        precondition(sums.count == 7, "seven sums")
        self.sums = sums
    }

    /// Adds an atom at a position, Angstrom, in a box whose cells have the given edges.
    public mutating func add(_ position: SIMD3<Double>, box: SimulationBox, cellSize: SIMD3<Double>) {
        for axis in 0..<3 {
            let angle = 2 * Double.pi * (position[axis] - box.origin[axis]) / cellSize[axis]
            sums[2 * axis] += Int64((cos(angle) * 0x1p30).rounded())
            sums[2 * axis + 1] += Int64((sin(angle) * 0x1p30).rounded())
        }
        sums[6] += 1
    }

    /// The places of cell centers above the box's lower corner, in cells, 0 to 1.
    public var phase: SIMD3<Double> {
        var phase = SIMD3<Double>()
        for axis in 0..<3 {
            let turn = atan2(Double(sums[2 * axis + 1]), Double(sums[2 * axis])) / (2 * Double.pi)
            phase[axis] = turn < 0 ? turn + 1 : turn
        }
        return phase
    }

    /// How well atoms agree on a place along each axis: 1 if all do, near 0 for a liquid.
    public var sharpness: SIMD3<Double> {
        var sharpness = SIMD3<Double>()
        for axis in 0..<3 {
            let (c, s) = (Double(sums[2 * axis]), Double(sums[2 * axis + 1]))
            sharpness[axis] = (c * c + s * s).squareRoot() / (0x1p30 * Double(max(sums[6], 1)))
        }
        return sharpness
    }
}
