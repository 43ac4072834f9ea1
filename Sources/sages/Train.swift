import Configuration
import Diagnostics
import Grid
import MPI
import SAGESnet
import Training

/// `sages train`: a model from a configuration.
struct Train: Verb {
    static let specification = VerbSpecification.train

    let path: String
    let overrides: [String]
    let output: String?
    let resumes: Bool
    let explains: Bool
    let threads: Int
    let isJSON: Bool

    init(_ arguments: Arguments) throws {
        path = arguments.positionals[0]
        overrides = arguments.all("set")
        output = arguments.text("out")
        resumes = arguments.isGiven("resume")
        explains = arguments.isGiven("explain")
        threads = try arguments.threads()
        isJSON = arguments.isGiven("json")
    }

    func run(_ communicator: Communicator) throws -> ExitStatus {
        // Rank 0 reads, so that every rank has the same text.
        let text = try communicator.broadcast(
            try communicator.agree { communicator.rank == 0 ? try ConfigurationDocument.contents(ofFile: path) : [] },
            root: 0)
        var document = try ConfigurationDocument(utf8: text, source: path)
        for assignment in overrides { try document.apply(override: assignment) }
        if let output { try document.apply(override: "output.model=\"\(output)\"") }
        if explains {
            if communicator.rank == 0 {
                print(ConfigurationDocument.text(explaining: try document.explain(RunConfiguration.self)), terminator: "")
            }
            return .success
        }
        let (configuration, resolved) = try document.decode(RunConfiguration.self)
        switch configuration.training.precision {
        case .float32: return try train(configuration, resolved, Float.self, communicator)
        case .float64: return try train(configuration, resolved, Double.self, communicator)
        }
    }

    private func train<Scalar: TrainingScalar & GridScalar>(
        _ configuration: RunConfiguration, _ resolved: String, _: Scalar.Type, _ communicator: Communicator
    ) throws -> ExitStatus {
        switch configuration.model {
        case .sagesnet(let model):
            let task = try communicator.agree {
                try SAGESnetTask<Scalar>(
                    model, training: configuration.data.train, validation: configuration.data.validation)
            }
            return try train(task, configuration, resolved, communicator)
        case .grid(let model):
            let task = try communicator.agree {
                try GridTask<Scalar>(model, training: configuration.data.train, validation: configuration.data.validation)
            }
            return try train(task, configuration, resolved, communicator)
        case .level(let model):
            let task = try communicator.agree {
                try LevelTask<Scalar>(model, training: configuration.data.train, validation: configuration.data.validation)
            }
            return try train(task, configuration, resolved, communicator)
        case .confidence(let model):
            let subject = try ConfidenceSubject(model.of, communicator: communicator)
            let training = try lossSource(of: model.of, configuration.data.train, communicator)
            let validation = try lossSource(of: model.of, configuration.data.validation, communicator)
            let task = try communicator.agree {
                try ConfidenceTask<Scalar>(model, subject: subject, training: training, validation: validation)
            }
            return try train(task, configuration, resolved, communicator)
        }
    }

    /// The losses of a model's steps on runs. Collective.
    private func lossSource(
        of path: String, _ files: [String], _ communicator: Communicator
    ) throws -> any LossSource {
        switch try ModelConfiguration.load(path, communicator: communicator) {
        case .grid(let configuration):
            let (model, parameters, _, _) = try GridModel.load(path, as: Float.self, communicator: communicator)
            let runs = try communicator.agree { try files.map { try GridRun($0, for: configuration) } }
            return try GridLossSource(model, parameters: parameters, runs: runs)
        case .sagesnet, .confidence:
            let (model, parameters, _, _) = try SAGESnetModel.load(path, as: Float.self, communicator: communicator)
            return try communicator.agree {
                try AtomLossSource(
                    model, parameters: parameters, runs: files.map { try AtomRun($0, for: model.configuration) })
            }
        case .level:
            let (model, parameters, _, _) = try LevelModel.load(path, as: Float.self, communicator: communicator)
            return try communicator.agree { try LevelLossSource(model, parameters: parameters, files: files) }
        }
    }

    private func train<Task: TrainingTask>(
        _ task: Task, _ configuration: RunConfiguration, _ resolved: String, _ communicator: Communicator
    ) throws -> ExitStatus {
        JobSignals.install()
        let trainer = try Trainer(
            task: task, configuration: configuration.training, communicator: communicator,
            output: TrainingOutput(
                path: configuration.output.model, kind: configuration.model.kind.rawValue, configuration: resolved))
        Message.note(
            "\(configuration.model.kind.rawValue): \(task.layout.scalarCount) parameters, \(task.sampleCount) training "
                + "and \(task.validationSampleCount) validation samples, \(trainer.totalSteps) steps of "
                + "\(configuration.training.globalBatch) samples on \(communicator.size) ranks")
        let outcome = try trainer.run(resuming: resumes)
        if communicator.rank == 0 && outcome != .interrupted { report(trainer, configuration, outcome, communicator) }
        return outcome.exitStatus
    }

    private func report<Task>(
        _ trainer: Trainer<Task>, _ configuration: RunConfiguration, _ outcome: TrainingOutcome,
        _ communicator: Communicator
    ) {
        let validation = trainer.bestValidationLoss
        if isJSON {
            let result: JSONValue = [
                "kind": .string(configuration.model.kind.rawValue), "model": .string(configuration.output.model),
                "steps": .integer(trainer.step), "parameters": .integer(trainer.task.layout.scalarCount),
                "loss": .number(trainer.loss), "validation_loss": validation.map { .number($0) } ?? .null,
                "stopped_early": .boolean(outcome == .stoppedEarly), "ranks": .integer(communicator.size),
                "seconds": .number(trainer.seconds),
            ]
            print(result.text)
        } else {
            print(
                "\(configuration.output.model): \(trainer.step) steps in \(Digits.three(trainer.seconds)) s on "
                    + "\(communicator.size) ranks, loss \(Digits.three(trainer.loss))"
                    + (validation.map { ", best validation loss \(Digits.three($0))" } ?? ""))
        }
    }
}
