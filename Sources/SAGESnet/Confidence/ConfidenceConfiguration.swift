import Configuration
import Kernels

/// A network that predicts how far another model's steps will be from the truth: the section `model` of a configuration
/// with `kind: "confidence"`.
public struct ConfidenceConfiguration: Configurable, Sendable {
    /// The model's file.
    public let of: String
    public let width: Int
    public let layers: Int
    public let activation: Activation
    public let rows: Int

    public init(from section: ConfigurationSection) throws {
        of = try section.value("of", "the file of the model whose errors are predicted")
        width = try section.value("width", default: 48, in: .between(1, 1024), "width of the hidden layers")
        layers = try section.value("layers", default: 2, in: .between(1, 8), "hidden layers")
        activation = try section.value("activation", default: .silu, "of the hidden layers")
        rows = try section.value("rows", default: 512, in: .between(1, 1 << 20),
                                 "cells or atoms of a frame that are learned from, chosen at random; all where it has fewer")
    }
}
