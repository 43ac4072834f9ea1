import MPI
import Tensor

/// What a prediction must not change: the total momentum, and the motion of the center of mass.
///
/// A predicted step adds mass-weighted sums of displacements and velocity changes that should be zero; they are taken
/// from every atom in equal parts (004, "Potential challenges"). Sums are in 64-bit integers, so the correction has the
/// same bits on any number of ranks. Atoms, ids and masses are conserved by construction: atoms are moved, never made.
public struct Conservation: Sendable {
    /// The last correction of all velocities, Angstrom/ps.
    public private(set) var velocityCorrection = SIMD3<Double>()
    /// The last correction of all positions, Angstrom.
    public private(set) var displacementCorrection = SIMD3<Double>()
    /// The largest magnitude of each since the start.
    public private(set) var largestVelocityCorrection = 0.0
    public private(set) var largestDisplacementCorrection = 0.0

    /// The largest velocity, or change of one, whose sums cannot overflow, Angstrom/ps: a fiftieth of that of light.
    static let largestVelocity = 0x1p16

    private let sums = Sums()
    /// Kept on the heap so that a step allocates nothing.
    private final class Sums: @unchecked Sendable {
        let values = Buffer<Int64>(repeating: 0, count: 8)
    }

    /// The spacing of the sums' terms, u Angstrom/ps and u Angstrom: rounding is far below float32's, and 2^20 atoms of
    /// 2^8 u at 2^10 Angstrom/ps stay below 2^63.
    private static let scale = 0x1p24

    /// - Parameters: the largest corrections of the steps before, where a run is resumed.
    init(largestVelocityCorrection: Double = 0, largestDisplacementCorrection: Double = 0) {
        self.largestVelocityCorrection = largestVelocityCorrection
        self.largestDisplacementCorrection = largestDisplacementCorrection
    }

    /// Finds the corrections for this step.
    ///
    /// - Parameters:
    ///   - totalMass: of all atoms, u.
    ///   - change: displacement and velocity change of an atom of this rank; nil if they are not usable.
    /// - Returns: false on every rank if any rank had an unusable change. Collective.
    mutating func balance(
        _ atoms: UnsafeBufferPointer<SimulatedAtom>, totalMass: Double, communicator: Communicator,
        change: (Int) -> (displacement: SIMD3<Double>, velocity: SIMD3<Double>)?
    ) throws -> Bool {
        let sum = sums.values.span
        sum.update(repeating: 0)
        for index in atoms.indices {
            guard let change = change(index) else {
                sum[6] = 1
                continue
            }
            for axis in 0..<3 {
                sum[axis] += Int64((atoms[index].mass * change.displacement[axis] * Conservation.scale).rounded())
                sum[3 + axis] += Int64((atoms[index].mass * change.velocity[axis] * Conservation.scale).rounded())
            }
        }
        if communicator.size > 1 { try communicator.allReduce(sum, .sum) }
        guard sum[6] == 0 else { return false }
        for axis in 0..<3 {
            displacementCorrection[axis] = -Double(sum[axis]) / Conservation.scale / totalMass
            velocityCorrection[axis] = -Double(sum[3 + axis]) / Conservation.scale / totalMass
        }
        func length(_ vector: SIMD3<Double>) -> Double { (vector * vector).sum().squareRoot() }
        largestVelocityCorrection = max(largestVelocityCorrection, length(velocityCorrection))
        largestDisplacementCorrection = max(largestDisplacementCorrection, length(displacementCorrection))
        return true
    }
}
