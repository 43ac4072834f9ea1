import Testing

@testable import Kernels

/// The choice of an algorithm, and its kernels behind one door.
@Suite struct ConvolutionAlgorithmTests {
    static let available = ConvolutionAlgorithm.allCases.filter {
        $0 != .bfloat16 || InstructionSet.multipliesBFloat16
    }

    private func chosen<T: KernelScalar>(
        _: T.Type, _ algorithm: ConvolutionAlgorithm, _ inputs: Int, _ outputs: Int, kernel: Int = 3, stride: Int = 1
    ) -> ConvolutionAlgorithm {
        ConvolutionKernels<T>(
            ConvolutionGeometry(kernel: kernel, stride: stride, inputChannels: inputs, outputChannels: outputs,
                                inputExtents: CellExtents(z: 4, y: 4, x: 4)), algorithm: algorithm).algorithm
    }

    @Test func choice() {
        #expect(chosen(Float.self, .automatic, 32, 32) == .winograd)
        #expect(chosen(Double.self, .automatic, 32, 32) == .winograd)
        #expect(chosen(Float.self, .automatic, 1, 32) == .direct)
        #expect(chosen(Float.self, .automatic, 32, 2) == .direct)
        #expect(chosen(Float.self, .winograd, 1, 1) == .winograd)
        #expect(chosen(Float.self, .direct, 64, 64) == .direct)
        for algorithm in Self.available {
            #expect(chosen(Float.self, algorithm, 32, 32, kernel: 1) == .direct)
            #expect(chosen(Float.self, algorithm, 32, 32, stride: 2) == .direct)
        }
        if InstructionSet.multipliesBFloat16 {
            #expect(chosen(Float.self, .bfloat16, 1, 1) == .bfloat16)
            #expect(chosen(Double.self, .bfloat16, 32, 32) == .direct)
        }
    }

