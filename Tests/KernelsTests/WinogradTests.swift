import Testing

@testable import Kernels

/// Winograd's algorithm against the plain loops, and the bits that it promises.
@Suite struct WinogradTests {
    static let anchors = (0..<8).map { CellExtents(z: $0 >> 2, y: $0 >> 1 & 1, x: $0 & 1) }
    static let extents = [
        CellExtents(z: 1, y: 1, x: 1), CellExtents(z: 2, y: 1, x: 3), CellExtents(z: 3, y: 2, x: 2),
        CellExtents(z: 4, y: 5, x: 7), CellExtents(z: 1, y: 6, x: 3), CellExtents(z: 7, y: 1, x: 11),
    ]

    /// The rounding of sums of `terms` products of numbers in (-1, 1), with room for the transforms' additions.
    private func tolerance<T: KernelScalar>(_: T.Type, terms: Int) -> T {
        32 * T.ulpOfOne * (1 + T(terms).squareRoot())
    }

    private func compare<T: KernelScalar>(_: T.Type, _ fields: WinogradCase<T>) {
        let geometry = fields.geometry
        let (y, expectedY) = (fields.output(), fields.output())
        fields.forward(y)
        fields.forwardReference(expectedY)
        #expect(largestDifference(y.values, expectedY.values)
                    <= tolerance(T.self, terms: 27 * geometry.inputChannels), "forward, \(geometry), \(fields.anchor)")

