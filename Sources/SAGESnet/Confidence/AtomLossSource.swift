import Grid
import MPI
import Tensor
import Training

/// Rows of a model of atoms with the losses of its single steps from the frames of runs, as its `Simulator` makes them.
///
/// The loss of an atom is the mean over x, y, z of its squared errors of position and velocity, each in units of what a
/// ballistic step misses in training, as in training; that of a cell the mean over its atoms.
public final class AtomLossSource: LossSource {
    let model: SAGESnetModel
    private let parameters: Buffer<Float>
    private let runs: [AtomRun]
    private let samples: [(run: Int, frame: Int)]
    private var current: (run: Int, simulator: Simulator<Float>, surroundings: Surroundings<Float>)?
    /// Seconds spent on numbers of the rows, and on steps.
    private(set) var seconds = (surroundings: 0.0, steps: 0.0)

    /// What is known of a frame.
    struct Frame {
        var rows = LossRows()
        /// Of each atom, in ascending order of ids. [N]
        var rowOfAtom: [Int] = []
        var lossOfAtom: [Double] = []
        /// The predicted step of each, Angstrom and Angstrom/ps.
        var moved: [SIMD3<Double>] = []
        var velocities: [SIMD3<Double>] = []
    }

    /// Not collective.
    ///
    /// - Throws: `SAGESnetError.unsuitableData` for runs without frames that are one step of the model apart.
    public init(_ model: SAGESnetModel, parameters: Buffer<Float>, runs: [AtomRun]) throws {
        (self.model, self.parameters, self.runs) = (model, parameters, runs)
        var samples: [(run: Int, frame: Int)] = []
        for (index, run) in runs.enumerated() {
            try run.requireTimeStep(of: model)
            samples += run.starts(steps: 1).map { (index, $0) }
        }
        self.samples = samples
    }

    public var featureCount: Int { model.surroundingsCount }
    public var sampleCount: Int { samples.count }

    public func rows(ofSample sample: Int) throws -> LossRows { try frame(ofSample: sample).rows }

    /// The run of a sample and its frame there.
    func place(ofSample sample: Int) -> (run: AtomRun, frame: Int) { (runs[samples[sample].run], samples[sample].frame) }

    func frame(ofSample sample: Int) throws -> Frame {
        let (index, first) = samples[sample]
        let run = runs[index]
        let (start, end) = (try run.frame(first, keeping: false), try run.frame(first + 1, keeping: false))
        let (simulator, surroundings) = try started(index, first, start)
        var result = Frame()
        let begin = MPIEnvironment.wallTime()
        let (features, rows) = try surroundings.compute()
        result.rows.features = Array(UnsafeBufferPointer(start: features, count: rows * featureCount))
        let middle = MPIEnvironment.wallTime()
        let slots = Int32(simulator.model.configuration.slots)
        var rowOfID: [Int64: Int] = [:]
        let atoms = simulator.atoms.arrays
        for atom in 0..<atoms.count { rowOfID[atoms.atoms[atom].id] = Int(atoms.entries[atom] / slots) }
        let computed = MPIEnvironment.wallTime()
        try simulator.advance()
        seconds.surroundings += middle - begin
        seconds.steps += MPIEnvironment.wallTime() - computed

        result.rowOfAtom = run.ids.map { rowOfID[$0, default: 0] }
        result.lossOfAtom = Array(repeating: 0, count: run.atomCount)
        result.moved = Array(repeating: .zero, count: run.atomCount)
        result.velocities = result.moved
        let atomOfID = Dictionary(uniqueKeysWithValues: run.ids.enumerated().map { ($1, $0) })
        let (distance, speed) = (model.normalization.displacement, model.normalization.kick)
        for predicted in simulator.localAtoms {
            let atom = atomOfID[predicted.id, default: 0]
            var moved = predicted.position - SIMD3(start.positions.pointer, 3 * atom)
            for axis in 0..<3 where start.box.boundary(axis) == .periodic {
                moved[axis] -= start.box.edges[axis] * (moved[axis] / start.box.edges[axis]).rounded()
            }
            let missed = (moved - run.displacement(of: atom, from: start, to: end)) / distance
            let kick = (predicted.velocity - SIMD3(end.velocities.pointer, 3 * atom)) / speed
            result.lossOfAtom[atom] = ((missed * missed).sum() + (kick * kick).sum()) / 3
            (result.moved[atom], result.velocities[atom]) = (moved, predicted.velocity)
        }
        var counts = [Double](repeating: 0, count: rows)
        result.rows.losses = Array(repeating: 0, count: rows)
        for atom in 0..<run.atomCount {
            result.rows.losses[result.rowOfAtom[atom]] += result.lossOfAtom[atom]
            counts[result.rowOfAtom[atom]] += 1
        }
        for row in 0..<rows where counts[row] > 0 { result.rows.losses[row] /= counts[row] }
        // Of a dense grid, cells without atoms have no loss.
        let occupied = (0..<rows).filter { counts[$0] > 0 }
        guard occupied.count < rows else { return result }
        result.rows = result.rows.rows(occupied)
        let place = Dictionary(uniqueKeysWithValues: occupied.enumerated().map { ($1, $0) })
        result.rowOfAtom = result.rowOfAtom.map { place[$0, default: 0] }
        return result
    }

    /// A simulator that begins at a frame, the last one where run and box are the same.
    private func started(
        _ run: Int, _ index: Int, _ frame: AtomRun.Frame
    ) throws -> (Simulator<Float>, Surroundings<Float>) {
        let start = SimulationStart(runs[run], frame, index: index)
        if let current, current.run == run, current.simulator.grid.box == start.box {
            try current.simulator.restart(from: start)
            return (current.simulator, current.surroundings)
        }
        let simulator = try Simulator<Float>(
            model: model, parameters: parameters, start: start, communicator: .selfOnly,
            environment: runs[run].environmentValues(of: model), alignment: runs[run].alignment)
        let surroundings = Surroundings(simulator)
        current = (run, simulator, surroundings)
        return (simulator, surroundings)
    }
}
