import MPI
import Tensor
import Trajectory

/// How the stress changes over the frames of a run according to a model's effective potential; the stress itself is known
/// up to a pressure (`ElasticEvaluation`).
public struct StressEvaluation: Equatable, Sendable {
    public struct Frame: Equatable, Sendable {
        /// Of the box along x, y, z, Angstrom.
        public let edges: [Double]
        /// K
        public let temperature: Double
        /// From the first frame on: xx, yy, zz, yz, xz, xy in `unit`, positive where it pulls. That of the potential less
        /// that of the motion.
        public let stressChange: [Double]
        /// Of an atom, eV; its zero is the model's own.
        public let potentialEnergy: Double
    }

    public let frames: [Frame]
    /// GPa; of sheets N/m, the mean over the box times its height.
    public let unit: String

    private static let width = 11

    /// Each rank takes frames of its own; the figures have the same bits on any number of ranks. Collective.
    ///
    /// - Parameter parameters: in the model's layout.
    /// - Throws: on every rank, `SAGESnetError`.
    public init(
        _ model: SAGESnetModel, parameters: Buffer<Double>, run: AtomRun, communicator: Communicator
    ) throws {
        let width = StressEvaluation.width
        let table = Buffer<Double>(repeating: 0, count: width * run.frameCount)
        unit = try communicator.agree {
            let share = run.frameCount * communicator.rank / communicator.size
                ..< run.frameCount * (communicator.rank + 1) / communicator.size
            for index in share {
                let figures = try StressEvaluation.figures(model, parameters, run, index)
                for (column, value) in figures.enumerated() { table.pointer[width * index + column] = value }
            }
            return StressScale(SimulationStart(run, try run.frame(0, keeping: false), index: 0)).unit
        }
        // Each number comes from one rank, and zeros from the others.
        try communicator.allReduce(table.span, .sum)
        frames = (0..<run.frameCount).map { index in
            let row = Array(table.span[(width * index)..<(width * (index + 1))])
            return Frame(
                edges: Array(row[0..<3]), temperature: row[3], stressChange: (4..<10).map { row[$0] - table.pointer[$0] },
                potentialEnergy: row[10])
        }
    }

    /// Edges, temperature, stress, energy.
    private static func figures(
        _ model: SAGESnetModel, _ parameters: Buffer<Double>, _ run: AtomRun, _ index: Int
    ) throws -> [Double] {
        let frame = try run.frame(index, keeping: false)
        let start = SimulationStart(run, frame, index: index)
        let potential = try EffectivePotential(model, parameters: parameters, start: start)
        var motion = EffectivePotential.Matrix3(repeating: .zero, count: 3)
        for atom in start.atoms {
            for axis in 0..<3 {
                motion[axis] += PhysicalConstants.kineticEnergyUnit * atom.mass * atom.velocity[axis] * atom.velocity
            }
        }
        let scale = StressScale(start)
        let stress = zip(Voigt.components(try potential.virial()), Voigt.components(motion)).map {
            ($0 - $1) * scale.factor / scale.volume
        }
        let edges = frame.box.edges
        let temperature = KineticState(velocities: Array(frame.velocities.span), masses: run.masses).temperature
        return [edges.x, edges.y, edges.z, temperature] + stress + [try potential.state().energy / Double(run.atomCount)]
    }
}
