import Autodiff
import Grid
import HDF5
import Kernels
import MPI
import NeuralNetworks
import Tensor
import Training
import Trajectory

/// Training of a SAGESnet model on trajectories: a sample is a frame with the frames that follow it.
///
/// The loss of a sample is the mean over atoms of squared errors of position and velocity after each step of its
/// rollout, in units of what a ballistic step misses (004, "Loss"): a model that adds nothing has a loss of 2.
public final class SAGESnetTask<Scalar: TrainingScalar>: TrainingTask {
    public let model: SAGESnetModel
    public let training: [AtomRun]
    public let validation: [AtomRun]
    private let cellsOfRuns: [ObjectIdentifier: RunCells]
    private let largestRun: Int

    /// What belongs to the grid of one run.
    private struct RunCells {
        let filler: CellFiller
        let symmetries: [CubeSymmetry]
        let environment: [Double]
    }

    /// The variables of one recording.
    public struct Inputs {
        let cells: CellVariables<Scalar>
        let topology: CellTopology
        /// Offsets and velocities after each step, from the centers of the first frame's cells. [R, 3 S] each
        let targets: [(offset: Variable<Scalar>, velocity: Variable<Scalar>)]
        /// 1 / (components of the sample's atoms, samples, steps), 0 in empty slots. [R, 3 S]
        let weight: Variable<Scalar>
        fileprivate let neighbors: Buffer<Int32>
    }

    /// Opens the runs and normalizes by the training ones. Not collective: every rank does the same.
    ///
    /// - Throws: `SAGESnetError` for runs that do not suit the model or one another.
    public init(_ configuration: SAGESnetConfiguration, training: [String], validation: [String]) throws {
        let runs = try training.map { try AtomRun($0, for: configuration) }
        let others = try validation.map { try AtomRun($0, for: configuration) }
        let normalization = try Normalization(runs, configuration)
        for run in runs + others {
            guard abs(run.timeStep - normalization.timeStep) <= 1e-6 * normalization.timeStep else {
                throw SAGESnetError.unsuitableData(
                    file: run.path, reason: "its frames are \(run.timeStep) ps apart, those of \(runs[0].path) "
                        + "\(normalization.timeStep) ps")
            }
            guard run.frameCount > configuration.rollout else {
                throw SAGESnetError.unsuitableData(
                    file: run.path, reason: "it has \(run.frameCount) frames, too few for a rollout of "
                        + "\(configuration.rollout) steps")
            }
        }
        model = SAGESnetModel(configuration, normalization)
        self.training = runs
        self.validation = others
        largestRun = (runs + others).map(\.atomCount).max() ?? 0
        var cellsOfRuns: [ObjectIdentifier: RunCells] = [:]
        var denseCells: Extent3?
        for run in runs + others {
            let box = try run.frame(0).box
            let grid = try run.grid(for: configuration, box: box)
            if configuration.selection == .dense {
                guard denseCells == nil || denseCells == grid.cells else {
                    throw SAGESnetError.unsuitableData(
                        file: run.path, reason: "dense training needs runs of one number of cells")
                }
                denseCells = grid.cells
            }
            let decomposition = try Decomposition(
                cells: grid.cells, boundaries: grid.boundaries, haloWidth: 1, ranks: 1)
            let filler = try CellFiller(
                decomposition, communicator: .selfOnly, slots: configuration.slots, selection: configuration.selection,
                capacity: run.atomCount)
            let boundaries = SIMD3<Double>(
                box.boundaryX == .open ? 1 : 0, box.boundaryY == .open ? 1 : 0, box.boundaryZ == .open ? 1 : 0)
            cellsOfRuns[ObjectIdentifier(run)] = RunCells(
                filler: filler,
                // Edges that differ or are open keep their place: the code of the boundary is in the edge's.
                symmetries: configuration.augmentation ? CubeSymmetry.preserving(box.edges - boundaries) : [.identity],
                environment: model.normalized(run.environment))
        }
        self.cellsOfRuns = cellsOfRuns
    }

    public var layout: ParameterLayout { model.layout }
    public var sampleCount: Int { count(training) }
    public var validationSampleCount: Int { count(validation) }

    private func count(_ runs: [AtomRun]) -> Int {
        runs.reduce(0) { $0 + $1.frameCount - model.configuration.rollout }
    }

    private func locate(_ sample: Int, in runs: [AtomRun]) -> (run: AtomRun, frame: Int) {
        var frame = sample
        for run in runs {
            let samples = run.frameCount - model.configuration.rollout
            if frame < samples { return (run, frame) }
            frame -= samples
        }
        preconditionFailure("sample \(sample) of \(count(runs))")
    }

