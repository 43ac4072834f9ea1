/// Kinetic energy, temperature and momentum of one frame.
public struct KineticState: Sendable, Equatable {
    /// Sum of m v² / 2 in the frame of the center of mass, eV.
    public let kineticEnergy: Double
    /// K; see `temperature(squares:momentum:mass:atoms:)`.
    public let temperature: Double
    /// Sum of m v along x, y, z, u Å/ps.
    public let momentum: [Double]

    /// - Parameters:
    ///   - velocities: [atom, 3], Å/ps.
    ///   - masses: [atom], u.
    public init(velocities: UnsafeBufferPointer<Double>, masses: [Double]) {
        precondition(velocities.count == 3 * masses.count, "three velocities for each mass")
        var momentum = SIMD3<Double>()
        var (mass, squares) = (0.0, 0.0)
        for (atom, m) in masses.enumerated() {
            let v = SIMD3(velocities[3 * atom], velocities[3 * atom + 1], velocities[3 * atom + 2])
            squares += m * (v * v).sum()
            momentum += m * v
            mass += m
        }
        kineticEnergy = Self.heat(squares, momentum, mass) / 2 * PhysicalConstants.kineticEnergyUnit
        temperature = Self.temperature(squares: squares, momentum: momentum, mass: mass, atoms: masses.count)
        self.momentum = [momentum.x, momentum.y, momentum.z]
    }

    public init(velocities: [Double], masses: [Double]) {
        self = velocities.withUnsafeBufferPointer { KineticState(velocities: $0, masses: masses) }
    }

    /// The kinetic temperature 2 E / (d k_B), K, of sums over the atoms: the one convention of SAGES.
    ///
    /// E is the kinetic energy in the frame of the center of mass, and d = 3 N - 3: where momentum is conserved, as in
    /// molecular dynamics and in simulations of SAGES, the motion of the center of mass is no heat.
    ///
    /// - Parameters:
    ///   - squares: sum of m v², u Å²/ps².
    ///   - momentum: sum of m v, u Å/ps.
    ///   - mass: sum of m, u.
    public static func temperature(squares: Double, momentum: SIMD3<Double>, mass: Double, atoms: Int) -> Double {
        let freedoms = Double(max(1, 3 * atoms - 3))
        return heat(squares, momentum, mass) * PhysicalConstants.kineticEnergyUnit / (freedoms * PhysicalConstants.boltzmann)
    }

    /// Twice the kinetic energy in the frame of the center of mass, u Å²/ps².
    private static func heat(_ squares: Double, _ momentum: SIMD3<Double>, _ mass: Double) -> Double {
        mass > 0 ? max(0, squares - (momentum * momentum).sum() / mass) : 0
    }
}
