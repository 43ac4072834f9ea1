import Configuration
import Grid
import Kernels

/// What lies under the lowest coarse level.
public enum LevelBase: String, Sendable, CaseIterable, ConfigurationChoice {
    /// Atoms of a solid, each in the block of cells that it starts in.
    case atoms
    /// Numbers of the grid itself, such as the cells of an automaton.
    case grid
}

/// What a training of a level changes.
public enum LevelStage: String, Sendable, CaseIterable, ConfigurationChoice {
    /// The predictor; the scale transformer stays what the principal components of the training blocks make it.
    case predictor
    /// The predictor and the scale transformer, from a model of the stage before.
    case joint
}

/// How a step of a coarse level is predicted.
public enum LevelPredictorKind: String, Sendable, CaseIterable, ConfigurationChoice {
    /// Kicks that are gradients of learned energies of the codes of offsets at a block's last time, with drifts between
    /// them: symplectic.
    case energy
    /// Increments of the codes: a linear convolution and residual blocks.
    case increment
}

/// A coarse level of SAGESnet: the section `model` of a configuration with `kind: "sagesnet"`, `state: "level"`.
public struct LevelConfiguration: Configurable, Sendable {
    public let base: LevelBase
    public let level: Int
    /// The model of the level below; nil at level 1.
    public let below: String?
    /// The model that a joint training starts from.
    public let start: String?
    public let stage: LevelStage
    /// Cells of a block along each axis.
    public let factors: Extent3
    /// Time steps of a block.
    public let steps: Int
    public let elements: [String]
    /// Angstrom
    public let cellSide: Double
    public let slots: Int
    public let components: Int
    public let channels: Int
    public let width: Int
    public let predictor: LevelPredictorKind
    public let kicks: Int
    public let blocks: Int
    public let mixingLayers: Int
    public let activation: Activation
    public let convolution: ConvolutionAlgorithm
    public let rollout: Int
    public let noise: Double
    public let augmentation: Bool
    public let timeReversal: Bool
    public let codeWeight: Double
    public let reconstructionWeight: Double

    public init(from section: ConfigurationSection) throws {
        base = try section.value("base", "what lies under level 1")
        level = try section.value("level", default: 1, in: .between(1, 8),
                                  "which level this model is; a cell of it is a block of the level below")
        below = try section.optional("below", "the model file of the level below, whose scale transformers are taken over")
        start = try section.optional("start", "the model file of this level that a joint training starts from")
        stage = try section.value("stage", default: .predictor, "what the training changes")
        let factors = try section.list("factors", default: [2, 2, 2], in: .between(1, 8), count: .between(3, 3),
                                       "cells of a block along x, y, z; alike at all levels")
        self.factors = factors.count == 3 ? Extent3(z: factors[2], y: factors[1], x: factors[0]) : Extent3(repeating: 2)
        steps = try section.value("steps", default: 2, in: .between(1, 16),
                                  "time steps of a block; alike at all levels")
        elements = try section.list("elements", default: ["C"], count: .between(1, 16),
                                    "element symbols that the model knows (atoms only)")
        cellSide = try section.value("cell", default: 1, in: .between(0.1, 100), unit: "Angstrom",
                                     "edge length of a cell of level 0; the nearest that divides the box is taken (atoms only)")
        slots = try section.value("slots", default: 1, in: .between(1, 512),
                                  "atoms that a block of level 1 can hold (atoms only)")
        components = try section.value("components", default: 1, in: .between(1, 64),
                                       "numbers that a cell of the data holds, each 0 or 1 (grids only)")
        channels = try section.value("channels", default: 32, in: .between(1, 512),
                                     "length of the vector of a cell, at most; a code is no longer than what it is of")
        width = try section.value("width", default: channels, in: .between(1, 512),
                                  "length of the vector of a cell within the predictor's network; that of `channels` if absent")
        predictor = try section.value("predictor", default: .increment, "how a step is predicted")
        kicks = try section.value("kicks", default: 3, in: .between(3, 65),
                                  "kicks of a step, two for each of its equal parts and one (energy only)")
        blocks = try section.value("blocks", default: 4, in: .between(1, 64),
                                   "residual blocks, each with one convolution of 3x3x3 cells")
        mixingLayers = try section.value("mixingLayers", default: 1, in: .between(1, 8),
                                         "layers of a block that work on each cell after the convolution")
        activation = try section.value("activation", default: .silu, "of the residual blocks")
        convolution = try section.value("convolution", default: .automatic,
                                        "how convolutions are computed; bfloat16 rounds to 8 bits")
        rollout = try section.value("rollout", default: 1, in: .between(1, 64),
                                    "steps of the level that a training sample is rolled out, each compared with the data")
        noise = try section.value("noise", default: 0, in: .atLeast(0),
                                  "standard deviation of noise on input codes in training, in their own spreads")
        augmentation = try section.value("augmentation", default: true,
                                         "whether samples are turned by the symmetries of the cube that keep the box (atoms only)")
        timeReversal = try section.value("timeReversal", default: false,
                                         "whether samples also run backwards in time (atoms only)")
        codeWeight = try section.value("codeWeight", default: 1, in: .atLeast(0),
                                       "weight in the loss of what predicted codes differ by from codes of the data")
        reconstructionWeight = try section.value(
            "reconstructionWeight", default: 1, in: .atLeast(0),
            "weight in the loss of what the scale transformer does not give back (joint only)")
        try section.require(level == 1 || below != nil, "below",
                            "level \(level) needs the model file of level \(level - 1)")
        try section.require(level > 1 || below == nil, "below", "below level 1 is no other coarse level")
        try section.require(stage != .joint || start != nil, "start",
                            "a joint training starts from a model whose predictor was trained before")
        try section.require(base == .atoms || predictor == .increment, "predictor",
                            "an energy's kicks need offsets and velocities, which a grid's cells have not")
        try section.require(kicks % 2 == 1, "kicks", "each part of a step begins and ends with the same kick: they are odd in number")
        try section.require(convolution != .bfloat16 || InstructionSet.multipliesBFloat16, "convolution",
                            "this program was built for processors without bfloat16 products (AVX512_BF16); "
                                + "build it with SAGES_ARCH set to one that has them")
    }
}

