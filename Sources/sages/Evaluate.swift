import Diagnostics
import MPI
import SAGESnet
import Training

/// `sages evaluate`: a model's errors on data, beside those of baselines.
struct Evaluate: Verb {
    static let specification = VerbSpecification.evaluate

    let model: String
    let data: String
    let rollout: Int?
    let frame: Int
    /// What else than errors is asked for.
    let mechanics: Mechanics?
    let threads: Int
    let isJSON: Bool

    enum Mechanics {
        case elasticConstants, stress
    }

    init(_ arguments: Arguments) throws {
        model = arguments.positionals[0]
        data = try arguments.requiredText("data")
        rollout = try arguments.number("rollout", in: .atLeast(1))
        frame = try arguments.requiredNumber("frame", in: .atLeast(0))
        threads = try arguments.threads()
        isJSON = arguments.isGiven("json")
        let asked: [(name: String, mechanics: Mechanics?)] = [
            ("rollout", nil), ("elastic", .elasticConstants), ("stress", .stress),
        ].filter { arguments.isGiven($0.name) }
        guard asked.count <= 1 else {
            throw arguments.fault("--\(asked[0].name) and --\(asked[1].name) are evaluations of their own: ask for one")
        }
        mechanics = asked.first?.mechanics
        guard rollout != nil || mechanics == .elasticConstants || !arguments.isGiven("frame") else {
            throw arguments.fault("--frame is where a rollout starts, or what is strained; --rollout or --elastic is missing")
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
        case .sagesnet:
            switch (try ModelConfiguration.load(model, communicator: communicator), mechanics) {
            case (.sagesnet, nil): try evaluateSAGESnet(communicator)
            case (.sagesnet, .elasticConstants?): try evaluateElasticConstants(communicator)
            case (.sagesnet, .stress?): try evaluateStress(communicator)
            case (.grid, nil): try evaluateGrid(communicator)
            case (.grid, _): throw SAGESnetError.otherState(file: model, found: .grid)
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
