// The forward pass and the data gradient with operands rounded to bfloat16 and sums in Float.
//
// The cells that a box reads are rounded once into a field of pairs of channels; the weights are packed as the direct
// kernels have them, a row for each pair. An output is summed in one order: bias, then taps z, y, x, then pairs, of a
// pair the odd product before the even one. It depends on its own window alone.

/// Pairs of `channels`.
private func pairs(_ channels: Int) -> Int { (channels + 1) / 2 }

/// Channels of the next packed block.
private func blockWidth(_ remaining: Int) -> Int { remaining > 16 ? DoublePairBlock.width : PairBlock.width }

private func padded(_ channels: Int) -> Int {
    var padded = 0
    while padded < channels { padded += blockWidth(channels - padded) }
    return padded
}

/// Elements of the packed weights of `bfloat16Forward`.
public func packedBFloat16WeightCount(_ geometry: ConvolutionGeometry) -> Int {
    padded(geometry.outputChannels) * (1 + geometry.taps * pairs(geometry.inputChannels))
}

/// Elements of the packed weights of `bfloat16BackwardData`.
public func packedBFloat16AdjointWeightCount(_ geometry: ConvolutionGeometry) -> Int {
    padded(geometry.inputChannels) * (1 + geometry.taps * pairs(geometry.outputChannels))
}

/// Elements of workspace that `bfloat16Forward` and `bfloat16BackwardData` need: a padded field of pairs.
public func bfloat16WorkspaceCount(_ geometry: ConvolutionGeometry) -> Int {
    let n = geometry.inputExtents
    return (n.z + 2) * (n.y + 2) * (n.x + 2) * pairs(max(geometry.inputChannels, geometry.outputChannels))
}

/// Rounds and packs weights, and packs the bias, for `bfloat16Forward`.
///
/// - Parameters:
///   - packed: `packedBFloat16WeightCount` elements, overwritten.
///   - weights: [kz, ky, kx, inputChannels, outputChannels].
///   - bias: [outputChannels], or none; it is not rounded.
public func packBFloat16Weights(
    _ packed: UnsafeMutablePointer<Float>, _ weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    _ geometry: ConvolutionGeometry
) {
    let (inputs, outputs) = (geometry.inputChannels, geometry.outputChannels)
    pack(packed, bias, taps: geometry.taps, read: inputs, written: outputs) { tap, i, o in
        weights[(tap * inputs + i) * outputs + o]
    }
}

/// Rounds and packs weights for `bfloat16BackwardData`: mirrored along every axis, channels exchanged.
public func packBFloat16AdjointWeights(
    _ packed: UnsafeMutablePointer<Float>, _ weights: UnsafePointer<Float>, _ geometry: ConvolutionGeometry
) {
    let (inputs, outputs) = (geometry.inputChannels, geometry.outputChannels)
    pack(packed, nil, taps: geometry.taps, read: outputs, written: inputs) { tap, o, i in
        weights[((geometry.taps - 1 - tap) * inputs + i) * outputs + o]
    }
}

@inline(__always)
private func pack(
    _ packed: UnsafeMutablePointer<Float>, _ bias: UnsafePointer<Float>?, taps: Int, read: Int, written: Int,
    weight: (Int, Int, Int) -> Float
) {
    precondition(InstructionSet.multipliesBFloat16, "this build does not multiply bfloat16 numbers")
    var target = packed
    var first = 0
    while first < written {
        let width = blockWidth(written - first)
        let valid = min(width, written - first)
        for c in 0..<width { target[c] = c < valid ? bias?[first + c] ?? 0 : 0 }
        target += width
        for tap in 0..<taps {
            for even in stride(from: 0, to: read, by: 2) {
                for c in 0..<width {
                    var values: (Float, Float) = (0, 0)
                    if c < valid {
                        values.0 = weight(tap, even, first + c)
                        if even + 1 < read { values.1 = weight(tap, even + 1, first + c) }
                    }
                    withUnsafePointer(to: &values) {
                        $0.withMemoryRebound(to: Float.self, capacity: 2) { roundToPairs(target + c, $0, count: 2) }
                    }
                }
                target += width
            }
        }
        first += width
    }
}

