import Autodiff
import MPI
import Tensor

/// The mean loss and figures over the validation samples, with the same bits for every number of ranks.
///
/// Samples are cut into micro-batches of the size used in training; a last, smaller one has a program of its own, so
/// that every sample counts once and with equal weight.
final class Validation<Task: TrainingTask> {
    typealias Scalar = Task.Scalar

    let rule: ValidationConfiguration
    private let task: Task
    private let communicator: Communicator
    private let seed: UInt64
    private let microBatch: Int
    private let sampleCount: Int
    private let share: Range<Int>
    private let whole: RecordedProgram<Task>?
    private let rest: RecordedProgram<Task>?
    private let draws: Buffer<SampleDraw>
    /// For the loss and each figure an `ExactSum`; behind them the number of micro-batches that are not finite.
    private let sums: Buffer<Int64>
    private let figureCount: Int

    /// - Parameter parameters: the arena to evaluate, which must outlive this object.
    init(
        _ task: Task, _ rule: ValidationConfiguration, microBatch: Int, seed: UInt64,
        parameters: UnsafeMutablePointer<Scalar>, communicator: Communicator
    ) {
        self.task = task
        self.rule = rule
        self.communicator = communicator
        self.seed = seed
        self.microBatch = microBatch
        sampleCount = min(rule.samples ?? task.validationSampleCount, task.validationSampleCount)
        share = Training.share(
            of: (sampleCount + microBatch - 1) / microBatch, part: communicator.rank, parts: communicator.size)
        func program(_ samples: Int) -> RecordedProgram<Task>? {
            samples == 0 ? nil
                : RecordedProgram(task, samples: samples, withGradients: false, parameters: parameters)
        }
        whole = program(sampleCount >= microBatch ? microBatch : 0)
        rest = program(sampleCount % microBatch)
        draws = Buffer(repeating: SampleDraw(sample: 0, epoch: 0), count: microBatch)
        figureCount = (whole ?? rest)?.figureCount ?? 0
        sums = Buffer(repeating: 0, count: figureCount * ExactSum.digits + 1)
    }

    /// The loss, then the figures. Collective.
    ///
    /// - Throws: `TrainingError.notFinite` on every rank; what the task throws on one.
    func run(step: Int) throws -> [Double] {
        sums.pointer.update(repeating: 0, count: sums.count)
        // Micro-batch and figure of the first value that is not finite, in one number.
        var firstFault = Int.max
        for index in share {
            let first = index * microBatch
            let count = min(microBatch, sampleCount - first)
            guard let recorded = count == microBatch ? whole : rest else { continue }
            for sample in 0..<count { draws.pointer[sample] = SampleDraw(sample: first + sample, epoch: 0) }
            try task.fill(
                recorded.inputs, of: recorded.program, draws: UnsafeBufferPointer(start: draws.pointer, count: count),
                seed: seed, purpose: .validation)
            try recorded.program.run()
            for figure in 0..<figureCount {
                let total = Double(recorded.figure(figure)) * Double(count)
                if !ExactSum.add(total, to: sums.pointer + figure * ExactSum.digits) {
                    sums.pointer[sums.count - 1] += 1
                    firstFault = min(firstFault, index * figureCount + figure)
                }
            }
        }
        try communicator.allReduce(sums.span, .sum)
        if sums.pointer[sums.count - 1] > 0 {
            let fault = try communicator.allReduce(firstFault, .minimum)
            let first = fault / figureCount * microBatch
            throw TrainingError.notFinite(
                step: step, quantity: (whole ?? rest)?.quantityName(fault % figureCount) ?? "loss",
                samples: Array(first..<min(first + microBatch, sampleCount)),
                purpose: .validation)
        }
        return (0..<figureCount).map {
            ExactSum.value(sums.pointer + $0 * ExactSum.digits) / Double(sampleCount)
        }
    }
}
