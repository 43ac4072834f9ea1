import Autodiff
import Diagnostics
import Kernels
import MPI
import NeuralNetworks
import Tensor

/// The training loop: every model of SAGES is trained by this class.
///
/// A step takes one global batch, cut into fixed micro-batches; the ranks take contiguous shares of them, which may be
/// uneven or empty. The mean gradient over the micro-batches (`GradientReducer`) is clipped by its global norm and goes
/// to the optimizer; every rank does the same update. Weights, losses, metrics and
/// decisions are the same bits for every number of ranks at the same global batch and micro-batch.
///
/// Apart from steps that validate, log or write a checkpoint, a step allocates nothing (MPI's library aside).
///
/// Signals: where `JobSignals` are installed, a signal to any rank makes all of them save and stop at the end of the
/// same step; the flag travels with the gradients.
///
/// Errors: those that all ranks find out together (a loss that is not finite, a checkpoint that cannot be written) are
/// thrown on every rank. An error of `TrainingTask.fill` or of the metrics' file is thrown on its rank alone, and
/// `MPIEnvironment.run` ends the others; agreeing on it would cost a reduction in every step.
public final class Trainer<Task: TrainingTask> {
    public typealias Scalar = Task.Scalar

    public let task: Task
    public let configuration: TrainingConfiguration
    /// The length of the training in steps.
    public let totalSteps: Int
    /// Steps done.
    public internal(set) var step = 0
    /// The loss of the last step's batch, before its update.
    public private(set) var loss = Double.nan
    /// The norm of the last step's mean gradient, before clipping.
    public private(set) var gradientNorm = Double.nan
    /// The last step's learning rate.
    public private(set) var learningRate = Double.nan
    /// Steps whose sums were computed twice because gradients had left their range; the first step is always one.
    public private(set) var calibrations = 0

    let communicator: Communicator
    let output: TrainingOutput?
    let provenance: Provenance
    let sampler: Sampler
    /// The micro-batches of a step that this rank computes.
    let share: Range<Int>
    private let draws: Buffer<SampleDraw>
    let recorded: RecordedProgram<Task>
    let reducer: GradientReducer<Scalar>
    let validation: Validation<Task>?

    let weights: Buffer<Scalar>
    private let gradient: Buffer<Scalar>
    let optimizerState: OptimizerState<Scalar>
    /// The running mean of the weights, if there is one.
    let average: Buffer<Scalar>?
    /// The weights of the best validation, if they are kept.
    let best: Buffer<Scalar>?
    var earlyStop: EarlyStop
    /// Seconds of training, those before a resumption included.
    public internal(set) var seconds = 0.0

    /// Prepares a training: records the task's loss, plans memory, sets first weights. Collective.
    ///
    /// - Parameters:
    ///   - output: where to write; nil to keep everything in memory.
    ///   - bucketElements: gradient elements reduced at once, for measurements; has no influence on results.
    /// - Throws: `TrainingError` if there are no samples.
    public init(
        task: Task, configuration: TrainingConfiguration, communicator: Communicator, output: TrainingOutput? = nil,
        bucketElements: Int = 1 << 17
    ) throws {
        guard task.sampleCount > 0 else { throw TrainingError.noSamples }
        guard configuration.validation == nil || task.validationSampleCount > 0 else {
            throw TrainingError.noValidationSamples
        }
        let communicator = try Communicator(duplicating: communicator)
        let layout = task.layout
        let microBatches = configuration.globalBatch / configuration.microBatch
        self.task = task
        self.configuration = configuration
        self.communicator = communicator
        self.output = output
        provenance = try Provenance(communicator)
        totalSteps = configuration.steps(sampleCount: task.sampleCount)
        sampler = Sampler(sampleCount: task.sampleCount, seed: configuration.seed)
        share = Training.share(of: microBatches, part: communicator.rank, parts: communicator.size)
        draws = Buffer(repeating: SampleDraw(sample: 0, epoch: 0), count: share.count * configuration.microBatch)

        func arena() -> Buffer<Scalar> { Buffer(repeating: 0, count: layout.count) }
        weights = arena()
        gradient = arena()
        optimizerState = OptimizerState(configuration.optimizer, layout: layout)
        average = configuration.averaging > 0 ? arena() : nil
        best = configuration.validation?.keep == .best ? arena() : nil
        task.initialize(weights.pointer, seed: configuration.seed)
        for copy in [average, best] { copy?.pointer.update(from: weights.pointer, count: layout.count) }

        let recorded = RecordedProgram(
            task, samples: configuration.microBatch, withGradients: true, parameters: weights.pointer)
        self.recorded = recorded
        recorded.program.preparesEachRun = false
        reducer = GradientReducer(
            layout: layout, gradients: recorded.gradients, program: recorded.program,
            figureCount: recorded.figureCount, microBatches: microBatches, communicator: communicator,
            bucketElements: bucketElements)
        let evaluated = (average ?? weights).pointer
        validation = configuration.validation.map {
            Validation(task, $0, microBatch: configuration.microBatch, seed: configuration.seed,
                       parameters: evaluated, communicator: communicator)
        }
        earlyStop = EarlyStop(
            patience: configuration.validation?.patience, improvement: configuration.validation?.improvement ?? 0)
    }

