import Diagnostics
import Grid
import HDF5
import MPI
import Tensor
import Training
import Trajectory

/// Names of what a simulation writes under `/observables`.
enum Observable {
    static let temperature = "temperature"
    /// The largest so far.
    static let velocityCorrection = "velocity_correction"
    static let displacementCorrection = "displacement_correction"
    /// What forces gave to the total momentum so far, along x, y, z.
    static let impulse = ["impulse_x", "impulse_y", "impulse_z"]
    /// Of each atom, of a step from the frame, in units of what a ballistic step misses: what a network of confidence
    /// expects, and the upper end of its band at 95 %.
    static let expectedError = "expected_error"
    static let upperError = "upper_error"
}

/// Writes the frames of a simulation as H5MD, with temperature, the corrections of conservation and the impulse of forces as
/// observables.
///
/// A frame is copied and written while the simulation goes on (a compressed one at once). It is safe from a kill once it
/// is flushed: `write` begins to bring frames to the disk at most every `flushInterval` seconds, and the next `proceed`
/// or `write` completes it. Where writing fails, the next call throws, and the frames before stay as they were.
public final class SimulationOutput<Scalar: TrainingScalar & GridScalar> {
    private let writer: H5MDWriter
    private let communicator: Communicator
    private let flushInterval: Double
    private let confidence: ConfidenceObserver<Scalar>?
    /// When a flush was last begun; rank 0's clock.
    private var lastFlush = -Double.infinity
    private var isFlushing = false
    private var ids = Buffer<Int64>(repeating: 0, count: 0)
    private var species = Buffer<Int32>(repeating: 0, count: 0)
    private var positions = Buffer<Double>(repeating: 0, count: 0)
    private var velocities = Buffer<Double>(repeating: 0, count: 0)
    private var images = Buffer<Int32>(repeating: 0, count: 0)
    private var expected = Buffer<Double>(repeating: 0, count: 0)
    private var upper = Buffer<Double>(repeating: 0, count: 0)

    private static var observables: [H5MDOptions.Quantity] {
        [
            .init(name: Observable.temperature, unit: "K"),
            .init(name: Observable.velocityCorrection, unit: "Angstrom ps-1"),
            .init(name: Observable.displacementCorrection, unit: "Angstrom"),
        ] + Observable.impulse.map { .init(name: $0, unit: "u Angstrom ps-1") }
    }

    /// Of each atom, where there is a network of confidence.
    private static var confidenceScalars: [H5MDOptions.Quantity] {
        [.init(name: Observable.expectedError, unit: ""), .init(name: Observable.upperError, unit: "")]
    }

    /// Of the last frame, K; NaN without one.
    private(set) var lastTemperature = Double.nan
    /// Frames in the file.
    public var frameCount: Int { writer.frameCount }
    public var path: String { writer.path }
    /// How the file is written.
    public var precision: H5MDOptions.Precision { writer.options.precision }
    public var deflate: Int? { writer.options.deflate }
    /// The file, for provenance and further groups.
    public var file: File { writer.file }

    /// Makes a new file. Collective.
    ///
    /// - Parameters:
    ///   - precision: of positions and velocities. From float64 a run can be resumed as if it had not stopped;
    ///     from float32 only with a `SimulationRestart`.
    ///   - deflate: compression level 1 to 9 of per-atom data, lossless; nil for none.
    ///   - flushInterval: seconds between frames' flushes; 0 flushes every frame.
    ///   - writers: how many ranks write; see `H5MDOptions`.
    ///   - confidence: of the simulation; what it expects is written for each atom.
    public init(
        creating path: String, atomCount: Int, species: SpeciesTable, box: SimulationBox,
        provenance: SimulationProvenance, precision: H5MDOptions.Precision = .float64, deflate: Int? = nil,
        flushInterval: Double = 0, writers: Int? = nil, confidence: ConfidenceObserver<Scalar>? = nil,
        communicator: Communicator
    ) throws {
        let options = H5MDOptions(
            precision: precision, hasVelocities: true, hasImages: true, deflate: deflate,
            scalars: confidence == nil ? [] : Self.confidenceScalars, observables: Self.observables, writers: writers,
            creatorVersion: BuildInformation.version)
        writer = try H5MDWriter.create(
            path, communicator: communicator, atomCount: atomCount, species: species, box: box, options: options)
        (self.communicator, self.flushInterval, self.confidence) = (communicator, flushInterval, confidence)
        try provenance.write(to: writer.file)
    }

