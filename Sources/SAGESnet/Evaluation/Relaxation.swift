import Tensor

/// Atoms brought to rest in a model's effective potential.
struct Relaxation {
    /// The largest component of a force that is left, eV/Angstrom.
    static let tolerance = 1e-5
    private static let mostIterations = 2000
    /// Along which a second derivative is found, Angstrom.
    private static let probe = 1e-4

    /// [N, 3]
    private(set) var displacements: [Double]
    private(set) var state: EffectivePotential.State
    /// Whether an atom came as far as lists of pairs allow.
    private(set) var isAtLimit = false

    /// Minimizes the energy by conjugate gradients (Polak and Ribière), from displacements on.
    ///
    /// - Throws: `SAGESnetError.badRequest` where it does not converge.
    init(_ potential: EffectivePotential, deformation: EffectivePotential.Matrix3, from start: [Double]? = nil) throws {
        let count = 3 * potential.atoms.count
        displacements = start ?? [Double](repeating: 0, count: count)
        state = try potential.state(deformation: deformation, displacements: displacements)
        var direction = state.forces
        for _ in 0..<Relaxation.mostIterations {
            let forces = state.forces
            if (forces.map { abs($0) }.max() ?? 0) < Relaxation.tolerance { return }
            var slope = Relaxation.product(forces, direction)
            if slope <= 0 { (direction, slope) = (forces, Relaxation.product(forces, forces)) }
            let longest = direction.map { abs($0) }.max() ?? 1
            let trial = Relaxation.probe / longest
            let probed = try potential.state(
                deformation: deformation, displacements: Relaxation.sum(displacements, trial, direction))
            let curvature = (slope - Relaxation.product(probed.forces, direction)) / trial
            // Where the energy is not convex, a short step downhill.
            let step = min(curvature > 0 ? slope / curvature : .infinity, 0.4 * potential.largestDisplacement / longest)
            let next = Relaxation.sum(displacements, step, direction)
            guard next.allSatisfy({ abs($0) < potential.largestDisplacement }) else {
                isAtLimit = true
                return
            }
            displacements = next
            state = try potential.state(deformation: deformation, displacements: displacements)
            let change = Relaxation.product(state.forces, state.forces) - Relaxation.product(state.forces, forces)
            let mixing = max(0, change / Relaxation.product(forces, forces))
            direction = Relaxation.sum(state.forces, mixing, direction)
        }
        throw Relaxation.restless
    }

    /// A frame's atoms at rest in its box; atoms that go far get new lists of pairs on the way.
    ///
    /// - Throws: as `init`, and as the potential's.
    static func rest(
        _ model: SAGESnetModel, parameters: Buffer<Double>, start: SimulationStart
    ) throws -> (potential: EffectivePotential, relaxation: Relaxation) {
        var moved = start
        for _ in 0..<mostIterations {
            let potential = try EffectivePotential(model, parameters: parameters, start: moved)
            let found = try Relaxation(potential, deformation: EffectivePotential.identity)
            guard found.isAtLimit else { return (potential, found) }
            moved.atoms = potential.atoms.enumerated().map { row, atom in
                var atom = atom
                for axis in 0..<3 {
                    atom.position[axis] = AtomGrid.quantized(atom.position[axis] + found.displacements[3 * row + axis])
                }
                return atom
            }
        }
        throw restless
    }

    static let restless = SAGESnetError.badRequest(
        "the atoms do not come to rest in \(mostIterations) steps of relaxation")

    private static func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    private static func sum(_ a: [Double], _ factor: Double, _ b: [Double]) -> [Double] {
        zip(a, b).map { $0 + factor * $1 }
    }
}
