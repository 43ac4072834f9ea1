import Configuration
import Kernels

/// How the predictor `bonds` sees atoms: the section `model.bonds`.
public struct BondConfiguration: Configurable, Sendable {
    /// Within which atoms see each other at all, Angstrom.
    public let cutoff: Double
    /// Within which they are bonded, and bonds have angles, Angstrom.
    public let bondCutoff: Double
    /// By how much lists of pairs reach farther, Angstrom.
    public let margin: Double
    public let pairFunctions: Int
    public let pairChannels: Int
    public let bondFunctions: Int
    public let bondChannels: Int
    public let bondWidth: Int
    public let angleFunctions: Int
    public let angleKnots: [Double]
    public let angleChannels: Int
    public let torsionChannels: Int
    public let atomWidth: Int
    public let room: Double

    public init(from section: ConfigurationSection) throws {
        cutoff = try section.value("cutoff", default: 3.2, in: .between(0.5, 50), unit: "Angstrom",
                                   "distance within which atoms see each other")
        bondCutoff = try section.value("bondCutoff", default: 2, in: .between(0.5, 50), unit: "Angstrom",
                                       "distance within which they are bonded; bonds have angles")
        margin = try section.value("margin", default: 0.35, in: .between(0.01, 5), unit: "Angstrom",
                                   "how much farther lists of pairs reach, as atoms move within a step")
        pairFunctions = try section.value("pairFunctions", default: 8, in: .between(1, 64),
                                          "radial functions of the distance of a pair")
        pairChannels = try section.value("pairChannels", default: 16, in: .between(1, 256),
                                         "what an atom knows of all pairs")
        bondFunctions = try section.value("bondFunctions", default: 12, in: .between(1, 64),
                                          "radial functions of the length of a bond")
        bondChannels = try section.value("bondChannels", default: 24, in: .between(1, 256),
                                         "what an atom knows of its bonds")
        bondWidth = try section.value("bondWidth", default: 48, in: .between(1, 512),
                                      "width of the network of a bond")
        angleFunctions = try section.value("angleFunctions", default: 5, in: .between(1, 32),
                                           "Chebyshev polynomials of the cosine of an angle")
        angleKnots = try section.list("angleKnots", default: [], count: .between(0, AngleRows<Float>.mostKnots),
                                      "cosines of angles at which the third derivative of the energy may jump, as in "
                                          + "potentials made of splines")
        angleChannels = try section.value("angleChannels", default: 24, in: .between(1, 256),
                                          "what a bond knows of its angles")
        torsionChannels = try section.value("torsionChannels", default: 0, in: .between(0, 64),
                                            "weightings of the turns of bonds around a bond; 0 for none")
        atomWidth = try section.value("atomWidth", default: 32, in: .between(1, 512), "width of the network of an atom")
        room = try section.value("room", default: 1.25, in: .between(1, 10),
                                 "pairs, bonds and angles that a training sample may have, over those of the frames "
                                     + "looked at first")
        try section.require(angleKnots.allSatisfy { abs($0) < 1 }, "angleKnots", "cosines lie between -1 and 1")
        try section.require(bondCutoff <= cutoff, "bondCutoff", "it is beyond the cutoff of pairs")
    }

    /// How far the lists reach, Angstrom.
    var reach: Double { cutoff + margin }
}
