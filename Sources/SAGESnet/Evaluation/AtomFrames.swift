import MPI
import Trajectory

/// All atoms of a simulation in ascending order of ids, on every rank.
struct GatheredAtoms {
    let ids: [Int64]
    /// u. [N]
    let masses: [Double]
    /// Angstrom. [N, 3]
    let positions: [Double]
    /// Angstrom/ps. [N, 3]
    let velocities: [Double]

    var state: KineticState { KineticState(velocities: velocities, masses: masses) }

    /// Numbers of an atom: id, mass, position, velocity. An id up to 2^53 is exact.
    static let width = 8

    /// Collective.
    init<Scalar>(_ simulator: Simulator<Scalar>, _ communicator: Communicator) throws {
        let width = Self.width
        var own: [Double] = []
        own.reserveCapacity(width * simulator.localAtoms.count)
        for atom in simulator.localAtoms {
            own += [Double(atom.id), atom.mass]
            for axis in 0..<3 { own.append(atom.position[axis]) }
            for axis in 0..<3 { own.append(atom.velocity[axis]) }
        }
        try self.init(own, communicator)
    }

    /// From the numbers of this rank's atoms. Collective.
    init(_ own: [Double], _ communicator: Communicator) throws {
        let width = Self.width
        let all = try communicator.allGatherV(own).elements
        let order = (0..<(all.count / width)).sorted { all[width * $0] < all[width * $1] }
        ids = order.map { Int64(all[width * $0]) }
        masses = order.map { all[width * $0 + 1] }
        positions = order.flatMap { all[(width * $0 + 2)..<(width * $0 + 5)] }
        velocities = order.flatMap { all[(width * $0 + 5)..<(width * $0 + 8)] }
    }
}

extension SimulationStart {
    /// A frame of a run, every atom on this rank.
    init(_ run: AtomRun, _ frame: AtomRun.Frame, index: Int) {
        atoms = run.ids.indices.map { atom in
            SimulatedAtom(
                id: run.ids[atom], species: run.table.speciesIndices[atom], element: run.elements[atom],
                mass: run.masses[atom], mobility: run.mobility[atom],
                position: SIMD3(frame.positions.pointer, 3 * atom), velocity: SIMD3(frame.velocities.pointer, 3 * atom),
                image: .zero)
        }
        atomCount = run.atomCount
        box = frame.box
        species = run.table.species
        step = Int64(index)
        time = Double(index) * run.timeStep
        source = run.path
    }
}

extension AtomRun {
    /// Checks that a step of the model leads from a frame to the next.
    ///
    /// - Throws: `SAGESnetError.unsuitableData`.
    func requireTimeStep(of model: SAGESnetModel) throws {
        let expected = model.normalization.timeStep
        guard abs(timeStep - expected) <= 1e-6 * expected else {
            throw SAGESnetError.unsuitableData(
                file: path, reason: "its frames are \(timeStep) ps apart, a step of the model is \(expected) ps")
        }
    }

    /// The run's values of the model's environment variables.
    func environmentValues(of model: SAGESnetModel) -> [EnvironmentVariable: Double] {
        Dictionary(uniqueKeysWithValues: zip(model.configuration.environment, environment))
    }
}
