import Testing

@testable import Kernels

/// The convolution with bfloat16 operands against the plain loops on rounded operands.
@Suite(.enabled(if: InstructionSet.multipliesBFloat16, "the processor or the build has no bfloat16 products"))
struct BFloat16Tests {
    /// The nearest number with eight bits of significand, ties to even.
    private static func rounded(_ number: Float) -> Float {
        let bits = number.bitPattern
        return Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000)
    }

    /// Fields of a convolution whose operands have been rounded, so that rounding again changes nothing.
    private struct Fields {
        let direct: ConvolutionCase<Float>
        let packed, adjoint, workspace: GuardedMemory<Float>
        var geometry: ConvolutionGeometry { direct.geometry }

        init(_ geometry: ConvolutionGeometry, touching edge: GuardedMemory<Float>.Edge) {
            direct = ConvolutionCase(geometry, touching: edge)
            for field in [direct.x, direct.dy, direct.weights] {
                for index in 0..<field.count { field.pointer[index] = rounded(field.pointer[index]) }
            }
            packed = GuardedMemory(packedBFloat16WeightCount(geometry), touching: edge)
            adjoint = GuardedMemory(packedBFloat16AdjointWeightCount(geometry), touching: edge)
            workspace = GuardedMemory(bfloat16WorkspaceCount(geometry), touching: edge)
            packBFloat16Weights(packed.pointer, direct.weights.pointer, bias: direct.bias.pointer, geometry)
            packBFloat16AdjointWeights(adjoint.pointer, direct.weights.pointer, geometry)
        }

        func forward(_ y: GuardedMemory<Float>, box: CellBox? = nil) {
            bfloat16Forward(
                y.pointer, geometry.outputStrides,
                ConvolutionField(padded: direct.x.pointer, geometry.paddedInputStrides, extents: geometry.inputExtents,
                                 padding: 1), packed: packed.pointer, workspace: workspace.pointer, geometry, box: box ?? geometry.outputBox)
        }

        func backwardData(_ dx: GuardedMemory<Float>, box: CellBox? = nil) {
            bfloat16BackwardData(
                dx.pointer, geometry.inputStrides,
                ConvolutionField(padded: direct.dy.pointer, geometry.paddedOutputStrides,
                                 extents: geometry.outputExtents, padding: 1), packed: adjoint.pointer, workspace: workspace.pointer, geometry, box: box ?? geometry.inputBox)
        }
    }

    static let extents = [
        CellExtents(z: 1, y: 1, x: 1), CellExtents(z: 2, y: 3, x: 21), CellExtents(z: 17, y: 2, x: 1),
        CellExtents(z: 1, y: 19, x: 2),
    ]

    /// Products of rounded operands are exact, so that only the sums' rounding differs.
    @Test(arguments: [1, 3, 8, 16, 17, 32, 40, 64])
    func agreesWithReference(_ channels: Int) {
        for (index, extents) in Self.extents.enumerated() {
            for (inputs, outputs) in [(channels, 1), (channels, 33), (5, channels), (24, channels)] {
                let geometry = ConvolutionGeometry(
                    kernel: 3, inputChannels: inputs, outputChannels: outputs, inputExtents: extents)
                let fields = Fields(geometry, touching: index.isMultiple(of: 2) ? .end : .start)
                func tolerance(_ channels: Int) -> Float { 16 * Float.ulpOfOne * (1 + Float(27 * channels).squareRoot()) }

                let (y, expectedY) = (fields.direct.output(), fields.direct.output())
                fields.forward(y)
                fields.direct.forwardReference(expectedY)
                #expect(largestDifference(y.values, expectedY.values) <= tolerance(inputs), "forward, \(geometry)")

                let (dx, expectedX) = (fields.direct.inputGradient(), fields.direct.inputGradient())
                fields.backwardData(dx)
                fields.direct.backwardDataReference(expectedX)
                #expect(largestDifference(dx.values, expectedX.values) <= tolerance(outputs),
                        "data gradient, \(geometry)")
            }
        }
    }

    /// Operands are rounded to nearest, ties to even.
    @Test func rounding() {
        let numbers: [Float] = [1, 1 + 0x1p-8, 1 + 0x3p-8, 1 + 0x1.01p-8, -3.14159, 1e30, -1e-30, 0.1, 65535, 0, -0.0]
        let pairs = GuardedMemory<Float>((numbers.count + 1) / 2, touching: .end)
        roundToPairs(pairs.pointer, numbers, count: numbers.count)
        let halves = pairs.values.flatMap { [$0.bitPattern << 16, $0.bitPattern & 0xffff_0000] }
        #expect(halves.prefix(numbers.count).map { Float(bitPattern: $0) } == numbers.map(Self.rounded))
        #expect(halves.last == 0)
    }

    /// A cell has the same bits in any box; nothing outside the box is written, nothing further than one cell from it
    /// is read.
    @Test(arguments: [(3, 1), (8, 20), (32, 33), (17, 64)])
    func boxesDoNotChangeBits(_ inputs: Int, _ outputs: Int) {
        var random = SplitMix(state: 23)
        let extents = CellExtents(z: 4, y: 5, x: 19)
        let geometry = ConvolutionGeometry(
            kernel: 3, inputChannels: inputs, outputChannels: outputs, inputExtents: extents)
        let whole = Fields(geometry, touching: .end)
        let (wholeY, wholeX) = (whole.direct.output(), whole.direct.inputGradient())
        whole.forward(wholeY)
        whole.backwardData(wholeX)
        for _ in 0..<12 {
            let box = CellBox.random(in: extents, &random)
            let part = Fields(geometry, touching: .end)
            poison(part.direct.x, beyond: box, extents, channels: inputs)
            poison(part.direct.dy, beyond: box, extents, channels: outputs)
            let (y, dx) = (part.direct.output(), part.direct.inputGradient())
            part.forward(y, box: box)
            part.backwardData(dx, box: box)
            #expect(y.values == values(in: box, wholeY, outside: part.direct.output(), extents, channels: outputs),
                    "forward, \(geometry), \(box)")
            #expect(dx.values == values(in: box, wholeX, outside: part.direct.inputGradient(), extents, channels: inputs),
                    "data gradient, \(geometry), \(box)")
        }
    }
}
