import Grid
import MPI
import Tensor
import Training
import Trajectory

/// What a network knows of the atoms of a trajectory: each atom's codes of all frames are on one rank.
struct PatternSamples {
    /// The same on every rank.
    struct Frame {
        let step: Int64
        /// ps
        let time: Double
        let box: SimulationBox
    }

    let width: Int
    let frames: [Frame]
    let species: SpeciesTable
    /// Of this rank's atoms, ascending. [N]
    let ids: [Int64]
    /// Indices in the species table. [N]
    let speciesIndices: [Int32]
    /// Angstrom. [frames, N, 3]
    let positions: [Double]
    /// [frames, N, width]
    let codes: [Float]
    /// eV, up to a constant; nil where the model has none for each atom. [frames, N]
    let energies: [Double]?
    /// Atoms within the cutoff of bonds; nil where the model lists none. [frames, N]
    let coordination: [Int32]?

    var atomCount: Int { ids.count }

    /// One atom on its way to the rank of its id; the code follows.
    private struct Record: BitwiseCopyable {
        var id: Int64
        var position: SIMD3<Double>
        var energy: Double
        var species: Int32
        var coordination: Int32

        static let bytes = MemoryLayout<Record>.stride
    }

    /// Runs a model's network on frames of a trajectory; every frame over all ranks. Collective.
    ///
    /// - Parameter progress: called after each frame.
    /// - Throws: on every rank, what reading and the simulator's start do.
    init<Scalar: TrainingScalar & GridScalar>(
        _ path: String, frames indices: [Int], model: SAGESnetModel, parameters: Buffer<Scalar>,
        communicator: Communicator, progress: (Int) -> Void
    ) throws {
        var simulator: Simulator<Scalar>?
        var migration: RowMigration?
        var (frames, ids, species, table) = ([Frame](), [Int64](), [Int32](), SpeciesTable(symbols: [], masses: []))
        var (positions, codes, energies, coordination) = ([Double](), [Float](), [Double](), [Int32]())
        var (width, hasEnergies, hasCoordination) = (0, false, false)
        for index in indices {
            let start = try SimulationStart(path, frame: index, for: model, communicator: communicator)
            if let known = simulator, known.grid.box == start.box {
                try known.restart(from: start)
            } else {
                simulator = try Simulator(model: model, parameters: parameters, start: start, communicator: communicator)
            }
            guard let simulator else { preconditionFailure("a simulator was made") }
            let found = try simulator.codes()
            (width, hasEnergies, hasCoordination) = (found.width, found.energies != nil, found.coordination != nil)
            let bytes = Record.bytes + width * MemoryLayout<Float>.stride
            let moving = try migration ?? RowMigration(
                communicator: communicator, bytesPerRecord: bytes, capacity: start.atoms.count)
            migration = moving
            try PatternSamples.send(simulator, found, by: moving, ranks: communicator.size)

            // All ranks send their atoms; here they are brought into the order of ids, the same in every frame.
            let received = moving.received
            func record(_ place: Int) -> Record { received.loadUnaligned(fromByteOffset: place * bytes, as: Record.self) }
            let order = (0..<moving.receivedCount).sorted { record($0).id < record($1).id }
            let own = order.map { record($0).id }
            if frames.isEmpty {
                (ids, species, table) = (own, order.map { record($0).species }, start.species)
            }
            try communicator.agree {
                guard own.last ?? 0 < 1 << 40 else {
                    throw SAGESnetError.unsuitableData(file: path, reason: "it has an atom \(own.last ?? 0): too great an id")
                }
                guard own == ids else {
                    throw SAGESnetError.unsuitableData(file: path, reason: "its frames do not hold the same atoms")
                }
            }
            for place in order {
                let one = record(place)
                for axis in 0..<3 { positions.append(one.position[axis]) }
                energies.append(one.energy)
                coordination.append(one.coordination)
                for channel in 0..<width {
                    codes.append(
                        received.loadUnaligned(fromByteOffset: place * bytes + Record.bytes + 4 * channel, as: Float.self))
                }
            }
            frames.append(Frame(step: start.step, time: start.time, box: start.box))
            progress(frames.count)
        }
        (self.width, self.frames, self.ids, self.species, speciesIndices) = (width, frames, ids, table, species)
        (self.positions, self.codes) = (positions, codes)
        self.energies = hasEnergies ? energies : nil
        self.coordination = hasCoordination ? coordination : nil
    }

    /// Sends each atom's record to the rank `id mod ranks`. Collective.
    private static func send<Scalar>(
        _ simulator: Simulator<Scalar>, _ found: AtomCodes, by migration: RowMigration, ranks: Int
    ) throws {
        let atoms = simulator.localAtoms
        let bytes = migration.bytesPerRecord
        let records = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, atoms.count * bytes), alignment: 16)
        defer { records.deallocate() }
        for index in atoms.indices {
            let record = Record(
                id: atoms[index].id, position: simulator.placeInBox(atoms[index]).position,
                energy: found.energies?[index] ?? 0, species: atoms[index].species,
                coordination: found.coordination?[index] ?? 0)
            records.storeBytes(of: record, toByteOffset: index * bytes, as: Record.self)
            for channel in 0..<found.width {
                records.storeBytes(
                    of: found.codes[index * found.width + channel],
                    toByteOffset: index * bytes + Record.bytes + 4 * channel, as: Float.self)
            }
        }
        let destinations = atoms.map { Int32(truncatingIfNeeded: $0.id % Int64(ranks)) }
        try destinations.withUnsafeBufferPointer {
            try migration.migrate(records: UnsafeRawBufferPointer(records), destinations: $0)
        }
    }
}
