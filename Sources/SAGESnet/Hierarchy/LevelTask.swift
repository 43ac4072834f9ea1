import Autodiff
import Grid
import HDF5
import Kernels
import NeuralNetworks
import Tensor
import Training

/// Training of a coarse level on series of frames: a sample is a space-time box of frames, whole in space, cut into blocks.
///
/// The loss is that of decoded predictions, for atoms the mean squared errors of position and velocity in units of what a
/// ballistic step of level 0 misses, plus that of predicted codes against those of the data, plus in a joint training that
/// of what the scale transformer gives back.
public final class LevelTask<Scalar: TrainingScalar>: TrainingTask {
    public let model: LevelModel
    let training: [any BlockRun]
    let validation: [any BlockRun]
    private let startsOfRuns: [ObjectIdentifier: [Int]]
    /// Of the model that training starts from, in the layout; nil to begin anew.
    private let start: Buffer<Scalar>?
    /// Cells of the level along each axis, in every run.
    private let extents: Extent3
    private let boundaries: Boundaries

    /// The variables of one recording.
    public struct Inputs {
        /// Of the blocks of level 1 in time. [R1, numbers] each
        let readable: [Variable<Scalar>]
        /// [R1, sites]; nil for grids.
        let sites: Variable<Scalar>?
        /// [R1, numbers]
        let weight: Variable<Scalar>
        /// [R, codes]; nil without noise.
        let noise: Variable<Scalar>?
        let transformers: [RecordedTransformer<Scalar>]
    }

    /// Opens the runs and the models that the configuration names; fits the level's transformer where no model has it.
    /// Not collective: every rank does the same.
    ///
    /// - Throws: what reading does; `SAGESnetError` for runs and models that do not suit the level or one another.
    public init(_ configuration: LevelConfiguration, training: [String], validation: [String]) throws {
        let memory = AtomRun.memory / max(1, training.count + validation.count)
        let runs = try training.map { try LevelTask.open($0, configuration, memory: memory) }
        let others = try validation.map { try LevelTask.open($0, configuration, memory: memory) }
        let first = runs[0]
        let frames = (configuration.rollout + 1) * configuration.frames(configuration.level)
        var startsOfRuns: [ObjectIdentifier: [Int]] = [:]
        for run in runs + others {
            func unsuitable(_ reason: String) -> SAGESnetError { .unsuitableData(file: run.path, reason: reason) }
            guard run.blocks == first.blocks, run.boundaries == first.boundaries else {
                throw unsuitable("its grid of \(run.blocks) blocks is another than that of \(first.path), \(first.blocks)")
            }
            guard run.stride.steps == first.stride.steps,
                  abs(run.stride.time - first.stride.time) <= 1e-6 * first.stride.time else {
                throw unsuitable("its frames are \(run.stride.time) apart, those of \(first.path) \(first.stride.time)")
            }
            let starts = run.starts(steps: frames - 1)
            guard !starts.isEmpty else {
                throw unsuitable("no \(frames) frames follow one another, which a sample of level \(configuration.level) "
                                 + "needs (model.rollout)")
            }
            startsOfRuns[ObjectIdentifier(run)] = starts
        }
        let factors = configuration.childFactors
        for axis in 0..<3 where first.blocks[axis] % factors[axis] != 0 {
            throw SAGESnetError.badGrid(
                "\(first.blocks[axis]) blocks of level 1 along \(["z", "y", "x"][axis]) are no whole cells of level "
                    + "\(configuration.level) (\(first.path), model.factors)")
        }
        extents = Extent3(z: first.blocks.z / factors.z, y: first.blocks.y / factors.y, x: first.blocks.x / factors.x)
        boundaries = first.boundaries
        self.training = runs
        self.validation = others
        self.startsOfRuns = startsOfRuns
        if let path = configuration.start {
            let (model, start) = try LevelTask.load(path, level: configuration.level, for: configuration)
            self.model = LevelModel(configuration, model.normalization, model.transformers(UnsafePointer(start.pointer)))
            let weights = Buffer<Scalar>(repeating: 0, count: self.model.layout.count)
            for (own, other) in zip(self.model.layout.parameters, model.layout.parameters) {
                guard own == other || own.name.hasPrefix("transformer/") else {
                    throw SAGESnetError.unsuitableData(
                        file: path, reason: "its predictor has another form than that of the configuration (\(other.name))")
                }
                (weights.pointer + own.offset).update(from: start.pointer + other.offset, count: own.shape.count)
            }
            self.start = weights
            return
        }
        let below = try configuration.below.map { try LevelTask.load($0, level: configuration.level - 1, for: configuration) }
        let normalization = try below?.model.normalization ?? LevelNormalization(runs, configuration)
        let transformers = below.map { $0.model.transformers(UnsafePointer($0.start.pointer)) } ?? []
        let fitted = try LevelTask.fit(configuration, normalization, transformers, runs, startsOfRuns, extents)
        model = LevelModel(configuration, normalization, transformers + [fitted])
        start = nil
    }

