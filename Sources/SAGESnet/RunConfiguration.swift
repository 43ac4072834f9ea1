import Configuration
import Training

/// Files of samples: the section `data`. Paths are relative to the folder that the program runs in.
public struct DataConfiguration: Configurable, Sendable {
    public let train: [String]
    public let validation: [String]
    public let test: [String]

    public init(from section: ConfigurationSection) throws {
        train = try section.list("train", count: .atLeast(1), "files to train on, made by sages import or sages generate")
        validation = try section.list("validation", default: [], "files for tests while training goes on")
        test = try section.list("test", default: [], "files kept aside for sages evaluate")
    }
}

/// Where results go: the section `output`.
public struct OutputConfiguration: Configurable, Sendable {
    public let model: String

    public init(from section: ConfigurationSection) throws {
        model = try section.value("model", default: "model.h5",
                                  "the model file; checkpoints and metrics stand beside it")
    }
}

/// A model of one of the kinds that SAGES has: the section `model`.
public enum ModelConfiguration: Configurable, Sendable {
    public enum Kind: String, Sendable, CaseIterable, ConfigurationChoice {
        case sagesnet
        /// Of another model.
        case confidence
    }

    /// What the cells of a SAGESnet model hold.
    public enum State: String, Sendable, CaseIterable, ConfigurationChoice {
        /// Atoms, which move.
        case atoms
        /// Numbers of the grid itself, such as the cells of an automaton.
        case grid
        /// Blocks of cells of the level below: a coarse level of atoms or of a grid.
        case level
    }

    case sagesnet(SAGESnetConfiguration)
    case grid(GridModelConfiguration)
    case level(LevelConfiguration)
    case confidence(ConfidenceConfiguration)

    public init(from section: ConfigurationSection) throws {
        switch try section.value("kind", as: Kind.self, "what the model is") {
        case .sagesnet:
            switch try section.value("state", as: State.self, default: .atoms, "what cells hold") {
            case .atoms: self = .sagesnet(try SAGESnetConfiguration(from: section))
            case .grid: self = .grid(try GridModelConfiguration(from: section))
            case .level: self = .level(try LevelConfiguration(from: section))
            }
        case .confidence: self = .confidence(try ConfidenceConfiguration(from: section))
        }
    }

    public var kind: Kind {
        switch self {
        case .sagesnet, .grid, .level: .sagesnet
        case .confidence: .confidence
        }
    }

    public var state: State {
        switch self {
        case .sagesnet: .atoms
        case .grid: .grid
        case .level: .level
        case .confidence: preconditionFailure("networks of confidence are a kind of their own")
        }
    }

    /// The atoms' model, from the file of one.
    ///
    /// - Throws: `SAGESnetError.otherState`.
    func atoms(from file: String) throws -> SAGESnetConfiguration {
        guard case .sagesnet(let configuration) = self else { throw SAGESnetError.otherState(file: file, found: state) }
        return configuration
    }

    /// The grid's model, from the file of one.
    ///
    /// - Throws: `SAGESnetError.otherState`.
    func grid(from file: String) throws -> GridModelConfiguration {
        guard case .grid(let configuration) = self else { throw SAGESnetError.otherState(file: file, found: state) }
        return configuration
    }

    /// The coarse level, from the file of one.
    ///
    /// - Throws: `SAGESnetError.otherState`.
    func level(from file: String) throws -> LevelConfiguration {
        guard case .level(let configuration) = self else { throw SAGESnetError.otherState(file: file, found: state) }
        return configuration
    }
}

/// A whole configuration of `sages train`, which the model file keeps.
public struct RunConfiguration: Configurable, Sendable {
    public let model: ModelConfiguration
    public let data: DataConfiguration
    public let training: TrainingConfiguration
    public let output: OutputConfiguration

    public init(from section: ConfigurationSection) throws {
        model = try section.section("model", "what is trained")
        data = try section.section("data", "what it is trained on")
        training = try section.section("training", "how it is trained")
        output = try section.section("output", "where results go")
        try section.require(training.validation == nil || !data.validation.isEmpty, "data",
                            "training.validation needs files in data.validation")
    }
}
