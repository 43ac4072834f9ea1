import Testing

@testable import Kernels

/// Convolutions that read the halo where it lies, against those of a field that lies between its halo.
@Suite struct ConvolutionFieldTests {
    /// A padded field taken apart: its own cells without gaps, and each direction's halo in guarded memory of its own,
    /// as received messages are.
    final class Parts<T: KernelScalar> {
        private var memory: [GuardedMemory<T>] = []
        private let boxes = UnsafeMutablePointer<ConvolutionField<T>.Box>.allocate(capacity: 27)
        let field: ConvolutionField<T>

        init(_ padded: GuardedMemory<T>, _ extents: CellExtents, channels: Int) {
            let outer = CellStrides(packed: extents, padding: 1, channels: channels)
            func cells(_ direction: Int, _ extent: Int) -> (first: Int, count: Int) {
                direction < 0 ? (-1, 1) : direction > 0 ? (extent, 1) : (0, extent)
            }
            for index in 0..<27 {
                let (z, y, x) = (cells(index / 9 - 1, extents.z), cells(index / 3 % 3 - 1, extents.y),
                                 cells(index % 3 - 1, extents.x))
                let part = CellExtents(z: z.count, y: y.count, x: x.count)
                let strides = CellStrides(packed: part, channels: channels)
                let copy = GuardedMemory<T>(part.count * channels, touching: index.isMultiple(of: 2) ? .end : .start)
                for cell in 0..<part.count {
                    let (cz, cy, cx) = (cell / (part.y * part.x), cell / part.x % part.y, cell % part.x)
                    for c in 0..<channels {
                        copy.pointer[strides.offset(cz, cy, cx) + c] =
                            padded.pointer[outer.offset(z.first + cz + 1, y.first + cy + 1, x.first + cx + 1) + c]
                    }
                }
                memory.append(copy)
                (boxes + index).initialize(to: ConvolutionField<T>.Box(
                    origin: copy.pointer - strides.offset(z.first, y.first, x.first), strides: strides))
            }
            field = ConvolutionField(boxes: boxes, extents: extents)
        }

        deinit { boxes.deallocate() }
    }

    private func compare<T: KernelScalar>(_: T.Type, _ geometry: ConvolutionGeometry, _ random: inout SplitMix) {
        let fields = ConvolutionCase<T>(geometry)
        let x = Parts(fields.x, geometry.inputExtents, channels: geometry.inputChannels)
        let dy = Parts(fields.dy, geometry.outputExtents, channels: geometry.outputChannels)
        let outputBoxes = [geometry.outputBox, .random(in: geometry.outputExtents, &random)]
        let inputBoxes = [geometry.inputBox, .random(in: geometry.inputExtents, &random)]
        for (outputBox, inputBox) in zip(outputBoxes, inputBoxes) {
            let (y, expected) = (fields.output(), fields.output())
            fields.forward(expected, box: outputBox)
            convolutionForward(y.pointer, geometry.outputStrides, x.field, packed: fields.packed.pointer, geometry,
                               box: outputBox)
            #expect(y.values == expected.values, "forward, \(geometry), \(outputBox)")

            let (dx, expectedX) = (fields.inputGradient(), fields.inputGradient())
            fields.backwardData(expectedX, box: inputBox)
            convolutionBackwardData(dx.pointer, geometry.inputStrides, dy.field, packed: fields.adjoint.pointer,
                                    geometry, box: inputBox)
            #expect(dx.values == expectedX.values, "data gradient, \(geometry), \(inputBox)")

            let dw = GuardedMemory<T>(geometry.weightCount, touching: .end)
            let expectedW = GuardedMemory<T>(geometry.weightCount, touching: .end)
            let db = GuardedMemory<T>(geometry.outputChannels, touching: .end)
            let expectedB = GuardedMemory<T>(geometry.outputChannels, touching: .end)
            fields.backwardWeights(expectedW, expectedB, box: outputBox, accumulate: false)
            convolutionBackwardWeights(
                dw.pointer, db.pointer, fields.ownedGradient, geometry.paddedOutputStrides, x.field,
                workspace: fields.workspace.pointer, geometry, box: outputBox, accumulate: false)
            // The cells are the same, in blocks of other shapes.
            let tolerance = T.ulpOfOne * T(4 * geometry.outputExtents.count)
            let difference = zip(dw.values + db.values, expectedW.values + expectedB.values).map { ($0 - $1).magnitude }
            #expect(difference.max()! <= tolerance, "weight gradient, \(geometry), \(outputBox)")
        }
    }

    @Test(arguments: [1, 2], [
        CellExtents(z: 1, y: 1, x: 1), CellExtents(z: 2, y: 1, x: 3), CellExtents(z: 2, y: 3, x: 23),
        CellExtents(z: 5, y: 4, x: 6), CellExtents(z: 3, y: 19, x: 2), CellExtents(z: 18, y: 2, x: 1),
    ])
    func haloElsewhere(_ stride: Int, _ extents: CellExtents) {
        var random = SplitMix(state: 5)
        for (inputs, outputs) in [(1, 8), (3, 16), (8, 5), (13, 1), (16, 32), (32, 17), (40, 64)] {
            let geometry = ConvolutionGeometry(kernel: 3, stride: stride, inputChannels: inputs,
                                               outputChannels: outputs, inputExtents: extents)
            compare(Float.self, geometry, &random)
            compare(Double.self, geometry, &random)
        }
    }

    /// The tiles of a line are whole, in order, and none larger than the limit.
    @Test func evenTiles() {
        for limit in [1, 4, 8, 16] {
            for count in 0...100 {
                let tiles = EvenTiles(count, limit: limit)
                let sizes = (0..<tiles.tiles).map { tiles[$0] }
                #expect(sizes.reduce(0, +) == count)
                #expect(sizes.allSatisfy { $0 <= limit && $0 > 0 })
                #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
            }
        }
    }
}