/// `convolutionForward` for kernel 3 and stride 1 with inputs and weights rounded to bfloat16, for a box of outputs.
///
/// An output's bits depend on its own window alone. Cells further than one from the box are not read.
///
/// - Precondition: `InstructionSet.multipliesBFloat16`.
/// - Parameters:
///   - y: output cell (0, 0, 0), [.., outputChannels] with `yStrides`; only the cells of `box` are touched.
///   - x: the input; the halo must be filled where windows of the box reach it.
///   - packed: weights and bias by `packBFloat16Weights`.
///   - workspace: `bfloat16WorkspaceCount` elements.
///   - box: output cells.
public func bfloat16Forward(
    _ y: UnsafeMutablePointer<Float>, _ yStrides: CellStrides, _ x: ConvolutionField<Float>,
    packed: UnsafePointer<Float>, workspace: UnsafeMutablePointer<Float>, _ geometry: ConvolutionGeometry, box: CellBox
) {
    gatherPairs(y, yStrides, x, packed, workspace, read: geometry.inputChannels,
                written: geometry.outputChannels, geometry, box)
}

/// `convolutionBackwardData` for kernel 3 and stride 1 with the output's gradient and the weights rounded to
/// bfloat16, with the guarantees of `bfloat16Forward`.
///
/// - Parameters:
///   - dx: input cell (0, 0, 0), [.., inputChannels] with `dxStrides`; only the cells of `box` are touched.
///   - dy: the output's gradient.
///   - packed: weights by `packBFloat16AdjointWeights`.
///   - workspace: `bfloat16WorkspaceCount` elements.
///   - box: input cells.
public func bfloat16BackwardData(
    _ dx: UnsafeMutablePointer<Float>, _ dxStrides: CellStrides, _ dy: ConvolutionField<Float>,
    packed: UnsafePointer<Float>, workspace: UnsafeMutablePointer<Float>, _ geometry: ConvolutionGeometry, box: CellBox
) {
    gatherPairs(dx, dxStrides, dy, packed, workspace, read: geometry.outputChannels,
                written: geometry.inputChannels, geometry, box)
}

@inline(__always)
private func gatherPairs(
    _ target: UnsafeMutablePointer<Float>, _ targetStrides: CellStrides, _ source: ConvolutionField<Float>,
    _ packed: UnsafePointer<Float>, _ workspace: UnsafeMutablePointer<Float>,
    read: Int, written: Int, _ geometry: ConvolutionGeometry, _ box: CellBox
) {
    precondition(geometry.kernel == 3 && geometry.stride == 1, "bfloat16 products are for 3x3x3 cells at stride 1")
    precondition(InstructionSet.multipliesBFloat16, "this build does not multiply bfloat16 numbers")
    if box.extents.count == 0 { return }
    let (origin, extents) = (box.origin, box.extents)
    let run = pairs(read)
    let strides = CellStrides(packed: extents, padding: 1, channels: run)
    for z in 0..<extents.z + 2 {
        for y in 0..<extents.y + 2 {
            for x in 0..<extents.x + 2 {
                roundToPairs(workspace + strides.offset(z, y, x),
                             source.cell(origin.z + z - 1, origin.y + y - 1, origin.x + x - 1), count: read)
            }
        }
    }
    var pass = PairPass(
        target: target + targetStrides.offset(origin.z, origin.y, origin.x), targetStrides: targetStrides,
        source: UnsafePointer(workspace), sourceStrides: strides, tapStrides: strides, cells: extents, packed: packed,
        run: 3 * run)
    pass.orient(enough: 8)
    var first = 0
    while first < written {
        let width = blockWidth(written - first)
        let valid = min(width, written - first)
        if width == DoublePairBlock.width {
            gatherBlock(Tile8<DoublePairBlock>.self, pass, first, valid)
        } else {
            gatherBlock(Tile16<PairBlock>.self, pass, first, valid)
        }
        pass.packed += width * (1 + geometry.taps * run)
        first += width
    }
}

