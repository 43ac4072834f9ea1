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
    /// Kicks that are gradients of an energy of pairs, bonds and angles, wherever in their cells the atoms are.
    case bonds
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

extension SAGESnetConfiguration {
    /// What the rows of variables are.
    var rows: CellBinning.Rows {
        switch (predictor, selection) {
        case (.bonds, _): .atoms
        case (_, .occupied): .occupiedCells
        case (_, .dense): .cells
        }
    }
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
    public let kicks: Int
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
    public let sensitivityWeight: Double
    public let balance: Double
    public let slowWeight: Double
    public let virialWeight: Double
    /// The model file that training goes on from; nil to begin anew.
    public let start: String?
    /// Of the predictor `bonds`; nil for others.
    public let bonds: BondConfiguration?

    public init(from section: ConfigurationSection) throws {
        elements = try section.list("elements", default: ["C"], count: .between(1, 16),
                                    "element symbols that the model knows")
        predictor = try section.value("predictor", default: .energy, "how a step is predicted")
        let bonds: BondConfiguration? = predictor == .bonds
            ? try section.section("bonds", "how the predictor \"bonds\" sees atoms")
            : try section.optionalSection("bonds", "how the predictor \"bonds\" sees atoms")
        self.bonds = bonds
        kicks = try section.value("kicks", default: 3, in: .between(3, 33),
                                  "kicks of a step, two for each of its equal parts and one (energy and bonds); with 5 a "
                                      + "rollout keeps its temperature where it heats up with 3, at twice the cost")
        cellSide = try section.value("cell", default: bonds?.reach, in: .between(0.1, 100),
                                     unit: "Angstrom", "edge length of a cell; the nearest that divides the box is taken")
        slots = try section.value("slots", default: 1, in: .between(1, 64), "atoms that a cell can hold")
        origin = try section.value("origin", default: predictor == .bonds ? .corner : .aligned, "where cell centers lie")
        selection = try section.value("cells", default: .occupied, "which cells are computed")
        form = try section.value("form", default: .gather,
                                 "whether cells collect from their neighbors or send to them; the result is the same")
        convolution = try section.value("convolution", default: .automatic,
                                        "how a dense grid's convolutions are computed; bfloat16 rounds to 8 bits")
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
        sensitivityWeight = try section.value("sensitivityWeight", default: 0, in: .between(0, 1),
                                              "how much the squared errors of a cell or atom count by how sensitive the "
                                                  + "step is to it: 0 for all alike, 1 in proportion")
        balance = try section.value("balance", default: 0, in: .between(0, 1),
                                    "how far runs in which little happens count like the others: 0 as it comes, 1 each "
                                        + "run's errors in units of what a ballistic step misses in it")
        slowWeight = try section.value("slowWeight", default: 0, in: .atLeast(0),
                                       "weight in the loss of what bonded atoms' errors have in common: those of slow "
                                           + "waves, which move little in one step (bonds only)")
        virialWeight = try section.value("virialWeight", default: 0, in: .atLeast(0),
                                         "weight in the loss of squared errors of the virial, eV^2 for each atom, in frames "
                                             + "of data that have one: what elastic constants are learned from (bonds only)")
        start = try section.optional("start", "the model file whose weights and units training goes on from; what it has no "
                                         + "weights for begins anew")
        try section.require((predictor == .bonds) == (bonds != nil), "bonds",
                            "it belongs to the predictor \"bonds\", and this one is \"\(predictor.rawValue)\"")
        try section.require(slowWeight == 0 || bonds != nil, "slowWeight", "only the predictor \"bonds\" knows neighbors")
        try section.require(virialWeight == 0 || bonds != nil, "virialWeight", "only the predictor \"bonds\" knows strain")
        try section.require(kicks % 2 == 1, "kicks",
                            "each part of a step begins and ends with the same kick: they are odd in number")
        if let bonds {
            try section.require(cellSide >= bonds.reach, "cell",
                                "cells must be as wide as atoms look for neighbors: bonds.cutoff + bonds.margin "
                                    + "(\(bonds.reach) Angstrom)")
            let isOfCells: [(key: String, isSet: Bool)] = [
                ("slots", slots != 1), ("origin", origin != .corner), ("cells", selection != .occupied),
                ("form", form != .gather), ("convolution", convolution != .automatic), ("channels", channels != 32),
                ("blocks", blocks != 4),
            ]
            for (key, isSet) in isOfCells {
                try section.require(!isSet, key, "the predictor \"bonds\" computes atoms, not cells, and has none")
            }
        }
        try section.require(selection == .occupied || form == .gather, "form",
                            "dense grids have the gather form only")
        try section.require(selection == .dense || convolution == .automatic, "convolution",
                            "only dense grids have a choice of algorithms")
        try section.require(convolution != .bfloat16 || InstructionSet.multipliesBFloat16, "convolution",
                            "this program was built for processors without bfloat16 products (AVX512_BF16); "
                                + "build it with SAGES_ARCH set to one that has them")
        try section.require(Set(elements).count == elements.count, "elements", "an element is named twice")
        try section.require(Set(environment).count == environment.count, "environment", "a variable is named twice")
        for variable in environment where augmentation {
            for sibling in variable.siblings where !environment.contains(sibling) {
                try section.require(false, "environment",
                                    "\(variable.rawValue) becomes \(sibling.rawValue) where samples are turned: name both, "
                                        + "or set augmentation to false")
            }
        }
    }
}