    private static func open(_ path: String, _ configuration: LevelConfiguration, memory: Int) throws -> any BlockRun {
        switch configuration.base {
        case .atoms: try AtomBlocks(path, for: configuration, memory: memory)
        case .grid: try GridBlocks(path, for: configuration)
        }
    }

    /// A model that another builds on: its blocks must be the same.
    private static func load(
        _ path: String, level: Int, for configuration: LevelConfiguration
    ) throws -> (model: LevelModel, start: Buffer<Scalar>) {
        let (model, parameters, _, _) = try LevelModel.load(path, as: Scalar.self, communicator: .selfOnly)
        let other = model.configuration
        func require(_ isSame: Bool, _ key: String) throws {
            guard isSame else {
                throw SAGESnetError.unsuitableData(file: path, reason: "its model.\(key) is not that of the configuration")
            }
        }
        guard other.level == level else {
            throw SAGESnetError.unsuitableData(file: path, reason: "it is a model of level \(other.level), not \(level)")
        }
        try require(other.base == configuration.base, "base")
        try require(other.factors == configuration.factors, "factors")
        try require(other.steps == configuration.steps, "steps")
        try require(other.channels == configuration.channels, "channels")
        try require(other.base == .grid || other.elements == configuration.elements, "elements")
        try require(other.base == .grid || other.cellSide == configuration.cellSide, "cell")
        try require(other.base == .grid || other.slots == configuration.slots, "slots")
        try require(other.base == .atoms || other.components == configuration.components, "components")
        try require(other.predictor == configuration.predictor, "predictor")
        return (model, parameters)
    }

    /// The level's transformer from the blocks of at most 48 samples of each run.
    private static func fit(
        _ configuration: LevelConfiguration, _ normalization: LevelNormalization, _ below: [ScaleTransformer],
        _ runs: [any BlockRun], _ starts: [ObjectIdentifier: [Int]], _ extents: Extent3
    ) throws -> ScaleTransformer {
        let level = configuration.level
        let codec = LevelCodec<Double>(configuration, below, extents: extents)
        var moments = VectorMoments(length: configuration.inputs(level))
        for run in runs {
            let starts = starts[ObjectIdentifier(run)] ?? []
            for place in stride(from: 0, to: starts.count, by: max(1, starts.count / 48)) {
                try codec.encode(run, frame: starts[place], normalization, CellRange(lower: .zero, upper: run.blocks))
                for row in 0..<extents.count { moments.add(codec.codes + row * moments.length) }
            }
        }
        let codes = configuration.codes(level)
        let fitted = configuration.predictor == .energy
            ? ScaleTransformer(
                moments, codes: codes, pairs: configuration.pairs(level),
                columns: (0..<moments.length).map { configuration.column($0, level: level) })
            : ScaleTransformer(moments, codes: codes)
        guard let fitted else {
            throw SAGESnetError.unsuitableData(
                file: runs[0].path, reason: "the training blocks of level \(level) have no finite covariance")
        }
        return fitted
    }

    public var layout: ParameterLayout { model.layout }
    public var sampleCount: Int { count(training) }
    public var validationSampleCount: Int { count(validation) }

    private func starts(_ run: any BlockRun) -> [Int] {
        guard let starts = startsOfRuns[ObjectIdentifier(run)] else { preconditionFailure("a run of another task") }
        return starts
    }

    private func count(_ runs: [any BlockRun]) -> Int { runs.reduce(0) { $0 + starts($1).count } }

    public func initialize(_ arena: UnsafeMutablePointer<Scalar>, seed: UInt64) {
        layout.initialize(arena, seed: seed)
        if let start { arena.update(from: start.pointer, count: layout.count) }
        model.initializeTransformer(arena)
    }

    public func write(to root: Group) throws { try model.write(to: root) }
}