    /// Opens a file of an interrupted simulation to go on behind its last whole frame. Collective.
    ///
    /// - Parameters:
    ///   - frames: how many frames stay; what is behind them is cut off. nil for all.
    ///   - confidence: where the file was begun with one.
    /// - Throws: on every rank, `HDF5Error`, `TrajectoryError`; `SAGESnetError.unsuitableData` for a trajectory that no
    ///   simulation wrote.
    public init(
        appendingTo path: String, keeping frames: Int? = nil, flushInterval: Double = 0, writers: Int? = nil,
        confidence: ConfidenceObserver<Scalar>? = nil, communicator: Communicator
    ) throws {
        writer = try H5MDWriter.append(to: path, communicator: communicator, keeping: frames, writers: writers)
        (self.communicator, self.flushInterval, self.confidence) = (communicator, flushInterval, confidence)
        let options = writer.options
        guard options.hasVelocities, options.hasImages,
              options.scalars.isEmpty || options.scalars.map(\.name).sorted() == Self.confidenceScalars.map(\.name).sorted(),
              Set(options.observables.map(\.name)) == Set(Self.observables.map(\.name)) else {
            throw SAGESnetError.unsuitableData(file: path, reason: "no simulation of SAGES wrote it")
        }
        guard options.scalars.isEmpty == (confidence == nil) else {
            throw SAGESnetError.badRequest(
                "\(path) was begun \(options.scalars.isEmpty ? "without" : "with") a network of confidence: resume it so")
        }
        if frameCount > 0 {
            lastTemperature = try communicator.agree {
                try file.observable(Observable.temperature, frame: frameCount - 1)
            }
        }
    }

    /// Writes the state of a simulator as the next frame. Collective.
    ///
    /// - Throws: on every rank, `HDF5Error` (74), also of the frame before.
    public func write(_ simulator: Simulator<Scalar>) throws {
        try proceed()
        let atoms = simulator.localAtoms
        if ids.count < atoms.count {
            let capacity = atoms.count + atoms.count / 4
            ids = Buffer(repeating: 0, count: capacity)
            species = Buffer(repeating: 0, count: capacity)
            positions = Buffer(repeating: 0, count: 3 * capacity)
            velocities = Buffer(repeating: 0, count: 3 * capacity)
            images = Buffer(repeating: 0, count: 3 * capacity)
        }
        let box = simulator.grid.box
        for (index, atom) in atoms.enumerated() {
            ids.pointer[index] = atom.id
            species.pointer[index] = atom.species
            let place = simulator.placeInBox(atom)
            for axis in 0..<3 {
                positions.pointer[3 * index + axis] = place.position[axis]
                velocities.pointer[3 * index + axis] = atom.velocity[axis]
                images.pointer[3 * index + axis] = place.image[axis]
            }
        }
        var local = LocalAtoms(
            count: atoms.count, ids: ids.pointer, species: species.pointer, positions: positions.pointer,
            velocities: velocities.pointer, images: images.pointer)
        if let confidence {
            let errors = try confidence.errors()
            if expected.count < ids.count {
                expected = Buffer(repeating: 0, count: ids.count)
                upper = Buffer(repeating: 0, count: ids.count)
            }
            for index in 0..<atoms.count {
                (expected.pointer[index], upper.pointer[index]) = (errors.expected[index], errors.upper[index])
            }
            // In the file's order, which is another one in a file that was opened again.
            local.scalars = writer.options.scalars.map {
                UnsafePointer($0.name == Observable.expectedError ? expected.pointer : upper.pointer)
            }
        }
        try writer.append(
            local, step: simulator.startStep + Int64(simulator.step), time: simulator.time, box: box,
            observables: try observables(simulator))
        // Clocks differ between ranks.
        isFlushing = try communicator.broadcast(MPIEnvironment.wallTime() - lastFlush >= flushInterval, root: 0)
        if isFlushing {
            lastFlush = MPIEnvironment.wallTime()
            writer.prepareFlush()
        }
    }

    /// Completes a flush that `write` began: to be called after the next step of the simulation, during which the frame
    /// went to the disk. Collective.
    ///
    /// - Throws: on every rank, `HDF5Error` (74) if a frame could not be written.
    public func proceed() throws {
        guard isFlushing else { return }
        isFlushing = false
        try writer.flush()
    }

    /// Brings all frames to the disk. Collective.
    public func flush() throws {
        isFlushing = false
        try writer.flush()
    }

    /// The numbers of a frame in the file's order, which is another one in a file that was opened again. Collective.
    private func observables<S>(_ simulator: Simulator<S>) throws -> [Double] {
        let temperature = try simulator.temperature()
        lastTemperature = temperature
        return writer.options.observables.map { quantity in
            switch quantity.name {
            case Observable.temperature: temperature
            case Observable.velocityCorrection: simulator.conservation.largestVelocityCorrection
            case Observable.displacementCorrection: simulator.conservation.largestDisplacementCorrection
            case Observable.impulse[0]: simulator.conservation.impulse.x
            case Observable.impulse[1]: simulator.conservation.impulse.y
            case Observable.impulse[2]: simulator.conservation.impulse.z
            default: preconditionFailure("the observables of a file were checked when it was opened")
            }
        }
    }

    /// Flushes and closes the file. Collective.
    public func close() throws { try writer.close() }
}