/// A box of target cells and the field of pairs that they gather from.
private struct PairPass {
    var target: UnsafeMutablePointer<Float>
    var targetStrides: CellStrides
    /// The first tap of the first target cell.
    var source: UnsafePointer<Float>
    /// From cell to cell as the pass is oriented, and from tap to tap.
    var sourceStrides: CellStrides
    let tapStrides: CellStrides
    var cells: CellExtents
    var packed: UnsafePointer<Float>
    /// Pairs of three cells in a row, the taps along x.
    let run: Int

    /// Makes the longest axis the one that tiles are laid along, unless x is long enough.
    mutating func orient(enough: Int) {
        if cells.x >= enough || cells.x >= max(cells.y, cells.z) { return }
        if cells.y >= cells.z {
            (cells.x, cells.y) = (cells.y, cells.x)
            (targetStrides.x, targetStrides.y) = (targetStrides.y, targetStrides.x)
            (sourceStrides.x, sourceStrides.y) = (sourceStrides.y, sourceStrides.x)
        } else {
            (cells.x, cells.z) = (cells.z, cells.x)
            (targetStrides.x, targetStrides.z) = (targetStrides.z, targetStrides.x)
            (sourceStrides.x, sourceStrides.z) = (sourceStrides.z, sourceStrides.x)
        }
    }
}

@inline(never)
private func gatherBlock<Tile: HalvingTile>(_: Tile.Type, _ pass: PairPass, _ first: Int, _ valid: Int)
where Tile.Scalar == Float {
    for z in 0..<pass.cells.z {
        for y in 0..<pass.cells.y {
            gatherLine(Tile.self, pass, valid, pass.target + pass.targetStrides.offset(z, y, 0) + first,
                       pass.source + pass.sourceStrides.offset(z, y, 0), cells: pass.cells.x)
        }
    }
}

/// A line of cells: as many whole tiles as fit, then a tile of half the size, and so on.
@inline(__always)
private func gatherLine<Tile: HalvingTile>(
    _: Tile.Type, _ pass: PairPass, _ valid: Int, _ target: UnsafeMutablePointer<Float>,
    _ source: UnsafePointer<Float>, cells: Int
) where Tile.Scalar == Float {
    var first = 0
    while first + Tile.count <= cells {
        gatherTile(Tile.self, pass, valid, target + first * pass.targetStrides.x, source + first * pass.sourceStrides.x)
        first += Tile.count
    }
    if Tile.count > 1 && first < cells {
        gatherRest(Tile.Half.self, pass, valid, target + first * pass.targetStrides.x,
                   source + first * pass.sourceStrides.x, cells: cells - first)
    }
}

@inline(never)
private func gatherRest<Tile: HalvingTile>(
    _: Tile.Type, _ pass: PairPass, _ valid: Int, _ target: UnsafeMutablePointer<Float>,
    _ source: UnsafePointer<Float>, cells: Int
) where Tile.Scalar == Float {
    gatherLine(Tile.self, pass, valid, target, source, cells: cells)
}

@inline(__always)
private func gatherTile<Tile: HalvingTile>(
    _: Tile.Type, _ pass: PairPass, _ valid: Int, _ target: UnsafeMutablePointer<Float>, _ source: UnsafePointer<Float>
) where Tile.Scalar == Float {
    let width = Tile.Block.width
    var weights = pass.packed + width
    var sums = Tile(repeating: Tile.Block(loading: pass.packed))
    for z in 0..<3 {
        for y in 0..<3 {
            let cells = source + pass.tapStrides.offset(z, y, 0)
            for pair in 0..<pass.run {
                sums.add(cells + pair, stride: pass.sourceStrides.x, times: Tile.Block(loading: weights))
                weights += width
            }
        }
    }
    sums.store(to: target, stride: pass.targetStrides.x, channels: valid)
}
