import Configuration
import Kernels

/// A SAGESnet model of a grid whose cells hold numbers: the section `model` of a configuration with `kind: "sagesnet"`,
/// `state: "grid"`.
public struct GridModelConfiguration: Configurable, Sendable {
    public let components: Int
    public let hasParity: Bool
    /// The model file of a coarse level.
    public let feedback: String?
    public let channels: Int
    public let blocks: Int
    public let mixingLayers: Int
    public let activation: Activation
    public let convolution: ConvolutionAlgorithm
    public let crop: Int
    public let sensitivityWeight: Double

    public init(from section: ConfigurationSection) throws {
        components = try section.value("components", default: 1, in: .between(1, 64),
                                       "numbers that a cell of the data holds, each 0 or 1")
        hasParity = try section.value("parity", default: false,
                                      "whether cells know if their coordinates plus the step are even: block automata need it")
        feedback = try section.optional(
            "feedback", "the model file of a coarse level that runs together with this model, whose codes each cell feels; a "
                + "simulation looks for it beside this model, or else there")
        channels = try section.value("channels", default: 16, in: .between(1, 512),
                                     "length of the vector of a cell in the simulation grid")
        blocks = try section.value("blocks", default: 1, in: .between(1, 64),
                                   "residual blocks, each with one convolution of 3x3x3 cells; a step sees as many cells far")
        mixingLayers = try section.value("mixingLayers", default: 2, in: .between(1, 8),
                                         "layers of a block that work on each cell after the convolution")
        activation = try section.value("activation", default: .silu, "of the residual blocks")
        convolution = try section.value("convolution", default: .automatic,
                                        "how convolutions are computed; bfloat16 rounds to 8 bits")
        crop = try section.value("crop", default: 16, in: .between(1, 1024), unit: "cells",
                                 "edge length of the part of a frame, anywhere in it, that a training sample compares")
        sensitivityWeight = try section.value("sensitivityWeight", default: 0, in: .between(0, 1),
                                              "how much the loss of a cell counts by how sensitive the step is to it: 0 for "
                                                  + "all alike, 1 in proportion")
        try section.require(convolution != .bfloat16 || InstructionSet.multipliesBFloat16, "convolution",
                            "this program was built for processors without bfloat16 products (AVX512_BF16); "
                                + "build it with SAGES_ARCH set to one that has them")
    }
}
