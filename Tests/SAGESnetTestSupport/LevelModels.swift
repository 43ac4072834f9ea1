import Configuration
import MPI
import SAGESnet
import Training

/// A coarse level's configuration from the members of its JSON5 object.
public func levelConfiguration(_ members: String) throws -> LevelConfiguration {
    try ConfigurationDocument(text: "{\(members)}", source: "the test").decode(LevelConfiguration.self).value
}

/// Coarse levels that build on one another, hardly trained, in files.
public struct LevelModels {
    private let folder: String
    /// Of each level's configuration: its base, blocks and predictor.
    private let members: String
    private let data: String

    public init(in folder: String, _ members: String, data: String) {
        (self.folder, self.members, self.data) = (folder, members, data)
    }

    /// The path of a model of a level; those that it builds on are made before. Not collective.
    public func write(level: Int, stage: LevelStage = .predictor) throws -> String {
        let path = "\(folder)/level\(level)-\(stage.rawValue).h5"
        let document = try self.document(level: level, stage: stage, output: path)
        let (run, text) = try document.decode(RunConfiguration.self)
        let task = try task(level: level, stage: stage, as: Float.self)
        let trainer = try Trainer(
            task: task, configuration: run.training, communicator: .selfOnly,
            output: TrainingOutput(path: path, kind: run.model.kind.rawValue, configuration: text))
        _ = try trainer.run()
        return path
    }

    /// The training of a level, with the models that it builds on.
    public func task<Scalar: TrainingScalar>(
        level: Int, stage: LevelStage, as type: Scalar.Type
    ) throws -> LevelTask<Scalar> {
        let run = try document(level: level, stage: stage, output: "none.h5").decode(RunConfiguration.self).value
        guard case .level(let configuration) = run.model else { preconditionFailure("another state") }
        return try LevelTask(configuration, training: [data], validation: [])
    }

    private func document(level: Int, stage: LevelStage, output: String) throws -> ConfigurationDocument {
        var own = "level: \(level), stage: \"\(stage.rawValue)\""
        if level > 1 { own += ", below: \"\(try write(level: level - 1))\"" }
        if stage == .joint { own += ", start: \"\(try write(level: level))\"" }
        return try ConfigurationDocument(
            text: """
                {model: {kind: "sagesnet", state: "level", \(members), \(own)}, data: {train: ["\(data)"]},
                 training: {steps: 2, globalBatch: 1, schedule: {peak: 0.01}}, output: {model: "\(output)"}}
                """, source: "the test")
    }
}
