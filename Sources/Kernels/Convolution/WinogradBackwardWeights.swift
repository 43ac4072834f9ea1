// The gradient of the weights by Winograd's algorithm: the sums over tiles of the products of transformed inputs and
// transformed output gradients, at each of the 64 points, are transformed to the 27 taps once, at the end.
//
// For a block of tiles: V [tile][point][inputChannels], E [tile][point][outputChannels]; then for each point the
// sums S [inputChannels][outputChannels] grow by V^T E, summed over the block's tiles in order within registers. The
// blocks depend on the box and the anchor alone, so these give the same bits every time.

/// Elements of workspace that `winogradBackwardWeights` needs.
public func winogradBackwardWeightsWorkspaceCount<T: KernelScalar>(_: T.Type, _ geometry: ConvolutionGeometry) -> Int {
    let (inputs, outputs) = (geometry.inputChannels, geometry.outputChannels)
    let tiles = WinogradBlock<T>.tiles(inputs: inputs, outputs: outputs)
    let inputRow = WinogradBlock<T>.row(scalars: inputs)
    let outputRow = WinogradBlock<T>.row(blocks: outputs)
    return WinogradBlock<T>(channels: inputs, row: inputRow, tiles: tiles).count
        + WinogradBlock<T>(channels: outputs, row: outputRow, tiles: tiles).count
        + winogradPoints * inputRow + 8 * outputRow
        + winogradPoints * WinogradBlock<T>.padded(inputs * outputRow)
}

/// `convolutionBackwardWeights` for kernel 3 and stride 1 by Winograd's algorithm:
///
///     dw[k, i, c] += sum over cells o of a box of x[o + k - 1, i] dy[o, c]
///
/// - Parameters:
///   - dw: [kz, ky, kx, inputChannels, outputChannels].
///   - dy: output cell (0, 0, 0) of the output's gradient, with `dyStrides`.
///   - x: the input; cells further than one from the box are not read.
///   - workspace: `winogradBackwardWeightsWorkspaceCount` elements.
///   - box: output cells.
///   - anchor: global coordinates of output cell (0, 0, 0); their parity tells where tiles begin.
@specialized(where T == Float)
@specialized(where T == Double)
public func winogradBackwardWeights<T: KernelScalar>(
    _ dw: UnsafeMutablePointer<T>, _ dy: UnsafePointer<T>, _ dyStrides: CellStrides, _ x: ConvolutionField<T>,
    workspace: UnsafeMutablePointer<T>, _ geometry: ConvolutionGeometry, box: CellBox,
    anchor: CellExtents
) {
    precondition(geometry.kernel == 3 && geometry.stride == 1, "Winograd's algorithm is for 3x3x3 cells at stride 1")
    let pass = WinogradGradientPass(
        dw: dw, dy: dy, dyStrides: dyStrides, x: x, workspace: workspace, geometry,
        tiling: WinogradTiling(box, anchor: anchor))
    let count = pass.tiling.tiles.count
    if count == 0 { return }
    pass.sums.update(repeating: 0, count: winogradPoints * pass.sumStride)
    var first = 0
    while first < count {
        let block = first..<min(first + pass.blockTiles, count)
        winogradTransformInputs(pass.source, block)
        transformGradients(pass, block)
        addPoints(pass, tiles: block.count)
        first = block.upperBound
    }
    transformSums(pass)
}

private struct WinogradGradientPass<T: KernelScalar> {
    var dw: UnsafeMutablePointer<T>
    var dy: UnsafePointer<T>
    var dyStrides: CellStrides
    var inputs, outputs: Int
    var tiling: WinogradTiling
    /// Tiles of a block.
    var blockTiles: Int
    var source: WinogradSource<T>
    /// Transformed gradients, a tile's gradients where only a part of it lies in the box, and the sums at the points,
    /// [inputChannels][row of gradients] at each point.
    var gradient: WinogradBlock<T>
    var gradients, tileGradients, sums: UnsafeMutablePointer<T>

