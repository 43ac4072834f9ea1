import MPI
import Tensor
import Trajectory

/// Elastic constants of a crystal at rest, from a model's effective potential.
///
/// They are derivatives of the stress. The stress itself is known up to a pressure: adding a multiple of the volume to the
/// energy changes no kick in any closed box, so kicks do not tell it.
public struct ElasticEvaluation: Equatable, Sendable {
    /// C_ab: the change of the stress component a with the strain b, in the order xx, yy, zz, yz, xz, xy (shears count
    /// twice, as angles); atoms are relaxed under each strain. In `unit`; of a sheet those across it mean nothing.
    public let stiffness: [[Double]]
    /// Of the relaxed crystal in its box, up to a pressure; in the same order, positive where it pulls.
    let stress: [Double]
    /// GPa; of sheets N/m, the mean over the box times its height.
    public let unit: String
    public let atomCount: Int

    /// Relaxes a frame in its box and strains it. Rank 0 computes. Collective.
    ///
    /// - Parameters:
    ///   - parameters: in the model's layout.
    ///   - strain: by how much the box is strained both ways, up to 0.02. Where a potential has kinks the constants depend on it.
    /// - Throws: on every rank, `SAGESnetError`.
    public static func run(
        _ model: SAGESnetModel, parameters: Buffer<Double>, start: SimulationStart, strain: Double,
        communicator: Communicator
    ) throws -> ElasticEvaluation? {
        try communicator.agree {
            communicator.rank == 0
                ? try ElasticEvaluation(model, parameters: parameters, start: start, strain: strain) : nil
        }
    }

    /// - Parameter start: every atom, on this rank.
    init(
        _ model: SAGESnetModel, parameters: Buffer<Double>, start: SimulationStart, strain: Double = 1e-4
    ) throws {
        let (potential, rest) = try Relaxation.rest(model, parameters: parameters, start: start)
        let scale = StressScale(start)
        func strained(
            _ potential: EffectivePotential, _ deformation: EffectivePotential.Matrix3, _ displacements: [Double], _ volume: Double
        ) throws -> [Double] {
            Voigt.components(try potential.virial(deformation: deformation, displacements: displacements))
                .map { $0 * scale.factor / volume }
        }
        stress = try strained(potential, EffectivePotential.identity, rest.displacements, scale.volume)
        (unit, atomCount) = (scale.unit, start.atomCount)
        // [strain][stress]
        let responses = try Voigt.axes.map { axes -> [Double] in
            let ends = try [1.0, -1.0].map { sign -> [Double] in
                var deformation = EffectivePotential.identity
                deformation[axes.0][axes.1] += sign * strain
                let relaxed = try Relaxation(potential, deformation: deformation, from: rest.displacements)
                guard !relaxed.isAtLimit else { throw Relaxation.restless }
                let growth = axes.0 == axes.1 ? 1 + sign * strain : 1
                return try strained(potential, deformation, relaxed.displacements, scale.volume * growth)
            }
            return zip(ends[0], ends[1]).map { ($0 - $1) / (2 * strain) }
        }
        stiffness = (0..<6).map { component in responses.map { $0[component] } }
    }
}

/// From a virial to a stress.
struct StressScale {
    /// Angstrom^3
    let volume: Double
    /// From eV/Angstrom^3.
    let factor: Double
    let unit: String

    /// One eV/Angstrom^3 in GPa: 1.602176634e-19 J / 1e-30 m^3 / 1e9.
    private static let gigapascal = 160.2176634

    init(_ start: SimulationStart) {
        let edges = [start.box.edges.x, start.box.edges.y, start.box.edges.z]
        volume = edges[0] * edges[1] * edges[2]
        let normal = AtomicSheet.normal(
            positions: start.atoms.flatMap { [$0.position.x, $0.position.y, $0.position.z] }, edges: edges,
            isPeriodic: (0..<3).map { start.box.boundary($0) == .periodic })
        // 1 GPa times 1 Angstrom is 0.1 N/m.
        factor = StressScale.gigapascal * (normal.map { 0.1 * edges[$0] } ?? 1)
        unit = normal == nil ? "GPa" : "N/m"
    }
}
