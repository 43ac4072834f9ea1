/// What a prediction must not change: the total momentum, and the motion of the center of mass.
///
/// Predicted kicks (and displacements) have mass-weighted sums that should be zero; these are taken from every atom in
/// equal parts (004, "Potential challenges"), for each kick of a step. Forces from outside do change the momentum: what they
/// gave is remembered beside. Sums are in 64-bit integers, so the correction has the same bits on any number of ranks. Atoms, ids and masses are
/// conserved by construction: atoms are moved, never made.
public struct Conservation: Sendable {
    /// By how much the last step corrected all velocities, Angstrom/ps.
    public private(set) var velocityCorrection = SIMD3<Double>()
    /// By how much the last step corrected all positions, Angstrom.
    public private(set) var displacementCorrection = SIMD3<Double>()
    /// The largest magnitude of each since the start.
    public private(set) var largestVelocityCorrection = 0.0
    public private(set) var largestDisplacementCorrection = 0.0
    /// What forces from outside gave to the total momentum since the start, u Angstrom/ps.
    public private(set) var impulse = SIMD3<Double>()

    /// The largest velocity, or change of one, whose sums cannot overflow, Angstrom/ps: a fiftieth of that of light.
    static let largestVelocity = 0x1p16

    /// One over the spacing of the sums' terms, u Angstrom/ps and u Angstrom: rounding is far below float32's, and sums of
    /// 2^20 atoms of 2^8 u at 2^10 Angstrom/ps stay below 2^63.
    private static let scale = 0x1p24

    /// - Parameters: the largest corrections of the steps before and the impulse given, where a run is resumed.
    init(
        largestVelocityCorrection: Double = 0, largestDisplacementCorrection: Double = 0, impulse: SIMD3<Double> = .zero
    ) {
        self.largestVelocityCorrection = largestVelocityCorrection
        self.largestDisplacementCorrection = largestDisplacementCorrection
        self.impulse = impulse
    }

    /// A momentum (u Angstrom/ps) or moment of mass (u Angstrom) in units of the sums, for magnitudes below 2^27.
    @inline(__always)
    static func units(_ value: SIMD3<Double>) -> SIMD3<Int64> {
        // At this size the spacing of doubles is 1: adding it rounds, and the last bits are the integer.
        let shift = SIMD3<Double>(repeating: 0x1.8p52)
        let sum = value * scale + shift
        let zero = Int64(bitPattern: (0x1.8p52).bitPattern)
        return SIMD3(
            Int64(bitPattern: sum.x.bitPattern) &- zero, Int64(bitPattern: sum.y.bitPattern) &- zero,
            Int64(bitPattern: sum.z.bitPattern) &- zero)
    }

    /// What every atom gets so that a sum over all atoms becomes zero.
    ///
    /// - Parameter totalMass: of all atoms, u.
    static func correction(ofSum units: SIMD3<Int64>, totalMass: Double) -> SIMD3<Double> {
        SIMD3(-Double(units.x), -Double(units.y), -Double(units.z)) / (scale * totalMass)
    }

    /// Remembers what a step corrected.
    mutating func record(velocity: SIMD3<Double>, displacement: SIMD3<Double>) {
        func length(_ vector: SIMD3<Double>) -> Double { (vector * vector).sum().squareRoot() }
        (velocityCorrection, displacementCorrection) = (velocity, displacement)
        largestVelocityCorrection = max(largestVelocityCorrection, length(velocity))
        largestDisplacementCorrection = max(largestDisplacementCorrection, length(displacement))
    }

    /// Remembers what forces gave, u Angstrom/ps.
    mutating func record(impulse given: SIMD3<Double>) { impulse += given }
}