    init(
        dw: UnsafeMutablePointer<T>, dy: UnsafePointer<T>, dyStrides: CellStrides, x: ConvolutionField<T>,
        workspace: UnsafeMutablePointer<T>, _ geometry: ConvolutionGeometry,
        tiling: WinogradTiling
    ) {
        (self.dw, self.dy, self.dyStrides, self.tiling) = (dw, dy, dyStrides, tiling)
        (inputs, outputs) = (geometry.inputChannels, geometry.outputChannels)
        blockTiles = WinogradBlock<T>.tiles(inputs: inputs, outputs: outputs)
        source = WinogradSource(x, channels: inputs, tiling: tiling, tiles: blockTiles, workspace: workspace)
        gradient = WinogradBlock(channels: outputs, row: WinogradBlock<T>.row(blocks: outputs), tiles: blockTiles)
        gradients = workspace + source.workspaceCount
        tileGradients = gradients + gradient.count
        sums = tileGradients + 8 * gradient.row
    }

    /// From point to point of the sums.
    var sumStride: Int { WinogradBlock<T>.padded(inputs * gradient.row) }
}

// MARK: Output gradients

@inline(__always)
private func transformGradients<T: KernelScalar>(_ pass: WinogradGradientPass<T>, _ block: Range<Int>) {
    if InstructionSet.vectorBytes == 64 && pass.outputs >= T.Vector.scalarCount {
        transformGradients(T.Vector.self, pass, block)
    } else if pass.outputs >= T.HalfVector.scalarCount {
        transformGradients(T.HalfVector.self, pass, block)
    } else {
        transformGradients(T.QuarterVector.self, pass, block)
    }
}

@inline(never)
private func transformGradients<V: SIMD>(_: V.Type, _ pass: WinogradGradientPass<V.Scalar>, _ block: Range<Int>)
where V.Scalar: KernelScalar {
    let fitting = pass.outputs >= V.scalarCount
    pass.tiling.forEachTile(block) { place, cell, isWhole in
        var source = pass.dy + pass.dyStrides.offset(cell.z, cell.y, cell.x)
        var strides = pass.dyStrides
        if !isWhole || !fitting {
            copyGradients(pass, cell)
            source = UnsafePointer(pass.tileGradients)
            strides = CellStrides(packed: CellExtents(z: 2, y: 2, x: 2), channels: pass.gradient.row)
        }
        let target = pass.gradients + place * pass.gradient.tile
        forEachVector(of: pass.outputs, lanes: V.scalarCount) { channel in
            WinogradTransform<V>.outputGradientPoints(
                target + channel, pointStride: pass.gradient.row, source + channel, strides)
        }
    }
}

/// The gradient of a tile's cells, zero where they do not lie in the box.
@inline(never)
private func copyGradients<T: KernelScalar>(_ pass: WinogradGradientPass<T>, _ cell: CellExtents) {
    let source = pass.dy + pass.dyStrides.offset(cell.z, cell.y, cell.x)
    var target = pass.tileGradients
    pass.tiling.forEachCell(of: cell) { z, y, x, isInside in
        let from = source + pass.dyStrides.offset(z, y, x)
        for c in 0..<pass.outputs { target[c] = isInside ? from[c] : 0 }
        for c in pass.outputs..<pass.gradient.row { target[c] = 0 }
        target += pass.gradient.row
    }
}

// MARK: Products

@inline(__always)
private func addPoints<T: KernelScalar>(_ pass: WinogradGradientPass<T>, tiles: Int) {
    var first = 0
    while first < pass.outputs {
        let width = channelBlockWidth(T.self, remaining: pass.outputs - first)
        if InstructionSet.vectorBytes == 64 {
            if width == DoubleBlock<T.Vector>.width {
                addPoints(Tile8<DoubleBlock<T.Vector>>.self, pass, first, tiles)
            } else if width == SingleBlock<T.Vector>.width {
                addPoints(Tile16<SingleBlock<T.Vector>>.self, pass, first, tiles)
            } else {
                addPoints(Tile16<SingleBlock<T.HalfVector>>.self, pass, first, tiles)
            }
        } else {
            if width == DoubleBlock<T.HalfVector>.width {
                addPoints(Tile4<DoubleBlock<T.HalfVector>>.self, pass, first, tiles)
            } else if width == SingleBlock<T.HalfVector>.width {
                addPoints(Tile8<SingleBlock<T.HalfVector>>.self, pass, first, tiles)
            } else {
                addPoints(Tile8<SingleBlock<T.QuarterVector>>.self, pass, first, tiles)
            }
        }
        first += width
    }
}

