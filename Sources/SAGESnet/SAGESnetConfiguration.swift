import Autodiff
import Configuration
import Kernels
import NeuralNetworks

/// Which cells a level computes.
public enum CellSelection: String, Sendable, CaseIterable, ConfigurationChoice {
    /// Those that hold atoms, one in eight in diamond.
    case occupied
    /// Every cell of the grid.
    case dense
}

/// How a step is predicted.
public enum PredictorKind: String, Sendable, CaseIterable, ConfigurationChoice {
    /// Velocity kicks that are gradients of a learned energy, with drifts between them: rollouts stay stable.
    case energy
    /// Increments of positions and velocities decoded from the cells, as the paper has it.
    case increment
}

/// Where cell centers lie.
public enum GridOrigin: String, Sendable, CaseIterable, ConfigurationChoice {
    /// So that the atoms of the first frame lie as near to cell centers as they can: for crystals.
    case aligned
    /// Cell faces on the faces of the box.
    case corner
    /// Anew at random for every training sample; as `corner` elsewhere.
    case random
}

extension ConvolutionForm: ConfigurationChoice {}
extension ConvolutionAlgorithm: ConfigurationChoice {}
extension Activation: ConfigurationChoice {}

/// A number that describes a whole run and enters every cell.
public enum EnvironmentVariable: String, Sendable, CaseIterable, ConfigurationChoice {
    /// K
    case temperature
    /// GPa
    case pressure
    /// V/Angstrom
    case electricFieldX, electricFieldY, electricFieldZ
    /// T
    case magneticFieldX, magneticFieldY, magneticFieldZ
    /// 1/ps
    case strainRateX, strainRateY, strainRateZ
}

/// A SAGESnet model: the section `model` of a configuration with `kind: "sagesnet"`.
public struct SAGESnetConfiguration: Configurable, Sendable {
    public let elements: [String]
    public let cellSide: Double
    public let slots: Int
    public let origin: GridOrigin
    public let selection: CellSelection
    public let form: ConvolutionForm
    public let convolution: ConvolutionAlgorithm
    public let predictor: PredictorKind
    public let channels: Int
    public let blocks: Int
    public let activation: Activation
    public let environment: [EnvironmentVariable]
    public let augmentation: Bool
    public let timeReversal: Bool
    public let positionNoise: Double
    public let velocityNoise: Double
    public let rollout: Int
    public let codecWeight: Double

    public init(from section: ConfigurationSection) throws {
        elements = try section.list("elements", default: ["C"], count: .between(1, 16),
                                    "element symbols that the model knows")
        cellSide = try section.value("cell", as: Double.self, in: .between(0.1, 100), unit: "Angstrom",
                                     "edge length of a cell; the nearest that divides the box is taken")
        slots = try section.value("slots", default: 1, in: .between(1, 64), "atoms that a cell can hold")
        origin = try section.value("origin", default: .aligned, "where cell centers lie")
        selection = try section.value("cells", default: .occupied, "which cells are computed")
        form = try section.value("form", default: .gather,
                                 "whether cells collect from their neighbors or send to them; the result is the same")
        convolution = try section.value("convolution", default: .automatic,
                                        "how a dense grid's convolutions are computed; bfloat16 rounds to 8 bits")
        predictor = try section.value("predictor", default: .energy, "how a step is predicted")
        channels = try section.value("channels", default: 32, in: .between(1, 512),
                                     "length of the vector of a cell in the simulation grid")
        blocks = try section.value("blocks", default: 4, in: .between(1, 64),
                                   "residual blocks, each with one convolution of 3x3x3 cells")
        activation = try section.value("activation", default: .silu, "of the residual blocks")
        environment = try section.list("environment", of: EnvironmentVariable.self, default: [],
                                       "numbers of the whole run that enter every cell")
        augmentation = try section.value("augmentation", default: true,
                                         "whether samples are turned by the symmetries of the cube that keep the box")
        timeReversal = try section.value("timeReversal", default: false,
                                         "whether samples also run backwards in time: for runs at constant energy")
        positionNoise = try section.value("positionNoise", default: 0, in: .atLeast(0), unit: "Angstrom",
                                          "standard deviation of noise on input positions in training")
        velocityNoise = try section.value("velocityNoise", default: 0, in: .atLeast(0), unit: "Angstrom/ps",
                                          "standard deviation of noise on input velocities in training")
        rollout = try section.value("rollout", default: 1, in: .between(1, 64),
                                    "steps that a training sample is rolled out, each compared with the data")
        codecWeight = try section.value("codecWeight", default: 0.1, in: .atLeast(0),
                                        "weight of the codec's reconstruction of cells in the loss (increment only)")
        try section.require(selection == .occupied || form == .gather, "form",
                            "dense grids have the gather form only")
        try section.require(selection == .dense || convolution == .automatic, "convolution",
                            "only dense grids have a choice of algorithms")
        try section.require(convolution != .bfloat16 || InstructionSet.multipliesBFloat16, "convolution",
                            "this processor, or what this program was built for (SAGES_ARCH), has no bfloat16 products")
        try section.require(Set(elements).count == elements.count, "elements", "an element is named twice")
        try section.require(Set(environment).count == environment.count, "environment", "a variable is named twice")
    }
}
