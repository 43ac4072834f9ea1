import Diagnostics
import MPI
import SAGESnet
import Training

/// `sages evaluate`: a model's errors on data, beside those of baselines.
struct Evaluate: Verb {
    static let specification = VerbSpecification.evaluate

    let model: String
    let data: String
    let beside: String?
    let rollout: Int?
    let frame: Int
    /// What is asked for.
    let evaluation: Evaluation
    let threads: Int
    let isJSON: Bool

    enum Evaluation {
        /// Errors of single steps, and of a rollout.
        case errors
        case elasticConstants(strain: Double)
        case stress
        case sensitivity(SensitivityRequest)
        case confidence(ConfidenceRequest)
    }

    init(_ arguments: Arguments) throws {
        model = arguments.positionals[0]
        data = try arguments.requiredText("data")
        beside = arguments.text("beside")
        rollout = try arguments.number("rollout", in: .atLeast(1))
        frame = try arguments.requiredNumber("frame", in: .atLeast(0))
        threads = try arguments.threads()
        isJSON = arguments.isGiven("json")
        let strain = try arguments.requiredNumber("strain", in: .between(1e-6, 0.02))
        let asked = ["rollout", "elastic", "stress", "sensitivity", "confidence"].filter { arguments.isGiven($0) }
        guard asked.count <= 1 else {
            throw arguments.fault("--\(asked[0]) and --\(asked[1]) are evaluations of their own: ask for one")
        }
        let (sensitivity, confidence) = (try SensitivityRequest(arguments), try ConfidenceRequest(arguments))
        evaluation = sensitivity.map { .sensitivity($0) } ?? confidence.map { .confidence($0) }
            ?? (asked == ["elastic"] ? .elasticConstants(strain: strain) : asked == ["stress"] ? .stress : .errors)
        guard !arguments.isGiven("strain") || asked == ["elastic"] else {
            throw arguments.fault("--strain is that of elastic constants; --elastic is missing")
        }
        guard !arguments.isGiven("frame") || ["rollout", "elastic", "sensitivity"].contains(asked.first) else {
            throw arguments.fault(
                "--frame is where a rollout starts, or what is strained; --rollout, --elastic or --sensitivity is missing")
        }
    }

    func run(_ communicator: Communicator) throws -> ExitStatus {
        // Rank 0 says what kind of model it is.
        let name = try communicator.broadcast(
            try communicator.agree { communicator.rank == 0 ? try ModelFile.open(model).kind : "" }, root: 0)
        guard let kind = ModelConfiguration.Kind(rawValue: name) else {
            throw TrainingError.otherKind(
                file: model, expected: ModelConfiguration.Kind.allCases.map(\.rawValue).joined(separator: ", "),
                found: name)
        }
        switch kind {
        case .confidence:
            throw SAGESnetError.badRequest(
                "\(model) predicts the errors of another model: sages evaluate MODEL.h5 --confidence \(model)")
        case .sagesnet:
            let configuration = try ModelConfiguration.load(model, communicator: communicator)
            if let beside {
                guard case .level = configuration else {
                    throw SAGESnetError.badRequest("--beside \(beside) is for coarse levels, and \(model) is a model of level 0")
                }
            }
            switch (configuration, evaluation) {
            case (.sagesnet, .errors): try evaluateSAGESnet(communicator)
            case (.sagesnet, .elasticConstants(let strain)): try evaluateElasticConstants(strain: strain, communicator)
            case (.sagesnet, .stress): try evaluateStress(communicator)
            case (.sagesnet, .sensitivity(let request)): try differentiateAtoms(request, communicator)
            case (.sagesnet, .confidence(let request)): try evaluateConfidence(request, communicator)
            case (.grid, .errors): try evaluateGrid(communicator)
            case (.grid, .sensitivity(let request)): try differentiateGrid(request, communicator)
            case (.level(let level), .errors): try evaluateLevel(level, communicator)
            case (let other, _): throw SAGESnetError.otherState(file: model, found: other.state)
            }
        }
        return .success
    }