/// How many numbers describe a cell of each level. Level 1 is made of readable numbers, the others of codes.
extension LevelConfiguration {
    /// Cells of a block.
    var cellsOfBlock: Int { factors.count }

    /// Readable numbers of a block of level 1 at one time: offset and velocity of each slot, or the block's cells.
    var readableOfStep: Int { base == .atoms ? 6 * slots : cellsOfBlock * components }

    /// What a cell of a level is encoded from.
    func inputs(_ level: Int) -> Int {
        steps * (level == 1 ? readableOfStep : cellsOfBlock * codes(level - 1))
    }

    /// The length of a cell's code.
    func codes(_ level: Int) -> Int {
        let half = inputs(level) / 2
        return base == .atoms ? 2 * min(channels / 2, half) : min(channels, inputs(level))
    }

    /// Numbers that say which cells of level 0 in a cell of a level hold atoms of which element; they never change.
    func sites(_ level: Int) -> Int {
        base == .grid ? 0 : (0..<level).reduce(elements.count) { count, _ in count * cellsOfBlock }
    }

    /// Steps of level 0 in a step of a level.
    func frames(_ level: Int) -> Int { (0..<level).reduce(1) { count, _ in count * steps } }

    /// Blocks of level 1 that lie behind one another in time in a cell of this level.
    var timeBlocks: Int { frames(level) / steps }

    /// Cells of level 1 along each axis in a cell of this level.
    var childFactors: Extent3 {
        (1..<level).reduce(Extent3(repeating: 1)) { result, _ in
            Extent3(z: result.z * factors.z, y: result.y * factors.y, x: result.x * factors.x)
        }
    }
}

/// What a number that a level's cells are encoded from is to an energy.
enum LevelColumn: Equatable, Sendable {
    /// Where atoms are at the block's last time, and how fast.
    case offset, velocity
    /// The times before.
    case history
}

/// An energy's codes: first so many of offsets, then as many of velocities, both of the block's last time, then those of
/// the times before.
extension LevelConfiguration {
    /// Pairs of codes of a cell, of an offset and of its velocity; 0 without an energy.
    func pairs(_ level: Int) -> Int {
        guard predictor == .energy else { return 0 }
        return min(channels / 2, level == 1 ? 3 * slots : cellsOfBlock * pairs(level - 1))
    }

    /// Of a number that a level's cells are encoded from.
    func column(_ index: Int, level: Int) -> LevelColumn {
        let (step, place) = index.quotientAndRemainder(dividingBy: inputs(level) / steps)
        guard step == steps - 1 else { return .history }
        guard level > 1 else { return place % 6 < 3 ? .offset : .velocity }
        let (code, pairs) = (place % codes(level - 1), pairs(level - 1))
        return code < pairs ? .offset : code < 2 * pairs ? .velocity : .history
    }
}
