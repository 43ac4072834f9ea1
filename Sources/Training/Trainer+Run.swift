import Diagnostics
import MPI

extension Trainer {
    /// Trains to the end, or until it is asked to stop: steps, validations, metrics, checkpoints. Collective.
    ///
    /// - Parameter resuming: goes on from the checkpoint at the output's path, on whatever number of ranks, and ends
    ///   with the weights of an uninterrupted run; begins where there is none.
    /// - Throws: `TrainingError`, `HDF5Error`; what the task throws.
    public func run(resuming: Bool = false) throws -> TrainingOutcome {
        if resuming, let ended = try resume() { return ended }
        let isRoot = communicator.rank == 0
        let metrics = try openMetrics(resuming: resuming)
        let progress = ProgressReport(
            "training", unit: "steps", from: step, of: totalSteps, isEnabled: isRoot && output != nil)
        let begin = MPIEnvironment.wallTime() - seconds
        var lastCheckpoint = MPIEnvironment.wallTime()
        var lastRow = (step: step, seconds: seconds)

        while step < totalSteps && !earlyStop.shouldStop {
            let isDue = isRoot && output != nil && configuration.checkpointMinutes > 0
                && MPIEnvironment.wallTime() - lastCheckpoint >= 60 * configuration.checkpointMinutes
            let epoch = epoch
            var request = try takeStep(wantsCheckpoint: isDue)
            let validated = try validateIfDue()
            seconds = MPIEnvironment.wallTime() - begin
            if validated != nil || step % configuration.logEvery == 0 || step == totalSteps {
                let rate = Double((step - lastRow.step) * configuration.globalBatch) / (seconds - lastRow.seconds)
                try metrics?.write(row(epoch: epoch, validated: validated, samplesPerSecond: rate))
                lastRow = (step, seconds)
            }
            progress.advance(to: step, detail: detail)
            let hasEnded = step == totalSteps || earlyStop.shouldStop
            if request.stop && !hasEnded {
                try writeCheckpoint()
                reportInterruption()
                return .interrupted
            }
            if configuration.checkpointEvery > 0 && step % configuration.checkpointEvery == 0 {
                request.checkpoint = true
            }
            if request.checkpoint && !hasEnded {
                try writeCheckpoint()
                lastCheckpoint = MPIEnvironment.wallTime()
            }
        }
        progress.finish(detail: detail)
        // The last checkpoint stays beside the model, so that training can be prolonged.
        try writeCheckpoint()
        try writeModel()
        return earlyStop.shouldStop && step < totalSteps ? .stoppedEarly : .finished
    }

    /// Validates after every `validation.every` steps and after the last one, and keeps the best weights.
    private func validateIfDue() throws -> [Double]? {
        guard let validation, step % validation.rule.every == 0 || step == totalSteps else { return nil }
        let figures = try validation.run(step: step)
        if earlyStop.take(figures[0], step: step), let best {
            best.pointer.update(from: (average ?? weights).pointer, count: best.count)
        }
        return figures
    }

    private var detail: String {
        var text = "loss \(Self.short(loss))"
        if earlyStop.bestLoss < .infinity { text += ", best validation \(Self.short(earlyStop.bestLoss))" }
        return text
    }

    /// Four digits.
    private static func short(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return "\(value)" }
        var scale = 1.0
        while value.magnitude * scale < 1000 { scale *= 10 }
        return value.magnitude >= 1000 ? "\(value.rounded())" : "\((value * scale).rounded() / scale)"
    }

    private func reportInterruption() {
        guard let output, communicator.rank == 0 else { return }
        let cause = JobSignals.received.map { JobSignals.name(of: $0) } ?? "a signal to another rank"
        Message.note(
            "training stopped after \(step) of \(totalSteps) steps on \(cause); \(output.path) holds the state: "
                + "go on with --resume")
    }

    // MARK: Metrics

    /// On rank 0; collective, so that every rank learns of a folder that cannot be written before training begins.
    private func openMetrics(resuming: Bool) throws -> MetricsWriter? {
        guard let output else { return nil }
        var columns = ["step", "epoch", "loss"] + recorded.figureNames
        if validation != nil {
            columns.append("validationLoss")
            columns += recorded.figureNames.map { "validation" + $0.prefix(1).uppercased() + $0.dropFirst() }
        }
        columns += ["learningRate", "gradientNorm", "samplesPerSecond", "seconds"]
        return try communicator.agree {
            guard communicator.rank == 0 else { return nil }
            return try MetricsWriter(
                columns: columns, csvPath: output.metricsPath("csv"), jsonLinesPath: output.metricsPath("jsonl"),
                keepingUpTo: resuming ? step : nil)
        }
    }

    private func row(epoch: Int, validated: [Double]?, samplesPerSecond: Double) -> [Double?] {
        var values: [Double?] = [Double(step), Double(epoch), loss]
        for index in recorded.figureNames.indices { values.append(figure(index)) }
        if validation != nil {
            for index in 0..<recorded.figureCount { values.append(validated?[index]) }
        }
        return values + [learningRate, gradientNorm, samplesPerSecond, seconds]
    }
}