    private func evaluateGrid(_ communicator: Communicator) throws {
        let (model, parameters, _, _) = try GridModel.load(self.model, as: Float.self, communicator: communicator)
        let start = try GridSimulationStart(data, frame: frame, for: model, communicator: communicator)
        let source = start.source
        let simulator = try GridSimulator<Float>(
            model: model, parameters: parameters, cells: source.cells, boundaries: source.boundaries,
            communicator: communicator)
        let steps = try GridEvaluation.ofSteps(simulator, source, communicator: communicator)
        let evaluation = try rollout.map { count in
            let progress = ProgressReport("rollout", unit: "steps", of: count)
            let evaluation = try GridEvaluation.ofRollout(
                simulator, source, frame: start.frame, steps: count, communicator: communicator,
                progress: { progress.advance(to: $0) })
            progress.finish()
            return evaluation
        }
        guard communicator.rank == 0 else { return }
        let report = GridReport(model: self.model, data: data, cells: source.cells, steps: steps, rollout: evaluation)
        print(isJSON ? report.json.text : report.text)
    }

    private func evaluateLevel(_ configuration: LevelConfiguration, _ communicator: Communicator) throws {
        let (model, parameters, _, _) = try LevelModel.load(self.model, as: Float.self, communicator: communicator)
        let report = LevelReport(model: self.model, data: data, level: configuration.level)
        switch configuration.base {
        case .grid:
            let levelZero = try beside.map { path in
                let loaded = try GridModel.load(path, as: Float.self, communicator: communicator)
                return (model: loaded.model, parameters: loaded.parameters)
            }
            let evaluation = try LevelGridEvaluation(
                model, parameters: parameters, path: data, rollout: rollout ?? 1, levelZero: levelZero,
                communicator: communicator)
            guard communicator.rank == 0 else { return }
            print(isJSON ? report.json(evaluation).text : report.text(evaluation))
        case .atoms:
            let levelZero = try beside.map { path in
                let loaded = try SAGESnetModel.load(path, as: Float.self, communicator: communicator)
                return (model: loaded.model, parameters: loaded.parameters)
            }
            let evaluation = try LevelEvaluation(
                model, parameters: parameters, path: data, levelZero: levelZero, communicator: communicator)
            let rollout = try rollout.flatMap { steps in
                let progress = ProgressReport("rollout", unit: "steps", of: steps)
                let rollout = try RolloutEvaluation.run(
                    model, parameters: parameters, path: data, frame: frame, steps: steps, communicator: communicator,
                    progress: { progress.advance(to: $0) })
                progress.finish()
                return rollout
            }
            guard communicator.rank == 0 else { return }
            print(isJSON ? report.json(evaluation, rollout).text : report.text(evaluation, rollout))
        }
    }

    private func evaluateSAGESnet(_ communicator: Communicator) throws {
        let (model, parameters, _, _) = try SAGESnetModel.load(self.model, as: Float.self, communicator: communicator)
        let baseline = try LinearBaseline.load(self.model, communicator: communicator)
        let run = try communicator.agree { try AtomRun(data, for: model.configuration) }
        guard rollout == nil || frame < run.frameCount else {
            throw SAGESnetError.badRequest("\(data) has \(run.frameCount) frames, so there is no frame \(frame)")
        }
        let begin = MPIEnvironment.wallTime()
        let step = try StepEvaluation(
            model, parameters: parameters, baseline: baseline, run: run, communicator: communicator)
        let report = SAGESnetReport(
            model: self.model, data: data, step: step, seconds: MPIEnvironment.wallTime() - begin)
        if let rollout {
            let progress = ProgressReport("rollout", unit: "steps", of: rollout)
            let evaluation = try RolloutEvaluation.run(
                model, parameters: parameters, run: run, frame: frame, steps: rollout, communicator: communicator,
                progress: { progress.advance(to: $0) })
            progress.finish()
            if let failure = evaluation?.failure { Message.note("the rollout ended early: \(failure)") }
            if communicator.rank == 0 { print(isJSON ? report.json(evaluation).text : report.text(evaluation)) }
        } else if communicator.rank == 0 {
            print(isJSON ? report.json(nil).text : report.text(nil))
        }
    }
}
