/// Kinetic energy, temperature and momentum of one frame.
public struct KineticState: Sendable, Equatable {
    /// Sum of m v² / 2, eV.
    public let kineticEnergy: Double
    /// 2 E / (d k_B), K, where d = 3 N - 3: the motion of the center of mass is no heat.
    public let temperature: Double
    /// Sum of m v along x, y, z, u Å/ps.
    public let momentum: [Double]

    /// - Parameters:
    ///   - velocities: [atom, 3], Å/ps.
    ///   - masses: [atom], u.
    ///
    /// The kinetic energy is that in the frame of the center of mass, as 3 N - 3 degrees of freedom ask for.
    public init(velocities: [Double], masses: [Double]) {
        precondition(velocities.count == 3 * masses.count, "three velocities for each mass")
        var momentum = [0.0, 0.0, 0.0]
        var mass = 0.0
        var sum = 0.0
        for atom in masses.indices {
            let m = masses[atom]
            let x = velocities[3 * atom], y = velocities[3 * atom + 1], z = velocities[3 * atom + 2]
            sum += m * (x * x + y * y + z * z)
            momentum[0] += m * x
            momentum[1] += m * y
            momentum[2] += m * z
            mass += m
        }
        if mass > 0 {
            sum -= (momentum[0] * momentum[0] + momentum[1] * momentum[1] + momentum[2] * momentum[2]) / mass
        }
        kineticEnergy = max(0, sum) / 2 * PhysicalConstants.kineticEnergyUnit
        let freedoms = Double(max(1, 3 * masses.count - 3))
        temperature = 2 * kineticEnergy / (freedoms * PhysicalConstants.boltzmann)
        self.momentum = momentum
    }
}
