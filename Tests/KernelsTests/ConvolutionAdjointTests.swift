import Testing

@testable import Kernels

/// The three kernels as one bilinear map: independent of the reference kernels' own reading of the equation.
@Suite struct ConvolutionAdjointTests {
    /// A convolution whose halo is zero, in double precision.
    private func zeroHaloCase(_ geometry: ConvolutionGeometry, seed: UInt64) -> ConvolutionCase<Double> {
        let fields = ConvolutionCase<Double>(geometry, seed: seed)
        clearHalo(fields.x, geometry.inputExtents, geometry.inputChannels, geometry.padding)
        clearHalo(fields.dy, geometry.outputExtents, geometry.outputChannels, geometry.padding)
        for c in 0..<geometry.outputChannels { fields.bias.pointer[c] = 0 }
        packConvolutionWeights(fields.packed.pointer, fields.weights.pointer, bias: nil, geometry)
        return fields
    }

    private func clearHalo(_ field: GuardedMemory<Double>, _ extents: CellExtents, _ channels: Int, _ padding: Int) {
        let strides = CellStrides(packed: extents, padding: padding, channels: channels)
        for z in 0..<extents.z + 2 * padding {
            for y in 0..<extents.y + 2 * padding {
                for x in 0..<extents.x + 2 * padding {
                    let isOwned = (padding..<extents.z + padding).contains(z)
                        && (padding..<extents.y + padding).contains(y) && (padding..<extents.x + padding).contains(x)
                    if isOwned { continue }
                    for c in 0..<channels { field.pointer[strides.offset(z, y, x) + c] = 0 }
                }
            }
        }
    }

    /// Sum over owned cells of a compact field times a padded one.
    private func product(
        _ compact: GuardedMemory<Double>, _ padded: GuardedMemory<Double>, _ extents: CellExtents, _ channels: Int,
        _ padding: Int
    ) -> Double {
        let (inner, outer) = (CellStrides(packed: extents, channels: channels),
                              CellStrides(packed: extents, padding: padding, channels: channels))
        var sum = 0.0
        for z in 0..<extents.z {
            for y in 0..<extents.y {
                for x in 0..<extents.x {
                    for c in 0..<channels {
                        sum += compact.pointer[inner.offset(z, y, x) + c]
                            * padded.pointer[outer.offset(z + padding, y + padding, x + padding) + c]
                    }
                }
            }
        }
        return sum
    }

    /// <w * x, dy> = <x, adjoint of dy> = <w, weight gradient>, for every kernel, stride and parity of the extents.
    @Test(arguments: ConvolutionTests.kinds, [CellExtents(z: 4, y: 6, x: 10), CellExtents(z: 5, y: 3, x: 7)])
    func innerProducts(_ kind: (Int, Int), _ extents: CellExtents) {
        let geometry = ConvolutionGeometry(kernel: kind.0, stride: kind.1, inputChannels: 5, outputChannels: 19,
                                           inputExtents: extents)
        let fields = zeroHaloCase(geometry, seed: 21)
        let (y, dx) = (fields.output(), fields.inputGradient())
        let dw = GuardedMemory<Double>(geometry.weightCount, touching: .end)
        let db = GuardedMemory<Double>(geometry.outputChannels, touching: .end)
        fields.forward(y)
        fields.backwardData(dx)
        fields.backwardWeights(dw, db, accumulate: false)
        let p = geometry.padding
        let forward = product(y, fields.dy, geometry.outputExtents, geometry.outputChannels, p)
        let data = product(dx, fields.x, geometry.inputExtents, geometry.inputChannels, p)
        let weight = zip(dw.values, fields.weights.values).map { $0 * $1 }.reduce(0, +)
        #expect(forward.magnitude > 0.1)
        #expect((forward - data).magnitude < 1e-11 * Double(geometry.outputExtents.count))
        #expect((forward - weight).magnitude < 1e-11 * Double(geometry.outputExtents.count))
    }

