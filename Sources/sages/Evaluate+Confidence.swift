import Diagnostics
import MPI
import SAGESnet
import Tensor
import Trajectory

/// What `sages evaluate --confidence` is asked for.
struct ConfidenceRequest {
    /// The file of the network.
    let path: String
    /// The models of an ensemble.
    let ensemble: [String]
    let output: String?

    /// Nil where the command line asks for something else.
    init?(_ arguments: Arguments) throws {
        guard let path = arguments.text("confidence") else {
            guard !arguments.isGiven("ensemble") else {
                throw arguments.fault("--ensemble is what --confidence is compared with; --confidence is missing")
            }
            guard !arguments.isGiven("out") || arguments.isGiven("sensitivity") else {
                throw arguments.fault("--out belongs to --sensitivity and --confidence; both are missing")
            }
            return nil
        }
        ensemble = arguments.all("ensemble")
        guard ensemble.count != 1 else { throw arguments.fault("an --ensemble has at least two models") }
        self.path = path
        output = arguments.text("out")
    }
}

/// `sages evaluate --confidence`.
extension Evaluate {
    /// Collective.
    func evaluateConfidence(_ request: ConfidenceRequest, _ communicator: Communicator) throws {
        let (model, parameters, _, _) = try SAGESnetModel.load(self.model, as: Float.self, communicator: communicator)
        let confidence = try TrainedConfidence(
            request.path, of: try ConfidenceSubject(self.model, communicator: communicator),
            featureCount: model.surroundingsCount, communicator: communicator)
        let members = try request.ensemble.map { path in
            let (member, weights, _, _) = try SAGESnetModel.load(path, as: Float.self, communicator: communicator)
            return (model: member, parameters: weights)
        }
        let run = try communicator.agree { try AtomRun(data, for: model.configuration) }
        let evaluation = try ConfidenceEvaluation(
            confidence, of: model, parameters: parameters, members: members, run: run, communicator: communicator)
        if let output = request.output {
            try communicator.agree { if communicator.rank == 0 { try write(evaluation, run, to: output) } }
        }
        guard communicator.rank == 0 else { return }
        print(isJSON ? json(evaluation, request).text : text(evaluation, request))
    }

    /// The atoms of the first frame with their predicted and true errors. Rank 0 alone.
    private func write(_ evaluation: ConfidenceEvaluation, _ run: AtomRun, to path: String) throws {
        let first = evaluation.firstFrame
        var columns = [("expected_error", first.predicted), ("upper_error", first.upper), ("true_error", first.truth)]
        if let ensemble = first.ensemble { columns.append(("ensemble_error", ensemble)) }
        let reader = try H5MDReader(data)
        guard let species = reader.species else { preconditionFailure("a run has species") }
        let index = run.starts(steps: 1)[0]
        var frame = AtomFrame()
        try reader.readFrame(index, into: &frame)
        frame.images = []
        let writer = try H5MDWriter.create(
            path, communicator: nil, atomCount: run.atomCount, species: species, box: frame.box,
            options: H5MDOptions(
                precision: .float64, scalars: columns.map { .init(name: $0.0, unit: "") },
                creatorVersion: BuildInformation.version))
        try LocalAtoms.with(frame, scalars: columns.map(\.1)) {
            try writer.append($0, step: frame.step, time: frame.time, box: frame.box)
        }
        try writer.close()
    }

    private func json(_ evaluation: ConfidenceEvaluation, _ request: ConfidenceRequest) -> JSONValue {
        var coverage = JSONValue.Members()
        for (level, part) in zip(Calibration.levels, evaluation.coverage) { coverage["\(level)"] = .number(part) }
        var result: JSONValue.Members = [
            "kind": "confidence", "model": .string(model), "data": .string(data), "confidence": .string(request.path),
            "rows": .integer(evaluation.rows), "coverage": .object(coverage),
            "rank_correlation": .number(evaluation.correlation),
            "rank_correlation_in_frames": .number(evaluation.correlationInFrames),
            "seconds": .number(evaluation.seconds), "step_seconds": .number(evaluation.stepSeconds),
        ]
        if let correlation = evaluation.ensembleCorrelation, let inFrames = evaluation.ensembleCorrelationInFrames,
           let seconds = evaluation.ensembleSeconds {
            result["ensemble"] = [
                "models": .integer(request.ensemble.count), "rank_correlation": .number(correlation),
                "rank_correlation_in_frames": .number(inFrames), "seconds": .number(seconds),
            ]
        }
        return .object(result)
    }

    private func text(_ evaluation: ConfidenceEvaluation, _ request: ConfidenceRequest) -> String {
        func percent(_ part: Double) -> String { "\(Digits.tenth(100 * part)) %" }
        var lines = ["\(request.path) on \(data): the errors of \(evaluation.rows) predictions of \(model)", ""]
        lines.append(HelpText.padded("band", 12) + "holds")
        for (level, part) in zip(Calibration.levels, evaluation.coverage) {
            lines.append(HelpText.padded(percent(level), 12) + percent(part))
        }
        func row(_ name: String, _ all: Double, _ inFrames: Double, _ seconds: Double) -> String {
            HelpText.padded(name, 20) + HelpText.padded(Digits.three(all), 20) + HelpText.padded(Digits.three(inFrames), 20)
                + "\(Digits.three(seconds)) s"
        }
        lines += [
            "", HelpText.padded("rank correlation", 20) + HelpText.padded("over all", 20)
                + HelpText.padded("within frames", 20) + "time",
            row("network", evaluation.correlation, evaluation.correlationInFrames, evaluation.seconds),
        ]
        if let correlation = evaluation.ensembleCorrelation, let inFrames = evaluation.ensembleCorrelationInFrames,
           let seconds = evaluation.ensembleSeconds {
            lines.append(row("\(request.ensemble.count) models", correlation, inFrames, seconds))
        }
        return (lines + ["", "A step of the model itself took \(Digits.three(evaluation.stepSeconds)) s for all frames."])
            .joined(separator: "\n")
    }
}
