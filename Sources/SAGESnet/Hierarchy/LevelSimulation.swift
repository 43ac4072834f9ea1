import Diagnostics
import Grid
import HDF5
import MPI
import Tensor
import Training
import Trajectory

/// A simulation of a coarse level from a file to a file: decodes and writes the last frame that a state covers.
///
/// Its bytes do not depend on the number of ranks.
public final class LevelSimulation {
    public let simulator: LevelSimulator<Float>
    /// Simulated time of a step, in the data's unit.
    public let timeStep: Double

    private enum Output {
        case atoms(LevelAtoms<Float>, H5MDWriter)
        case cells(LevelCells<Float>, GridSimulationOutput<Float>)
    }
    private let output: Output
    private let frame: Int
    /// Of the last frame of the start.
    private let startStep: Int64
    private let startTime: Double

    /// Begins at a frame of a file and writes the first state. Collective.
    ///
    /// - Parameters:
    ///   - frame: the first one of the block that the simulation begins from; negative ones count from the last block.
    ///   - parts: of the decomposition along each axis; chosen if nil.
    /// - Throws: on every rank, what reading, writing and the simulator do; `SAGESnetError.badRequest` for a frame from
    ///   which no block begins.
    public init(
        _ model: LevelModel, parameters: Buffer<Float>, input: String, frame: Int, output path: String,
        provenance: (_ startStep: Int64, _ boundaries: Boundaries) -> SimulationProvenance, parts: Extent3?,
        precision: H5MDOptions.Precision, deflate: Int?, communicator: Communicator
    ) throws {
        let configuration = model.configuration
        let frames = configuration.frames(configuration.level)
        let (run, start) = try communicator.agree { () throws -> (any BlockRun, Int) in
            let run: any BlockRun = switch configuration.base {
            case .atoms: try AtomBlocks(input, for: configuration)
            case .grid: try GridBlocks(input, for: configuration)
            }
            let starts = try model.starts(in: run, blocks: 1)
            let start = frame < 0 ? (starts.last ?? 0) + 1 + frame : frame
            guard starts.contains(start) else {
                throw SAGESnetError.badRequest(
                    "\(input) has no \(frames) frames behind one another from frame \(start) on, as level "
                        + "\(configuration.level) needs")
            }
            return (run, start)
        }
        let simulator = try LevelSimulator<Float>(
            model: model, parameters: parameters, blocks: run.blocks, boundaries: run.boundaries,
            communicator: communicator, parts: parts)
        try communicator.agree { try simulator.start(from: run, frame: start) }
        try simulator.settle()
        self.simulator = simulator
        self.frame = start
        timeStep = Double(frames) * model.normalization.stride.time
        startStep = run.step(ofFrame: start + frames - 1)
        startTime = run.time(ofFrame: start + frames - 1)
        let provenance = provenance(startStep, run.boundaries)
        if let blocks = run as? AtomBlocks {
            let options = H5MDOptions(
                precision: precision, hasVelocities: true, hasImages: true, deflate: deflate, observables: [],
                creatorVersion: BuildInformation.version)
            let writer = try H5MDWriter.create(
                path, communicator: communicator, atomCount: blocks.run.atomCount, species: blocks.run.table.species,
                box: blocks.box, options: options)
            try provenance.write(to: writer.file)
            output = .atoms(LevelAtoms(simulator, blocks), writer)
        } else if run is GridBlocks {
            let source = try communicator.agree { try GridSource(input, components: configuration.components) }
            let writer = try GridSimulationOutput<Float>(
                creating: path, like: source, boundaries: run.boundaries, provenance: provenance, deflate: deflate,
                communicator: communicator)
            output = .cells(LevelCells(simulator), writer)
        } else {
            preconditionFailure("a run of neither atoms nor cells")
        }
        try write()
    }

    /// Decodes the state and writes the last frame that it covers. Collective.
    public func write() throws {
        try simulator.decode()
        let configuration = simulator.model.configuration
        let last = configuration.frames(configuration.level) - 1
        let done = Int64(simulator.step * (last + 1)) * simulator.model.normalization.stride.steps
        let time = startTime + Double(simulator.step) * timeStep
        switch output {
        case .cells(let cells, let writer):
            try writer.write(cells.state(step: last), cells.range, step: startStep + done, time: time)
        case .atoms(let atoms, let writer):
            let (run, box) = (atoms.blocks.run, atoms.blocks.box)
            var (ids, species, images) = ([Int64](), [Int32](), [Int32]())
            var (positions, velocities) = ([Double](), [Double]())
            atoms.forEach(step: last) { atom, offset, velocity in
                ids.append(run.ids[atom])
                species.append(run.table.speciesIndices[atom])
                let place = atoms.blocks.center(atom) + offset
                for axis in 0..<3 {
                    let wrapped = box.boundary(axis) == .periodic
                        ? box.wrap(place[axis], axis: axis) : (coordinate: place[axis], image: 0)
                    positions.append(wrapped.coordinate)
                    images.append(Int32(wrapped.image))
                    velocities.append(velocity[axis])
                }
            }
            try ids.withUnsafeBufferPointer { ids in
                try species.withUnsafeBufferPointer { species in
                    try positions.withUnsafeBufferPointer { positions in
                        try velocities.withUnsafeBufferPointer { velocities in
                            try images.withUnsafeBufferPointer { images in
                                try writer.append(
                                    LocalAtoms(
                                        count: ids.count, ids: ids.baseAddress, species: species.baseAddress,
                                        positions: positions.baseAddress, velocities: velocities.baseAddress,
                                        images: images.baseAddress),
                                    step: startStep + done, time: time, box: box, observables: [])
                            }
                        }
                    }
                }
            }
            try writer.flush()
        }
    }

    /// Closes the file. Collective.
    public func close() throws {
        switch output {
        case .atoms(_, let writer): try writer.close()
        case .cells(_, let writer): try writer.close()
        }
    }
}