    /// Boxes of whole tiles, within the box that was asked for.
    @Test func alignment() {
        let geometry = ConvolutionGeometry(kernel: 3, inputChannels: 8, outputChannels: 8,
                                           inputExtents: CellExtents(z: 9, y: 9, x: 9))
        let box = CellBox(origin: CellExtents(z: 1, y: 1, x: 1), extents: CellExtents(z: 7, y: 6, x: 1))
        let winograd = ConvolutionKernels<Float>(geometry, algorithm: .winograd)
        #expect(winograd.aligned(box, anchor: CellExtents(z: 4, y: 3, x: 0))
                    == CellBox(origin: CellExtents(z: 2, y: 1, x: 2), extents: CellExtents(z: 6, y: 6, x: 0)))
        let direct = ConvolutionKernels<Float>(geometry, algorithm: .direct)
        #expect(direct.aligned(box, anchor: CellExtents(z: 4, y: 3, x: 0)) == box)
    }

    private func compare<T: KernelScalar>(_: T.Type, _ algorithm: ConvolutionAlgorithm, _ inputs: Int, _ outputs: Int) {
        let geometry = ConvolutionGeometry(kernel: 3, inputChannels: inputs, outputChannels: outputs,
                                           inputExtents: CellExtents(z: 5, y: 4, x: 9))
        let kernels = ConvolutionKernels<T>(geometry, algorithm: algorithm)
        let fields = ConvolutionCase<T>(geometry)
        let packed = GuardedMemory<T>(kernels.packedCount, touching: .end)
        let adjoint = GuardedMemory<T>(kernels.packedAdjointCount, touching: .end)
        let workspace = GuardedMemory<T>(kernels.workspaceCount, touching: .end)
        kernels.pack(packed.pointer, fields.weights.pointer, bias: fields.bias.pointer)
        kernels.packAdjoint(adjoint.pointer, fields.weights.pointer)
        let anchor = CellExtents(z: 1, y: 0, x: 1)
        let x = ConvolutionField(padded: fields.x.pointer, geometry.paddedInputStrides, extents: geometry.inputExtents,
                                 padding: 1)
        let gradient = ConvolutionField(padded: fields.dy.pointer, geometry.paddedOutputStrides,
                                        extents: geometry.outputExtents, padding: 1)
        // Of sums of `terms` products of numbers in (-1, 1).
        func tolerance(_ terms: Int, rounded: Bool) -> T {
            (rounded && kernels.algorithm == .bfloat16 ? 0x1p-7 : 32 * T.ulpOfOne) * (1 + T(terms).squareRoot())
        }

        let (y, expectedY) = (fields.output(), fields.output())
        kernels.forward(y.pointer, geometry.outputStrides, x, packed: packed.pointer, workspace: workspace.pointer, box: geometry.outputBox, anchor: anchor)
        fields.forwardReference(expectedY)
        #expect(largestDifference(y.values, expectedY.values) <= tolerance(27 * inputs, rounded: true), "\(algorithm)")

        let (dx, expectedX) = (fields.inputGradient(), fields.inputGradient())
        kernels.backwardData(dx.pointer, geometry.inputStrides, gradient, packed: adjoint.pointer, workspace: workspace.pointer, box: geometry.inputBox,
                             anchor: anchor)
        fields.backwardDataReference(expectedX)
        #expect(largestDifference(dx.values, expectedX.values) <= tolerance(27 * outputs, rounded: true),
                "\(algorithm)")

        let dw = GuardedMemory<T>(geometry.weightCount, touching: .end)
        let expectedW = GuardedMemory<T>(geometry.weightCount, touching: .end)
        let db = GuardedMemory<T>(outputs, touching: .end)
        kernels.backwardWeights(dw.pointer, fields.ownedGradient, geometry.paddedOutputStrides, x, workspace: workspace.pointer, box: geometry.outputBox,
                                anchor: anchor)
        fields.backwardWeightsReference(expectedW, db)
        #expect(largestDifference(dw.values, expectedW.values)
                    <= tolerance(8 * geometry.outputExtents.count, rounded: false), "\(algorithm)")
    }

    @Test(arguments: available) func everyAlgorithm(_ algorithm: ConvolutionAlgorithm) {
        for (inputs, outputs) in [(2, 9), (8, 8), (33, 16)] {
            compare(Float.self, algorithm, inputs, outputs)
            compare(Double.self, algorithm, inputs, outputs)
        }
    }

    /// Where the halo lies makes no difference to any bit, in the weight gradient neither except for the direct one.
    @Test(arguments: available, [
        CellExtents(z: 1, y: 1, x: 1), CellExtents(z: 5, y: 4, x: 7), CellExtents(z: 6, y: 8, x: 6),
    ])
    func haloElsewhere(_ algorithm: ConvolutionAlgorithm, _ extents: CellExtents) {
        for (inputs, outputs) in [(2, 9), (8, 8), (33, 16)] {
            let geometry = ConvolutionGeometry(
                kernel: 3, inputChannels: inputs, outputChannels: outputs, inputExtents: extents)
            let kernels = ConvolutionKernels<Float>(geometry, algorithm: algorithm)
            let fields = ConvolutionCase<Float>(geometry)
            let packed = GuardedMemory<Float>(kernels.packedCount, touching: .end)
            let adjoint = GuardedMemory<Float>(kernels.packedAdjointCount, touching: .end)
            let workspace = GuardedMemory<Float>(kernels.workspaceCount, touching: .end)
            kernels.pack(packed.pointer, fields.weights.pointer)
            kernels.packAdjoint(adjoint.pointer, fields.weights.pointer)
            let x = ConvolutionFieldTests.Parts(fields.x, extents, channels: inputs)
            let dy = ConvolutionFieldTests.Parts(fields.dy, extents, channels: outputs)
            let sources = [x.field, ConvolutionField(padded: fields.x.pointer, geometry.paddedInputStrides,
                                                     extents: extents, padding: 1)]
            let gradients = [dy.field, ConvolutionField(padded: fields.dy.pointer, geometry.paddedOutputStrides,
                                                        extents: extents, padding: 1)]
            let anchor = CellExtents(z: 0, y: 1, x: 1)
            let results = zip(sources, gradients).map { source, gradient in
                let (y, dx) = (fields.output(), fields.inputGradient())
                let dw = GuardedMemory<Float>(geometry.weightCount, touching: .end)
                kernels.forward(y.pointer, geometry.outputStrides, source, packed: packed.pointer,
                                workspace: workspace.pointer, box: geometry.outputBox, anchor: anchor)
                kernels.backwardData(dx.pointer, geometry.inputStrides, gradient, packed: adjoint.pointer,
                                     workspace: workspace.pointer, box: geometry.inputBox, anchor: anchor)
                if kernels.algorithm == .winograd && extents.count >= 125 {
                    kernels.backwardWeights(dw.pointer, fields.ownedGradient, geometry.paddedOutputStrides, source,
                                            workspace: workspace.pointer, box: geometry.outputBox, anchor: anchor)
                }
                return (y: y.values, dx: dx.values, dw: dw.values)
            }
            #expect(results[0].y == results[1].y, "forward, \(geometry), \(algorithm)")
            #expect(results[0].dx == results[1].dx, "data gradient, \(geometry), \(algorithm)")
            #expect(results[0].dw == results[1].dw, "weight gradient, \(geometry), \(algorithm)")
            withExtendedLifetime((x, dy)) {}
        }
    }
}