@inline(never)
private func addPoints<Tile: HalvingTile>(
    _: Tile.Type, _ pass: WinogradGradientPass<Tile.Scalar>, _ first: Int, _ tiles: Int
) {
    for point in 0..<winogradPoints {
        addChannels(
            Tile.self, pass, pass.sums + point * pass.sumStride + first,
            pass.source.points + point * pass.source.block.row, pass.gradients + point * pass.gradient.row + first,
            channels: pass.inputs, tiles)
    }
}

/// As many input channels as fill whole register tiles, then half as many, and so on.
@inline(__always)
private func addChannels<Tile: HalvingTile>(
    _: Tile.Type, _ pass: WinogradGradientPass<Tile.Scalar>, _ target: UnsafeMutablePointer<Tile.Scalar>,
    _ inputs: UnsafePointer<Tile.Scalar>, _ gradients: UnsafePointer<Tile.Scalar>, channels: Int, _ tiles: Int
) {
    let (inputTile, gradientTile, row) = (pass.source.block.tile, pass.gradient.tile, pass.gradient.row)
    var first = 0
    while first + Tile.count <= channels {
        var sums = Tile(repeating: Tile.Block())
        for tile in 0..<tiles {
            sums.add(inputs + first + tile * inputTile, stride: 1,
                     times: Tile.Block(loading: gradients + tile * gradientTile))
        }
        sums.addMemory(target + first * row, stride: row)
        sums.store(to: target + first * row, stride: row)
        first += Tile.count
    }
    if Tile.count > 1 && first < channels {
        addRest(Tile.Half.self, pass, target + first * row, inputs + first, gradients, channels: channels - first,
                tiles)
    }
}

@inline(never)
private func addRest<Tile: HalvingTile>(
    _: Tile.Type, _ pass: WinogradGradientPass<Tile.Scalar>, _ target: UnsafeMutablePointer<Tile.Scalar>,
    _ inputs: UnsafePointer<Tile.Scalar>, _ gradients: UnsafePointer<Tile.Scalar>, channels: Int, _ tiles: Int
) {
    addChannels(Tile.self, pass, target, inputs, gradients, channels: channels, tiles)
}

// MARK: Sums

/// Adds the transformed sums to dw.
@inline(__always)
private func transformSums<T: KernelScalar>(_ pass: WinogradGradientPass<T>) {
    if InstructionSet.vectorBytes == 64 {
        transformSums(T.HalfVector.self, pass)
    } else {
        transformSums(T.QuarterVector.self, pass)
    }
}

/// A row of sums is whole vectors, a row of dw is not.
@inline(never)
private func transformSums<V: SIMD>(_: V.Type, _ pass: WinogradGradientPass<V.Scalar>)
where V.Scalar: KernelScalar {
    let row = pass.gradient.row
    for channel in 0..<pass.inputs {
        for first in stride(from: 0, to: pass.outputs, by: V.scalarCount) {
            let valid = min(V.scalarCount, pass.outputs - first)
            WinogradTransform<V>.kernelGradient { point in
                Lanes(loading: pass.sums + point * pass.sumStride + channel * row + first)
            } store: { tap, value in
                let target = pass.dw + (tap * pass.inputs + channel) * pass.outputs + first
                if valid == V.scalarCount {
                    (Lanes<V>(loading: target) + value).store(to: target)
                } else {
                    for lane in 0..<valid { target[lane] += value.vector[lane] }
                }
            }
        }
    }
}