    /// A kernel with one non-zero weight moves the input by that tap.
    @Test func oneTapIsAShift() {
        let extents = CellExtents(z: 3, y: 4, x: 5)
        let geometry = ConvolutionGeometry(kernel: 3, inputChannels: 1, outputChannels: 1, inputExtents: extents)
        for tap in 0..<27 {
            let fields = ConvolutionCase<Float>(geometry)
            for index in 0..<27 { fields.weights.pointer[index] = index == tap ? 1 : 0 }
            packConvolutionWeights(fields.packed.pointer, fields.weights.pointer, bias: nil, geometry)
            let y = fields.output()
            fields.forward(y)
            for z in 0..<3 {
                for row in 0..<4 {
                    for x in 0..<5 {
                        let source = geometry.paddedInputStrides.offset(z + tap / 9, row + tap / 3 % 3, x + tap % 3)
                        #expect(y.pointer[geometry.outputStrides.offset(z, row, x)] == fields.x.pointer[source])
                    }
                }
            }
        }
    }

    /// The output may lie inside a padded box, as the next layer's input does: the halo stays as it was.
    @Test func outputInsideAPaddedBox() {
        let extents = CellExtents(z: 3, y: 5, x: 9)
        let geometry = ConvolutionGeometry(kernel: 3, inputChannels: 6, outputChannels: 21, inputExtents: extents)
        let fields = ConvolutionCase<Float>(geometry)
        let compact = fields.output()
        fields.forward(compact)
        let strides = CellStrides(packed: extents, padding: 2, channels: 21)
        let padded = GuardedMemory<Float>(7 * 9 * 13 * 21, touching: .end).fill(seed: 3)
        let untouched = padded.values
        convolutionForward(padded.pointer + strides.offset(2, 2, 2), strides, fields.x.pointer,
                           geometry.paddedInputStrides, packed: fields.packed.pointer, geometry,
                           box: geometry.outputBox)
        for z in 0..<7 {
            for y in 0..<9 {
                for x in 0..<13 {
                    let isOwned = (2..<5).contains(z) && (2..<7).contains(y) && (2..<11).contains(x)
                    for c in 0..<21 {
                        let value = padded.pointer[strides.offset(z, y, x) + c]
                        let expected = isOwned
                            ? compact.pointer[geometry.outputStrides.offset(z - 2, y - 2, x - 2) + c]
                            : untouched[strides.offset(z, y, x) + c]
                        #expect(value == expected)
                    }
                }
            }
        }
    }

    /// The same box gives the same weight gradient every time, also split by cells that no box shares.
    @Test func weightGradientOfPartsIsThatOfTheWhole() {
        let geometry = ConvolutionGeometry(kernel: 3, inputChannels: 4, outputChannels: 9,
                                           inputExtents: CellExtents(z: 4, y: 6, x: 8))
        let fields = ConvolutionCase<Double>(geometry)
        func gradient(_ boxes: [CellBox]) -> [Double] {
            let dw = GuardedMemory<Double>(geometry.weightCount, touching: .end)
            let db = GuardedMemory<Double>(geometry.outputChannels, touching: .end)
            for box in boxes { fields.backwardWeights(dw, db, box: box, accumulate: true) }
            return dw.values + db.values
        }
        let whole = gradient([geometry.outputBox])
        #expect(whole == gradient([geometry.outputBox]))
        let parts = gradient([
            CellBox(extents: CellExtents(z: 4, y: 6, x: 3)),
            CellBox(origin: CellExtents(z: 0, y: 0, x: 3), extents: CellExtents(z: 4, y: 2, x: 5)),
            CellBox(origin: CellExtents(z: 0, y: 2, x: 3), extents: CellExtents(z: 4, y: 4, x: 5)),
        ])
        #expect(zip(whole, parts).allSatisfy { ($0 - $1).magnitude < 1e-12 })
    }
}