    // MARK: Recording

    public func record(on tape: Tape<Scalar>, samples: Int) -> RecordedLoss<Scalar, Inputs> {
        let configuration = model.configuration
        let topology: CellTopology
        switch configuration.selection {
        case .occupied:
            let domain = RowDomain("occupied cells", capacity: samples * largestRun)
            topology = .occupied(NeighborTopology(over: domain, offsets: Direction.count, form: configuration.form))
        case .dense:
            // Every run has the same grid.
            let decomposition = cellsOfRuns[ObjectIdentifier(training[0])]!.filler.decomposition
            let (cells, boundaries) = (decomposition.cells, decomposition.boundaries)
            let grid = GridTopology(
                "cells", extents: CellExtents(z: cells.z, y: cells.y, x: cells.x), samples: samples,
                periodic: (boundaries.z == .periodic, boundaries.y == .periodic, boundaries.x == .periodic))
            topology = .dense(GridConvolution(over: grid))
        }
        let domain = topology.domain
        var cells = CellVariables("cell", for: model, on: tape, over: domain)
        let initial = cells
        let shape: Shape = [domain.capacity, model.cellLayout.vectors]
        let weight = tape.input("weight", shape, over: domain)

        var positionError = tape.constant(0, [1])
        var velocityError = tape.constant(0, [1])
        var codecError: Variable<Scalar>?
        var targets: [(offset: Variable<Scalar>, velocity: Variable<Scalar>)] = []
        for step in 1...configuration.rollout {
            let deviation = model.step(cells, topology)
            cells.offset = cells.offset + Scalar(model.normalization.timeStep) * cells.velocity + deviation.displacement
            cells.velocity = cells.velocity + deviation.velocityChange
            let target = (
                offset: tape.input("offset \(step)", shape, over: domain),
                velocity: tape.input("velocity \(step)", shape, over: domain)
            )
            targets.append(target)
            let place = Scalar(1 / model.normalization.displacement) * (cells.offset - target.offset)
            let motion = Scalar(1 / model.normalization.kick) * (cells.velocity - target.velocity)
            positionError = positionError + (place.squared * weight).sum()
            velocityError = velocityError + (motion.squared * weight).sum()
            if let error = deviation.reconstructionError {
                let sum = (error.squared * Variable.concatenating([weight, weight])).sum()
                codecError = codecError.map { $0 + sum } ?? sum
            }
        }
        var loss = positionError + velocityError
        var figures = [(name: "position", value: positionError), (name: "velocity", value: velocityError)]
        if let codecError {
            loss = loss + Scalar(configuration.codecWeight) * codecError
            figures.append((name: "codec", value: codecError))
        }
        return RecordedLoss(
            loss: loss, figures: figures,
            inputs: Inputs(
                cells: initial, topology: topology, targets: targets, weight: weight,
                neighbors: Buffer(
                    repeating: -1, count: configuration.selection == .occupied ? domain.capacity * Direction.count : 0)))
    }

    // MARK: Filling

    private var cellsOfAtoms = Buffer<Int32>(repeating: 0, count: 0)
    private var offsets = Buffer<Double>(repeating: 0, count: 0)
    private var noise = Buffer<Double>(repeating: 0, count: 0)

    public func fill(
        _ inputs: Inputs, of program: Program<Scalar>, draws: UnsafeBufferPointer<SampleDraw>, seed: UInt64,
        purpose: SamplePurpose
    ) throws {
        reserve()
        var firstRow = 0
        for draw in draws {
            let (run, frame) = locate(draw.sample, in: purpose == .training ? training : validation)
            let rows = try fill(
                inputs, program, run, frame, firstRow: firstRow, samples: draws.count,
                random: purpose == .training ? draw.randomNumbers(seed: seed) : nil)
            firstRow += rows
        }
        if case .occupied(let topology) = inputs.topology {
            topology.rebuild(neighbors: UnsafePointer(inputs.neighbors.pointer), ownedRows: firstRow, ghostRows: 0)
        }
        if let environment = inputs.cells.environment, program.contains(environment) {
            let values = environmentOfBatch(draws, purpose)
            for index in values.indices { program.pointer(to: environment)[index] = Scalar(values[index]) }
        }
    }

