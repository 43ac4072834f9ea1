import Configuration
import NeuralNetworks

/// How long, on what batches and by what rule a model is trained: the section `training` of a configuration.
public struct TrainingConfiguration: Configurable, Sendable {
    /// The length of the training as given.
    public enum Length: Sendable, Equatable {
        case steps(Int)
        /// Passes over the training samples.
        case epochs(Double)
    }

    /// The scalar type of parameters and computation.
    public enum Precision: String, Sendable, CaseIterable, ConfigurationChoice {
        case float32, float64
    }

    public var length: Length
    public var globalBatch: Int
    public var microBatch: Int
    public var optimizer: Optimizer
    public var schedule: Schedule
    /// Largest global norm of the gradient; 0 for no limit.
    public var clip: Double
    /// Decay of the running mean of weights; 0 for none.
    public var averaging: Double
    public var seed: UInt64
    public var precision: Precision
    public var validation: ValidationConfiguration?
    /// Steps between checkpoints; 0 for none but the last.
    public var checkpointEvery: Int
    /// Minutes between checkpoints; 0 for none.
    public var checkpointMinutes: Double
    /// Steps between rows of the metrics.
    public var logEvery: Int

    /// Everything by default but the length and the batch.
    public init(
        length: Length, globalBatch: Int, microBatch: Int? = nil, optimizer: Optimizer = .adam,
        schedule: Schedule = Schedule(peak: 1e-3), clip: Double = 0, averaging: Double = 0, seed: UInt64 = 1,
        precision: Precision = .float32, validation: ValidationConfiguration? = nil, checkpointEvery: Int = 0,
        checkpointMinutes: Double = 0, logEvery: Int = 10
    ) {
        precondition(globalBatch % (microBatch ?? globalBatch) == 0, "globalBatch must be a multiple of microBatch")
        self.length = length
        self.globalBatch = globalBatch
        self.microBatch = microBatch ?? globalBatch
        self.optimizer = optimizer
        self.schedule = schedule
        self.clip = clip
        self.averaging = averaging
        self.seed = seed
        self.precision = precision
        self.validation = validation
        self.checkpointEvery = checkpointEvery
        self.checkpointMinutes = checkpointMinutes
        self.logEvery = logEvery
    }

    public init(from section: ConfigurationSection) throws {
        let steps = try section.optional("steps", as: Int.self, in: .between(1, 1_000_000_000),
                                         "updates of the weights; give this or epochs")
        let epochs = try section.optional("epochs", as: Double.self, in: .above(0),
                                          "passes over the training samples; give this or steps")
        try section.require((steps == nil) != (epochs == nil), steps == nil ? "steps" : "epochs",
                            "exactly one of steps and epochs must be given")
        length = steps.map { .steps($0) } ?? .epochs(epochs ?? 1)
        let globalBatch = try section.value("globalBatch", default: 32, in: .between(1, 1 << 24),
                                            "samples of one step, over all ranks; decides the weights")
        let microBatch = try section.value(
            "microBatch", default: 1, in: .between(1, 1 << 24),
            "samples computed together; up to globalBatch / microBatch ranks share a step; decides the last bits")
        try section.require(globalBatch % microBatch == 0, "microBatch",
                            "globalBatch (\(globalBatch)) must be a multiple of it")
        self.globalBatch = globalBatch
        self.microBatch = microBatch
        optimizer = try section.section("optimizer", as: OptimizerConfiguration.self,
                                        "how gradients change the weights").optimizer
        schedule = try section.section("schedule", as: ScheduleConfiguration.self,
                                       "the learning rate over the steps").schedule
        clip = try section.value("clip", default: 0, in: .atLeast(0),
                                 "largest global norm of the gradient, longer ones are shortened; 0 for no limit")
        averaging = try section.value("averaging", default: 0, in: .from(0, below: 1),
                                      "decay of a running mean of the weights, which becomes the model; 0 for none")
        seed = UInt64(try section.value("seed", default: 1, in: .atLeast(0),
                                        "of first weights, order of samples, noise and augmentation"))
        precision = try section.value("precision", default: .float32, "scalar type of weights and computation")
        validation = try section.optionalSection("validation", "tests on data.validation while training goes on")
        checkpointEvery = try section.value("checkpointEvery", default: 0, in: .atLeast(0), unit: "steps",
                                            "how often a checkpoint is written; 0 for none by steps")
        checkpointMinutes = try section.value("checkpointMinutes", default: 10, in: .atLeast(0), unit: "minutes",
                                              "how often a checkpoint is written; 0 for none by time")
        logEvery = try section.value("logEvery", default: 10, in: .atLeast(1), unit: "steps",
                                     "how often the metrics get a row")
    }

    /// The number of steps for this many samples.
    public func steps(sampleCount: Int) -> Int {
        switch length {
        case .steps(let steps): steps
        case .epochs(let epochs):
            max(1, Int(min((epochs * Double(sampleCount) / Double(globalBatch)).rounded(.up), 1e9)))
        }
    }

    /// Keys of the whole configuration that may differ between a checkpoint and the run that resumes from it.
    public static let resumableKeys = [
        "training.steps", "training.epochs", "training.checkpointEvery", "training.checkpointMinutes",
        "training.logEvery", "output",
    ]
}

/// Tests on validation samples: the section `training.validation`.
public struct ValidationConfiguration: Configurable, Sendable {
    /// Which weights become the model.
    public enum Keep: String, Sendable, CaseIterable, ConfigurationChoice {
        /// Those of the lowest validation loss.
        case best
        /// Those of the last step.
        case last
    }

    /// Steps between validations; there is one after the last step too.
    public var every: Int
    /// Validation samples used, from the first on; nil for all.
    public var samples: Int?
    /// Validations without a better loss after which training ends; nil to go on.
    public var patience: Int?
    /// The part of the best loss by which another must be lower to count as better.
    public var improvement: Double
    public var keep: Keep

    public init(every: Int, samples: Int? = nil, patience: Int? = nil, improvement: Double = 0, keep: Keep = .best) {
        self.every = every
        self.samples = samples
        self.patience = patience
        self.improvement = improvement
        self.keep = keep
    }

    public init(from section: ConfigurationSection) throws {
        every = try section.value("every", default: 500, in: .atLeast(1), unit: "steps",
                                  "how often the validation loss is computed")
        samples = try section.optional("samples", in: .atLeast(1), "validation samples to use; all where left out")
        patience = try section.optional("patience", in: .atLeast(1),
                                        "validations without a better loss after which training ends")
        improvement = try section.value("improvement", default: 0, in: .from(0, below: 1),
                                        "the part of the best loss by which a better one must be lower")
        keep = try section.value("keep", default: .best, "the weights that become the model")
    }
}