        let (dx, expectedX) = (fields.inputGradient(), fields.inputGradient())
        fields.backwardData(dx)
        fields.backwardDataReference(expectedX)
        #expect(largestDifference(dx.values, expectedX.values) <= tolerance(T.self, terms: 27 * geometry.outputChannels),
                "data gradient, \(geometry), \(fields.anchor)")

        let dw = GuardedMemory<T>(geometry.weightCount, touching: fields.edge).fill(seed: 7)
        let expectedW = GuardedMemory<T>(geometry.weightCount, touching: fields.edge).fill(seed: 7)
        fields.backwardWeights(dw)
        fields.backwardWeightsReference(expectedW)
        #expect(largestDifference(dw.values, expectedW.values)
                    <= tolerance(T.self, terms: 8 * geometry.outputExtents.count),
                "weight gradient, \(geometry), \(fields.anchor)")
    }

    @Test(arguments: [1, 3, 8, 16, 17, 32, 40, 64])
    func agreesWithReference(_ channels: Int) {
        for (index, extents) in Self.extents.enumerated() {
            for other in [channels, 1, 5, 24] {
                let anchor = Self.anchors[(index + other) % 8]
                for edge in [true, false] {
                    let geometry = ConvolutionGeometry(
                        kernel: 3, inputChannels: edge ? channels : other, outputChannels: edge ? other : channels,
                        inputExtents: extents)
                    compare(Float.self, WinogradCase(geometry, anchor: anchor, touching: edge ? .end : .start))
                    compare(Double.self, WinogradCase(geometry, anchor: anchor, touching: edge ? .start : .end))
                }
            }
        }
    }

    /// Several blocks of tiles, the last one in part.
    @Test(arguments: [(4, 3), (32, 32), (64, 48)])
    func manyBlocks(_ inputs: Int, _ outputs: Int) {
        let geometry = ConvolutionGeometry(kernel: 3, inputChannels: inputs, outputChannels: outputs,
                                           inputExtents: CellExtents(z: 7, y: 13, x: 18))
        compare(Float.self, WinogradCase(geometry, anchor: CellExtents(z: 3, y: 2, x: 1)))
        compare(Double.self, WinogradCase(geometry, anchor: CellExtents(z: 0, y: 1, x: 0)))
    }

    private func compareBoxes<T: KernelScalar>(_: T.Type, _ inputs: Int, _ outputs: Int, _ random: inout SplitMix) {
        let extents = CellExtents(z: 5, y: 6, x: 9)
        let geometry = ConvolutionGeometry(
            kernel: 3, inputChannels: inputs, outputChannels: outputs, inputExtents: extents)
        for anchor in Self.anchors {
            let whole = WinogradCase<T>(geometry, anchor: anchor)
            let (wholeY, wholeX) = (whole.output(), whole.inputGradient())
            whole.forward(wholeY)
            whole.backwardData(wholeX)
            for _ in 0..<6 {
                let box = CellBox.random(in: extents, &random)
                let shift = CellBox.random(in: extents, &random).origin
                // What the box's windows do not reach may hold anything.
                let part = WinogradCase<T>(geometry, anchor: anchor)
                poison(part.x, beyond: box, extents, channels: inputs)
                poison(part.dy, beyond: box, extents, channels: outputs)
                let (y, dx) = (part.output(), part.inputGradient())
                part.forward(y, box: box, shift: shift)
                part.backwardData(dx, box: box, shift: shift)
                #expect(y.values == values(in: box, wholeY, outside: part.output(), extents, channels: outputs),
                        "forward, \(geometry), \(box), \(anchor)")
                #expect(dx.values == values(in: box, wholeX, outside: part.inputGradient(), extents, channels: inputs),
                        "data gradient, \(geometry), \(box), \(anchor)")
            }
        }
    }

    /// A cell has the same bits in any box, counted from any cell, as long as its global coordinates are the same;
    /// nothing outside the box is written, nothing further than one cell from it is read.
    @Test(arguments: [(3, 1), (8, 20), (32, 33), (17, 64)])
    func boxesDoNotChangeBits(_ inputs: Int, _ outputs: Int) {
        var random = SplitMix(state: 17)
        compareBoxes(Float.self, inputs, outputs, &random)
        compareBoxes(Double.self, inputs, outputs, &random)
    }

    /// The weight gradient over parts of a field sums to the gradient over the whole, and reads no further either.
    @Test func weightGradientOverBoxes() {
        let extents = CellExtents(z: 4, y: 5, x: 7)
        let geometry = ConvolutionGeometry(kernel: 3, inputChannels: 5, outputChannels: 18, inputExtents: extents)
        let whole = WinogradCase<Double>(geometry, anchor: CellExtents(z: 1, y: 0, x: 1))
        let expected = GuardedMemory<Double>(geometry.weightCount, touching: .end)
        whole.backwardWeightsReference(expected)
        let sum = GuardedMemory<Double>(geometry.weightCount, touching: .end)
        for (first, count) in [(0, 3), (3, 1), (4, 3)] {
            let part = WinogradCase<Double>(geometry, anchor: whole.anchor)
            let box = CellBox(origin: CellExtents(z: 0, y: 0, x: first), extents: CellExtents(z: 4, y: 5, x: count))
            poison(part.x, beyond: box, extents, channels: 5)
            part.backwardWeights(sum, box: box)
        }
        #expect(largestDifference(sum.values, expected.values) <= tolerance(Double.self, terms: 8 * extents.count))
    }

    /// <F x, g> = <x, D g> = <w, W(x, g)> for fields without halo.
    @Test(arguments: [(1, 3), (16, 17), (32, 8)])
    func adjoints(_ inputs: Int, _ outputs: Int) {
        let extents = CellExtents(z: 3, y: 4, x: 5)
        let geometry = ConvolutionGeometry(
            kernel: 3, inputChannels: inputs, outputChannels: outputs, inputExtents: extents)
        let fields = WinogradCase<Double>(geometry, anchor: CellExtents(z: 1, y: 1, x: 0))
        fields.bias.pointer.update(repeating: 0, count: outputs)
        packWinogradWeights(fields.packed.pointer, fields.weights.pointer, bias: nil, geometry)
        func clearHalo(_ field: GuardedMemory<Double>, _ channels: Int) -> [Double] {
            let strides = CellStrides(packed: extents, padding: 1, channels: channels)
            var owned: [Double] = []
            for z in -1...extents.z {
                for y in -1...extents.y {
                    for x in -1...extents.x {
                        let cell = field.pointer + strides.offset(z + 1, y + 1, x + 1)
                        if CellBox(extents: extents).contains(z, y, x) {
                            owned += UnsafeBufferPointer(start: cell, count: channels)
                        } else {
                            cell.update(repeating: 0, count: channels)
                        }
                    }
                }
            }
            return owned
        }
        let (x, g) = (clearHalo(fields.x, inputs), clearHalo(fields.dy, outputs))
        let (y, dx) = (fields.output(), fields.inputGradient())
        let dw = GuardedMemory<Double>(geometry.weightCount, touching: .end)
        fields.forward(y)
        fields.backwardData(dx)
        fields.backwardWeights(dw)
        func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        let forward = product(y.values, g)
        let scale = (product(y.values, y.values) * product(g, g)).squareRoot()
        #expect(abs(forward - product(x, dx.values)) <= 1e-13 * scale)
        #expect(abs(forward - product(fields.weights.values, dw.values)) <= 1e-13 * scale)
    }
}