    /// One environment for all samples of a micro-batch: it enters every cell alike.
    private func environmentOfBatch(_ draws: UnsafeBufferPointer<SampleDraw>, _ purpose: SamplePurpose) -> [Double] {
        let (run, _) = locate(draws[0].sample, in: purpose == .training ? training : validation)
        return cellsOfRuns[ObjectIdentifier(run)]!.environment
    }

    private func reserve() {
        guard offsets.count < 3 * largestRun else { return }
        cellsOfAtoms = Buffer(repeating: 0, count: largestRun)
        offsets = Buffer(repeating: 0, count: 3 * largestRun)
        noise = Buffer(repeating: 0, count: 6 * largestRun)
    }

    /// Fills the rows of one sample from `firstRow` on; returns how many they are.
    private func fill(
        _ inputs: Inputs, _ program: Program<Scalar>, _ run: AtomRun, _ frame: Int, firstRow: Int, samples: Int,
        random: Philox?
    ) throws -> Int {
        let configuration = model.configuration
        let cells = cellsOfRuns[ObjectIdentifier(run)]!
        var random = random
        let symmetry = random.map { _ in cells.symmetries[random!.nextIndex(below: cells.symmetries.count)] } ?? .identity
        let start = try run.frame(frame)
        var grid = try run.grid(for: configuration, box: start.box)
        if configuration.origin == .random, random != nil {
            let phase = SIMD3(random!.nextUniform(), random!.nextUniform(), random!.nextUniform())
            grid = try AtomGrid(box: start.box, side: configuration.cellSide, phase: phase)
        }
        guard grid.cells == cells.filler.decomposition.cells else {
            throw SAGESnetError.unsuitableData(
                file: run.path, reason: "the number of cells changes with the box by frame \(frame)")
        }
        try place(run, start, frame, grid, symmetry)
        let offset = offsets.pointer
        do {
            try cells.filler.arrange(cells: cellsOfAtoms.pointer, atoms: run.atomCount) { a, b in
                for axis in [2, 1, 0] where offset[3 * a + axis] != offset[3 * b + axis] {
                    return offset[3 * a + axis] < offset[3 * b + axis]
                }
                return a < b
            }
        } catch let crowded as CellBinning.Crowded {
            throw SAGESnetError.crowdedCell(
                file: run.path, frame: frame, cell: grid.cells.cell(at: crowded.cell).description,
                atoms: crowded.atoms, slots: configuration.slots, cellSide: configuration.cellSide)
        }
        let binning = cells.filler.binning
        if configuration.selection == .occupied {
            let found = try cells.filler.findNeighbors()
            let target = inputs.neighbors.pointer + firstRow * Direction.count
            for entry in 0..<(binning.rowCount * Direction.count) {
                target[entry] = found[entry] < 0 ? -1 : found[entry] + Int32(firstRow)
            }
        }
        drawNoise(&random, atoms: run.atomCount)
        try write(inputs, program, run, start, frame, symmetry, binning, firstRow: firstRow, samples: samples)
        return binning.rowCount
    }

    /// Cells and offsets of a frame's atoms under a symmetry, which turns the grid with the atoms.
    private func place(
        _ run: AtomRun, _ frame: AtomRun.Frame, _ index: Int, _ grid: AtomGrid, _ symmetry: CubeSymmetry
    ) throws {
        let counts = SIMD3(grid.cells.x, grid.cells.y, grid.cells.z)
        for atom in 0..<run.atomCount {
            var cell = SIMD3<Int>()
            var offset = SIMD3<Double>()
            for axis in 0..<3 {
                let coordinate = frame.positions.pointer[3 * atom + axis]
                guard let place = grid.place(coordinate, axis: axis) else {
                    throw SAGESnetError.atomOutside(
                        file: run.path, frame: index, atom: run.ids[atom], axis: ["x", "y", "z"][axis],
                        coordinate: coordinate)
                }
                cell[axis] = place.cell
                offset[axis] = place.offset
            }
            var turned = SIMD3<Int>()
            for axis in 0..<3 {
                let source = symmetry.axis[axis]
                turned[axis] = symmetry.sign[axis] > 0 ? cell[source] : counts[source] - 1 - cell[source]
            }
            let image = symmetry(offset)
            for axis in 0..<3 { offsets.pointer[3 * atom + axis] = image[axis] }
            cellsOfAtoms.pointer[atom] = Int32((turned.z * counts.y + turned.y) * counts.x + turned.x)
        }
    }