extension LevelTask {
    public func record(on tape: Tape<Scalar>, samples: Int) -> RecordedLoss<Scalar, Inputs> {
        let configuration = model.configuration
        let level = configuration.level
        let grid = GridTopology(
            "cells", extents: CellExtents(z: extents.z, y: extents.y, x: extents.x), samples: samples,
            periodic: (boundaries.z == .periodic, boundaries.y == .periodic, boundaries.x == .periodic))
        let topology = CellTopology.dense(GridConvolution(over: grid, algorithm: configuration.convolution))
        let path = LevelPath(
            configuration: configuration,
            rows: LevelRows(configuration, top: grid.domain, extents: extents, samples: samples),
            transformers: model.recordedTransformers(on: tape))
        let (blocks, steps) = (configuration.timeBlocks, configuration.rollout)
        let readable = (0...steps).flatMap { path.readableInputs("readable \($0)", on: tape) }
        let site = path.siteInput(on: tape)
        let weight = tape.input("weight", readable[0].shape, over: path.rows.domains[0])
        let codes = (0...steps).map { path.code(level, readable[$0 * blocks..<($0 + 1) * blocks]) }
        let noise = configuration.noise > 0 ? tape.input("noise", codes[0].shape, over: grid.domain) : nil

        /// The error of readable numbers, a mean over the blocks of level 1 in a step.
        func error(_ numbers: [Variable<Scalar>], of step: Int) -> Variable<Scalar> {
            let sum = numbers.enumerated().map { block, predicted in
                ((predicted - readable[step * blocks + block]).squared * weight).sum()
            }
            return Scalar(1 / Double(blocks)) * sum.dropFirst().reduce(sum[0], +)
        }
        var prediction = tape.constant(0, [1])
        var difference = tape.constant(0, [1])
        var z = noise.map { codes[0] + $0 } ?? codes[0]
        for step in 1...steps {
            z = model.step(z, site?.sites, topology)
            prediction = prediction + Scalar(1 / Double(steps)) * error(path.decode(level, z), of: step)
            difference = difference + Scalar(1 / Double(steps)) * (z - codes[step]).meanSquare
        }
        var loss = prediction + Scalar(configuration.codeWeight) * difference
        var figures = [(name: "prediction", value: prediction), (name: "code", value: difference)]
        if configuration.stage == .joint {
            let reconstruction = error(path.decode(level, codes[0]), of: 0)
            loss = loss + Scalar(configuration.reconstructionWeight) * reconstruction
            figures.append((name: "reconstruction", value: reconstruction))
        }
        let mean = Scalar(1 / Double(grid.domain.count)) * codes[0].summedOverRows()
        figures.append((name: "spread", value: codes[0].meanSquare - mean.squared.mean()))
        return RecordedLoss(
            loss: loss, figures: figures,
            inputs: Inputs(
                readable: readable, sites: site?.input, weight: weight, noise: noise, transformers: path.transformers))
    }

    public func fill(
        _ inputs: Inputs, of program: Program<Scalar>, draws: UnsafeBufferPointer<SampleDraw>, seed: UInt64,
        purpose: SamplePurpose
    ) throws {
        let configuration = model.configuration
        let runs = purpose == .training ? training : validation
        let whole = CellRange(lower: .zero, upper: runs[0].blocks)
        let frames = (configuration.rollout + 1) * configuration.frames(configuration.level)
        if let noise = inputs.noise { Kernels.fill(program.pointer(to: noise), with: 0, count: noise.shape.count) }
        for (sample, draw) in draws.enumerated() {
            let (run, frame) = locate(draw.sample, in: runs)
            var order = FrameOrder(first: frame, steps: frames - 1, isReversed: false)
            var symmetry = 0
            if purpose == .training {
                var random = draw.randomNumbers(seed: seed)
                if configuration.augmentation { symmetry = random.nextIndex(below: run.symmetryCount) }
                if configuration.timeReversal { order.isReversed = random.nextIndex(below: 2) == 1 }
                if let noise = inputs.noise {
                    let count = extents.count * noise.columns
                    let target = program.pointer(to: noise) + sample * count
                    for index in 0..<count { target[index] = Scalar(configuration.noise * random.nextNormal()) }
                }
            }
            let firstRow = sample * whole.count
            for (block, variable) in inputs.readable.enumerated() {
                try run.write(
                    order, from: block * configuration.steps, symmetry: symmetry, model.normalization, whole,
                    into: program.pointer(to: variable) + firstRow * variable.columns)
            }
            run.writeWeights(
                symmetry: symmetry, share: 1 / Double(run.liveNumbers * configuration.steps * draws.count), whole,
                into: program.pointer(to: inputs.weight) + firstRow * inputs.weight.columns)
            if let sites = inputs.sites {
                run.writeSites(
                    symmetry: symmetry, whole, into: program.pointer(to: sites) + firstRow * sites.columns)
            }
        }
        for transformer in inputs.transformers { transformer.fill(program) }
    }

    /// The run and the frame in it at which a sample begins.
    private func locate(_ sample: Int, in runs: [any BlockRun]) -> (run: any BlockRun, frame: Int) {
        var index = sample
        for run in runs {
            let starts = starts(run)
            if index < starts.count { return (run, starts[index]) }
            index -= starts.count
        }
        preconditionFailure("sample \(sample) of too few")
    }
}