    /// The reductions of one step, for models of its time: bytes of each, the same on any number of ranks of more than one.
    public var reductionBytes: [Int] { reducer.reductionBytes }

    /// The lowest validation loss so far; nil before the first validation.
    public var bestValidationLoss: Double? { earlyStop.bestLoss < .infinity ? earlyStop.bestLoss : nil }

    /// The weights to use, in the task's layout: those of the best validation so far if the best are kept, else their
    /// running mean if there is one, else those of the last step.
    public var parameters: UnsafeBufferPointer<Scalar> {
        let hasBest = earlyStop.bestLoss < .infinity
        return UnsafeBufferPointer((hasBest ? best : nil)?.span ?? (average ?? weights).span)
    }

    /// The epoch of the next step's first sample.
    public var epoch: Int { sampler.epoch(at: step * configuration.globalBatch) }

    // MARK: A step

    /// One update of the weights. Collective.
    ///
    /// - Parameter wantsCheckpoint: whether this rank wants a checkpoint after the step.
    /// - Returns: whether any rank wants to stop, or wants a checkpoint.
    /// - Throws: `TrainingError.notFinite` and `OptimizerError` on every rank; what the task throws on one.
    @discardableResult
    public func takeStep(wantsCheckpoint: Bool = false) throws -> (stop: Bool, checkpoint: Bool) {
        sampler.draw(
            from: step * configuration.globalBatch + share.lowerBound * configuration.microBatch, into: draws.span)
        try sum(wantsCheckpoint: wantsCheckpoint)
        if reducer.needsCalibration {
            calibrations += 1
            reducer.begin(calibrating: true)
            try computeMicroBatches()
            try reducer.finishCalibration()
            try sum(wantsCheckpoint: wantsCheckpoint)
            guard !reducer.isRaised(.outOfRange) else { throw TrainingError.notReproducible(step: step) }
        }
        let request = (reducer.isRaised(.stop), reducer.isRaised(.checkpoint))
        loss = reducer.figure(0)
        reducer.writeMeans(to: gradient.pointer)
        try update()
        step += 1
        return request
    }

    /// Sums the gradients and figures of all micro-batches.
    private func sum(wantsCheckpoint: Bool) throws {
        reducer.begin()
        if JobSignals.received != nil { reducer.raise(.stop) }
        if wantsCheckpoint { reducer.raise(.checkpoint) }
        try computeMicroBatches()
        try reducer.finish()
        if reducer.isRaised(.notFinite) { throw try faultyMicroBatch() }
    }

    private func computeMicroBatches() throws {
        let size = configuration.microBatch
        // The weights stay as they are until the update.
        recorded.program.parametersChanged()
        for index in share {
            let first = (index - share.lowerBound) * size
            try task.fill(
                recorded.inputs, of: recorded.program,
                draws: UnsafeBufferPointer(start: draws.pointer + first, count: size), seed: configuration.seed,
                purpose: .training)
            reducer.beginMicroBatch(index, of: share)
            try recorded.program.run { try reducer.advance(after: $0) }
            for figure in 0..<recorded.figureCount { reducer.addFigure(figure, recorded.figure(figure)) }
        }
    }

    /// The error of the first micro-batch whose loss or gradient is not finite. Collective.
    private func faultyMicroBatch() throws -> TrainingError {
        let fault = try reducer.agreeOnFault()
        let size = configuration.microBatch
        let culprits = Buffer(repeating: SampleDraw(sample: 0, epoch: 0), count: size)
        sampler.draw(from: step * configuration.globalBatch + fault.microBatch * size, into: culprits.span)
        let parameter = fault.quantity - recorded.figureCount
        return .notFinite(
            step: step,
            quantity: parameter < 0 ? recorded.quantityName(fault.quantity)
                : "gradient of parameter \(task.layout.parameters[parameter].name)",
            samples: culprits.span.map(\.sample), purpose: .training)
    }

    /// Clipping, the optimizer and the running mean: the same on every rank, from the same bits.
    private func update() throws {
        let count = task.layout.count
        gradientNorm = sumOfSquares(gradient.pointer, count: count).squareRoot()
        let isTooLong = configuration.clip > 0 && gradientNorm > configuration.clip
        learningRate = configuration.schedule.rate(at: step, of: totalSteps)
        // A short memory at first, so that the first weights are soon forgotten.
        let decay = min(configuration.averaging, Double(1 + step) / Double(10 + step))
        try optimizerState.update(
            weights.pointer, gradients: gradient.pointer,
            gradientScale: isTooLong ? configuration.clip / gradientNorm : 1, rate: learningRate, step: step,
            average: average.map { WeightAverage($0.pointer, decay: Scalar(decay)) })
    }

    /// The mean of a figure beside the loss over the last step's micro-batches, by its index.
    func figure(_ index: Int) -> Double { reducer.figure(index + 1) }
}