    private func drawNoise(_ random: inout Philox?, atoms: Int) {
        let configuration = model.configuration
        guard random != nil, configuration.positionNoise > 0 || configuration.velocityNoise > 0 else { return }
        for component in 0..<(3 * atoms) {
            noise.pointer[component] = configuration.positionNoise * random!.nextNormal()
            noise.pointer[3 * atoms + component] = configuration.velocityNoise * random!.nextNormal()
        }
    }

    private func write(
        _ inputs: Inputs, _ program: Program<Scalar>, _ run: AtomRun, _ start: AtomRun.Frame, _ frame: Int,
        _ symmetry: CubeSymmetry, _ binning: CellBinning, firstRow: Int, samples: Int
    ) throws {
        let configuration = model.configuration
        let layout = model.cellLayout
        let noisy = configuration.positionNoise > 0 || configuration.velocityNoise > 0
        let writer = CellWriter(program, inputs.cells, layout, firstRow: firstRow)
        writer.clear(rows: binning.rowCount)
        let weight = program.pointer(to: inputs.weight) + firstRow * layout.vectors
        weight.update(repeating: 0, count: binning.rowCount * layout.vectors)
        let share = Scalar(1 / Double(3 * run.atomCount * samples * configuration.rollout))
        forEachAtom(binning) { atom, entry in
            let velocity = symmetry(SIMD3(start.velocities.pointer, 3 * atom))
            var offset = SIMD3(offsets.pointer, 3 * atom)
            var motion = velocity
            if noisy {
                offset += SIMD3(noise.pointer, 3 * atom)
                motion += SIMD3(noise.pointer, 3 * (run.atomCount + atom))
            }
            writer.write(entry, element: run.elements[atom], mobility: run.mobility[atom], offset: offset, velocity: motion)
            for axis in 0..<3 { weight[3 * entry + axis] = share }
        }
        for (step, target) in inputs.targets.enumerated() {
            let end = try run.frame(frame + step + 1)
            let place = program.pointer(to: target.offset) + firstRow * layout.vectors
            let motion = program.pointer(to: target.velocity) + firstRow * layout.vectors
            place.update(repeating: 0, count: binning.rowCount * layout.vectors)
            motion.update(repeating: 0, count: binning.rowCount * layout.vectors)
            forEachAtom(binning) { atom, entry in
                let moved = run.displacement(of: atom, from: start, to: end)
                let offset = SIMD3(offsets.pointer, 3 * atom) + symmetry(moved)
                let velocity = symmetry(SIMD3(end.velocities.pointer, 3 * atom))
                for axis in 0..<3 {
                    place[3 * entry + axis] = Scalar(offset[axis])
                    motion[3 * entry + axis] = Scalar(velocity[axis])
                }
            }
        }
    }

    /// Calls `body` with each atom and its place among the slots of the rows.
    private func forEachAtom(_ binning: CellBinning, _ body: (_ atom: Int, _ entry: Int) -> Void) {
        for entry in 0..<(binning.rowCount * binning.slots) {
            let atom = Int(binning.atomOfSlot.pointer[entry])
            if atom >= 0 { body(atom, entry) }
        }
    }

    /// The regression on lattice neighbors, fitted when the first file is written.
    private var linearBaseline: LinearBaseline?

    public func write(to root: Group) throws {
        try model.normalization.write(to: root)
        let baseline = try linearBaseline
            ?? LinearBaseline(fitting: training, model.configuration, model.normalization)
        linearBaseline = baseline
        try baseline.write(to: root)
    }
}

extension SIMD3 where Scalar == Double {
    /// Three numbers from an index on.
    @inline(__always) init(_ pointer: UnsafePointer<Double>, _ index: Int) {
        self.init(pointer[index], pointer[index + 1], pointer[index + 2])
    }
}

extension AtomRun {
    /// The model's grid over a box, placed as the configuration says.
    func grid(for configuration: SAGESnetConfiguration, box: SimulationBox) throws -> AtomGrid {
        let phase = configuration.origin == .aligned ? alignment.phase : SIMD3(repeating: 0.5)
        return try AtomGrid(box: box, side: configuration.cellSide, phase: phase)
    }

    /// How far an atom moved between two frames, by the nearest image along periodic axes, Angstrom.
    func displacement(of atom: Int, from start: Frame, to end: Frame) -> SIMD3<Double> {
        var moved = SIMD3(end.positions.pointer, 3 * atom) - SIMD3(start.positions.pointer, 3 * atom)
        for axis in 0..<3 where end.box.boundary(axis) == .periodic {
            moved[axis] -= end.box.edges[axis] * (moved[axis] / end.box.edges[axis]).rounded()
        }
        return moved
    }
}
