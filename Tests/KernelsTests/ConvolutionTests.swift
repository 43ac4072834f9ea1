import Testing

@testable import Kernels

/// The dense convolution kernels against their plain loops, bit for bit where both sum in one order.
@Suite struct ConvolutionTests {
    /// Kernel and stride.
    static let kinds = [(1, 1), (1, 2), (3, 1), (3, 2)]
    static let extents = [
        CellExtents(z: 1, y: 1, x: 1), CellExtents(z: 2, y: 1, x: 3), CellExtents(z: 2, y: 3, x: 23),
        CellExtents(z: 1, y: 19, x: 2), CellExtents(z: 17, y: 2, x: 1),
    ]

    private func compare<T: KernelScalar>(
        _: T.Type, _ geometry: ConvolutionGeometry, touching edge: GuardedMemory<T>.Edge
    ) {
        let fields = ConvolutionCase<T>(geometry, touching: edge)
        for accumulate in [false, true] {
            let (y, expectedY) = (fields.output(), fields.output())
            fields.forward(y, accumulate: accumulate)
            fields.forwardReference(expectedY, accumulate: accumulate)
            #expect(y.values == expectedY.values, "forward, \(geometry)")

            let (dx, expectedX) = (fields.inputGradient(), fields.inputGradient())
            fields.backwardData(dx, accumulate: accumulate)
            fields.backwardDataReference(expectedX, accumulate: accumulate)
            #expect(dx.values == expectedX.values, "data gradient, \(geometry)")

            let (dw, db) = (GuardedMemory<T>(geometry.weightCount, touching: edge).fill(seed: 5),
                            GuardedMemory<T>(geometry.outputChannels, touching: edge).fill(seed: 6))
            let (expectedW, expectedB) = (GuardedMemory<T>(geometry.weightCount, touching: edge),
                                          GuardedMemory<T>(geometry.outputChannels, touching: edge))
            if accumulate { _ = (expectedW.fill(seed: 5), expectedB.fill(seed: 6)) }
            fields.backwardWeights(dw, db, accumulate: accumulate)
            fields.backwardWeightsReference(expectedW, expectedB)
            // Both round sums of n terms of order one; the orders differ.
            let tolerance = T.ulpOfOne * T(4 * geometry.outputExtents.count)
            #expect(largestDifference(dw.values, expectedW.values) <= tolerance, "weight gradient, \(geometry)")
            #expect(largestDifference(db.values, expectedB.values) <= tolerance, "bias gradient, \(geometry)")
        }
    }

    private func largestDifference<T: KernelScalar>(_ a: [T], _ b: [T]) -> T {
        zip(a, b).map { ($0 - $1).magnitude }.max() ?? 0
    }

    private func compareEverywhere<T: KernelScalar>(_: T.Type, inputs: Int, outputs: Int) {
        for (kernel, stride) in Self.kinds {
            for (index, extents) in Self.extents.enumerated() {
                let geometry = ConvolutionGeometry(kernel: kernel, stride: stride, inputChannels: inputs,
                                                   outputChannels: outputs, inputExtents: extents)
                compare(T.self, geometry, touching: index.isMultiple(of: 2) ? .end : .start)
                compare(T.self, geometry, touching: index.isMultiple(of: 2) ? .start : .end)
            }
        }
    }

    /// Every output width up to one beyond a double block, and every input width beside it.
    @Test(arguments: 1...37) func everySmallChannelCount(_ channels: Int) {
        compareEverywhere(Float.self, inputs: 38 - channels, outputs: channels)
        compareEverywhere(Double.self, inputs: channels, outputs: 38 - channels)
    }

    @Test(arguments: [(1, 128), (128, 1), (47, 64), (65, 48), (63, 100), (130, 33)])
    func largeChannelCounts(_ inputs: Int, _ outputs: Int) {
        for (kernel, stride) in Self.kinds {
            let geometry = ConvolutionGeometry(kernel: kernel, stride: stride, inputChannels: inputs,
                                               outputChannels: outputs, inputExtents: CellExtents(z: 2, y: 3, x: 5))
            compare(Float.self, geometry, touching: .end)
            compare(Double.self, geometry, touching: .start)
        }
    }

    /// Blocks of the weight gradient that hold several rows, part of a row, and a partial block of each.
    @Test(arguments: [CellExtents(z: 2, y: 9, x: 70), CellExtents(z: 1, y: 2, x: 600), CellExtents(z: 3, y: 40, x: 13)])
    func cellBlocks(_ extents: CellExtents) {
        for (kernel, stride) in Self.kinds {
            compare(Float.self, ConvolutionGeometry(kernel: kernel, stride: stride, inputChannels: 3,
                                                    outputChannels: 7, inputExtents: extents), touching: .end)
        }
    }

    /// A cell has the same bits whichever box it is computed in, and nothing outside the box is touched.
    private func compareBoxes<T: KernelScalar>(_: T.Type, _ geometry: ConvolutionGeometry, _ random: inout SplitMix) {
        let fields = ConvolutionCase<T>(geometry)
        let (whole, wholeGradient) = (fields.output(), fields.inputGradient())
        fields.forward(whole)
        fields.backwardData(wholeGradient)
        for _ in 0..<12 {
            let box = CellBox.random(in: geometry.outputExtents, &random)
            let y = fields.output()
            fields.forward(y, box: box)
            let expected = merged(whole, into: fields.output(), box, geometry.outputStrides, geometry.outputChannels)
            #expect(y.values == expected, "forward, \(geometry), \(box)")

            let inputBox = CellBox.random(in: geometry.inputExtents, &random)
            let dx = fields.inputGradient()
            fields.backwardData(dx, box: inputBox)
            let expectedGradient = merged(wholeGradient, into: fields.inputGradient(), inputBox,
                                          geometry.inputStrides, geometry.inputChannels)
            #expect(dx.values == expectedGradient, "data gradient, \(geometry), \(inputBox)")
        }
    }

    /// `target` with the cells of `box` taken from `source`.
    private func merged<T: KernelScalar>(
        _ source: GuardedMemory<T>, into target: GuardedMemory<T>, _ box: CellBox, _ strides: CellStrides,
        _ channels: Int
    ) -> [T] {
        for z in box.origin.z..<box.origin.z + box.extents.z {
            for y in box.origin.y..<box.origin.y + box.extents.y {
                for x in box.origin.x..<box.origin.x + box.extents.x {
                    for c in 0..<channels {
                        target.pointer[strides.offset(z, y, x) + c] = source.pointer[strides.offset(z, y, x) + c]
                    }
                }
            }
        }
        return target.values
    }

    @Test func boxesDoNotChangeBits() {
        var random = SplitMix(state: 11)
        for (kernel, stride) in Self.kinds {
            for (inputs, outputs) in [(5, 3), (8, 20), (32, 33), (17, 64)] {
                let geometry = ConvolutionGeometry(
                    kernel: kernel, stride: stride, inputChannels: inputs, outputChannels: outputs,
                    inputExtents: CellExtents(z: 5, y: 9, x: 21))
                compareBoxes(Float.self, geometry, &random)
                compareBoxes(Double.self, geometry, &random)
            }
        }
    }
}
