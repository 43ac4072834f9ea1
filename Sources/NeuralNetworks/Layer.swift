import Autodiff
import Kernels
import Tensor

// Layers are values that know where their parameters lie; applying one to a variable records it on the variable's
// tape. They are declared once, against a layout, and work at every scalar type.

/// y = x w + b on every row.
public struct Dense: Sendable {
    public let weights: Parameter
    public let bias: Parameter?
    public let backend: ProductBackend

    /// - Parameters:
    ///   - backend: `.kernel` for cells (a 1x1x1 convolution), `.library` for batches of fixed size.
    ///   - gain: scales the standard deviation 1/sqrt(inputs) of the first weights; 0 makes the layer silent at first.
    public init(
        _ name: String, inputs: Int, outputs: Int, bias: Bool = true, backend: ProductBackend = .kernel,
        gain: Double = 1, in layout: inout ParameterLayout
    ) {
        weights = layout.add("\(name)/weights", [inputs, outputs], .scaledNormal(fanIn: inputs, gain: gain))
        self.bias = bias ? layout.add("\(name)/bias", [outputs], .constant(0)) : nil
        self.backend = backend
    }

    public func callAsFunction<Scalar>(_ x: Variable<Scalar>) -> Variable<Scalar> {
        let product = x.rowProduct(x.tape.parameter(weights), backend: backend)
        return bias.map { product.addingRow(x.tape.parameter($0)) } ?? product
    }
}

/// y[r] = sum over k of x[n(r, k)] w[k] + b over occupied cells.
public struct NeighborConvolutionLayer: Sendable {
    public let weights: Parameter
    public let bias: Parameter?

    /// - Parameter expectedNeighbors: how many of the kernel's offsets are occupied on average, for the first weights.
    public init(
        _ name: String, offsets: Int, inputs: Int, outputs: Int, bias: Bool = true, expectedNeighbors: Int,
        gain: Double = 1, in layout: inout ParameterLayout
    ) {
        weights = layout.add(
            "\(name)/weights", [offsets, inputs, outputs],
            .scaledNormal(fanIn: inputs * expectedNeighbors, gain: gain))
        self.bias = bias ? layout.add("\(name)/bias", [outputs], .constant(0)) : nil
    }

    public func callAsFunction<Scalar>(
        _ x: Variable<Scalar>, _ topology: NeighborTopology
    ) -> Variable<Scalar> {
        let sum = x.neighborConvolution(x.tape.parameter(weights), topology)
        return bias.map { sum.addingRow(x.tape.parameter($0)) } ?? sum
    }
}

/// Dense layers with an activation between them (not behind the last).
public struct Perceptron: Sendable {
    public let layers: [Dense]
    public let activation: Activation

    /// - Parameter widths: the length of a row before, between and behind the layers; at least two.
    public init(
        _ name: String, widths: [Int], activation: Activation, backend: ProductBackend = .kernel,
        lastGain: Double = 1, in layout: inout ParameterLayout
    ) {
        precondition(widths.count >= 2, "a perceptron needs an input and an output width")
        var layers: [Dense] = []
        for index in 0..<(widths.count - 1) {
            let isLast = index == widths.count - 2
            layers.append(
                Dense(
                    "\(name)/layer\(index)", inputs: widths[index], outputs: widths[index + 1], backend: backend,
                    gain: isLast ? lastGain : 1.4, in: &layout))
        }
        self.layers = layers
        self.activation = activation
    }

    public func callAsFunction<Scalar>(_ x: Variable<Scalar>) -> Variable<Scalar> {
        var x = x
        for (index, layer) in layers.enumerated() {
            x = layer(x)
            if index < layers.count - 1 { x = x.applying(activation) }
        }
        return x
    }
}

/// Each row scaled to unit mean square, then by a learned factor for each channel; rows are cells, so the result does
/// not depend on which cells share a rank or a batch.
public struct CellNormalization: Sendable {
    public let scale: Parameter
    public let epsilon: Double

    public init(_ name: String, channels: Int, epsilon: Double = 1e-5, in layout: inout ParameterLayout) {
        scale = layout.add("\(name)/scale", [channels], .constant(1))
        self.epsilon = epsilon
    }

    public func callAsFunction<Scalar>(_ x: Variable<Scalar>) -> Variable<Scalar> {
        let meanSquare = Scalar(1) / Scalar(x.columns) * x.rowDot(x)
        let normalized = x.scaledByColumn((meanSquare + Scalar(epsilon)).applying(.inverseSquareRoot))
        return normalized * x.tape.parameter(scale).repeatedOverRows(like: x)
    }
}

extension Tape {
    /// A model's parameter as a variable of this tape.
    public func parameter(_ parameter: Parameter) -> Variable<Scalar> {
        self.parameter(at: parameter.offset, parameter.shape)
    }
}
