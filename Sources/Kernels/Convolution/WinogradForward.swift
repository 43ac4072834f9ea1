// The forward pass and the data gradient by Winograd's F(2x2x2, 3x3x3): 64 products in place of 216 for each pair of
// channels and tile of eight cells.
//
// For a block of tiles: transform the inputs, V [tile][point][read channels]; multiply at each point with the
// transformed weights, M [tile][point][written channels]; transform the products to outputs. A product is summed
// over the channels in ascending order, from zero; then come the transforms' additions, then the bias. All of them
// depend on the cell's window and on its place in the tile alone.

/// Elements of workspace that `winogradForward` and `winogradBackwardData` need.
public func winogradWorkspaceCount<T: KernelScalar>(_ type: T.Type, _ geometry: ConvolutionGeometry) -> Int {
    max(WinogradPass<T>.workspaceCount(read: geometry.inputChannels, written: geometry.outputChannels),
        WinogradPass<T>.workspaceCount(read: geometry.outputChannels, written: geometry.inputChannels))
}

/// `convolutionForward` for kernel 3 and stride 1 by Winograd's algorithm: y = b + w * x for a box of output cells.
///
/// An output's bits depend on its own window and on the parity of its global coordinates alone, not on the box. Cells
/// further than one from the box are not read.
///
/// - Parameters:
///   - y: output cell (0, 0, 0), [.., outputChannels] with `yStrides`; only the cells of `box` are touched.
///   - x: the input; the halo must be filled where windows of the box reach it.
///   - packed: weights and bias by `packWinogradWeights`.
///   - workspace: `winogradWorkspaceCount` elements.
///   - box: output cells.
///   - anchor: global coordinates of output cell (0, 0, 0); their parity tells where tiles begin.
@specialized(where T == Float)
@specialized(where T == Double)
public func winogradForward<T: KernelScalar>(
    _ y: UnsafeMutablePointer<T>, _ yStrides: CellStrides, _ x: ConvolutionField<T>,
    packed: UnsafePointer<T>, workspace: UnsafeMutablePointer<T>, _ geometry: ConvolutionGeometry, box: CellBox,
    anchor: CellExtents
) {
    precondition(geometry.kernel == 3 && geometry.stride == 1, "Winograd's algorithm is for 3x3x3 cells at stride 1")
    gatherTiles(WinogradPass(
        target: y, targetStrides: yStrides, source: x, packed: packed, workspace: workspace,
        read: geometry.inputChannels, written: geometry.outputChannels, tiling: WinogradTiling(box, anchor: anchor)))
}

/// `convolutionBackwardData` for kernel 3 and stride 1 by Winograd's algorithm, with the guarantees of
/// `winogradForward`.
///
/// - Parameters:
///   - dx: input cell (0, 0, 0), [.., inputChannels] with `dxStrides`; only the cells of `box` are touched.
///   - dy: the output's gradient.
///   - packed: weights by `packWinogradAdjointWeights`.
///   - workspace: `winogradWorkspaceCount` elements.
///   - box: input cells.
///   - anchor: global coordinates of input cell (0, 0, 0).
@specialized(where T == Float)
@specialized(where T == Double)
public func winogradBackwardData<T: KernelScalar>(
    _ dx: UnsafeMutablePointer<T>, _ dxStrides: CellStrides, _ dy: ConvolutionField<T>,
    packed: UnsafePointer<T>, workspace: UnsafeMutablePointer<T>, _ geometry: ConvolutionGeometry, box: CellBox,
    anchor: CellExtents
) {
    precondition(geometry.kernel == 3 && geometry.stride == 1, "Winograd's algorithm is for 3x3x3 cells at stride 1")
    gatherTiles(WinogradPass(
        target: dx, targetStrides: dxStrides, source: dy, packed: packed,
        workspace: workspace, read: geometry.outputChannels, written: geometry.inputChannels,
        tiling: WinogradTiling(box, anchor: anchor)))
}

/// A box of target cells that gather from the cells around them.
struct WinogradPass<T: KernelScalar> {
    var target: UnsafeMutablePointer<T>
    var targetStrides: CellStrides
    var packed: UnsafePointer<T>
    /// Channels of source and target.
    var read, written: Int
    var tiling: WinogradTiling
    /// Tiles of a block.
    var blockTiles: Int
    var source: WinogradSource<T>
    /// The products, and a tile's outputs where only a part of them lies in the box.
    var product: WinogradBlock<T>
    var products, tileOutputs: UnsafeMutablePointer<T>

    init(
        target: UnsafeMutablePointer<T>, targetStrides: CellStrides, source: ConvolutionField<T>,
        packed: UnsafePointer<T>, workspace: UnsafeMutablePointer<T>, read: Int,
        written: Int, tiling: WinogradTiling
    ) {
        (self.target, self.targetStrides) = (target, targetStrides)
        (self.packed, self.read, self.written, self.tiling) = (packed, read, written, tiling)
        blockTiles = WinogradBlock<T>.tiles(inputs: read, outputs: written)
        self.source = WinogradSource(source, channels: read, tiling: tiling, tiles: blockTiles,
                                     workspace: workspace)
        product = WinogradBlock(channels: written, row: WinogradBlock<T>.row(blocks: written), tiles: blockTiles)
        products = workspace + self.source.workspaceCount
        tileOutputs = products + product.count
    }

    static func workspaceCount(read: Int, written: Int) -> Int {
        let tiles = WinogradBlock<T>.tiles(inputs: read, outputs: written)
        let (readRow, writtenRow) = (WinogradBlock<T>.row(scalars: read), WinogradBlock<T>.row(blocks: written))
        return WinogradBlock<T>(channels: read, row: readRow, tiles: tiles).count
            + WinogradBlock<T>(channels: written, row: writtenRow, tiles: tiles).count
            + winogradPoints * readRow + 8 * writtenRow
    }
}

@inline(__always)
private func gatherTiles<T: KernelScalar>(_ pass: WinogradPass<T>) {
    let count = pass.tiling.tiles.count
    var first = 0
    while first < count {
        let block = first..<min(first + pass.blockTiles, count)
        winogradTransformInputs(pass.source, block)
        multiplyPoints(pass, tiles: block.count)
        transformOutputs(pass, block)
        first = block.upperBound
    }
}

// MARK: Products

@inline(__always)
private func multiplyPoints<T: KernelScalar>(_ pass: WinogradPass<T>, tiles: Int) {
    var first = 0
    while first < pass.written {
        let width = channelBlockWidth(T.self, remaining: pass.written - first)
        if InstructionSet.vectorBytes == 64 {
            if width == DoubleBlock<T.Vector>.width {
                multiplyPoints(Tile8<DoubleBlock<T.Vector>>.self, pass, first, tiles)
            } else if width == SingleBlock<T.Vector>.width {
                multiplyPoints(Tile16<SingleBlock<T.Vector>>.self, pass, first, tiles)
            } else {
                multiplyPoints(Tile16<SingleBlock<T.HalfVector>>.self, pass, first, tiles)
            }
        } else {
            if width == DoubleBlock<T.HalfVector>.width {
                multiplyPoints(Tile6<DoubleBlock<T.HalfVector>>.self, pass, first, tiles)
            } else if width == SingleBlock<T.HalfVector>.width && pass.read == width && pass.written == width {
                multiplyBlock(Tile8<SingleBlock<T.HalfVector>>.self, pass, tiles)
            } else if width == SingleBlock<T.HalfVector>.width {
                multiplyPoints(Tile8<SingleBlock<T.HalfVector>>.self, pass, first, tiles)
            } else {
                multiplyPoints(Tile8<SingleBlock<T.QuarterVector>>.self, pass, first, tiles)
            }
        }
        first += width
    }
}

@inline(never)
private func multiplyPoints<Tile: HalvingTile>(
    _: Tile.Type, _ pass: WinogradPass<Tile.Scalar>, _ first: Int, _ tiles: Int
) {
    multiplyPoints(Tile.self, pass, first, tiles, read: pass.source.block, written: pass.product)
}

/// One block of channels read and one written: the compiler knows all distances, so that addresses take neither
/// registers nor additions. (Eight channels on AVX2: 1.5 times as fast.)
@inline(never)
private func multiplyBlock<Tile: HalvingTile>(_: Tile.Type, _ pass: WinogradPass<Tile.Scalar>, _ tiles: Int) {
    let block = WinogradBlock<Tile.Scalar>(channels: Tile.Block.width, row: Tile.Block.width, tiles: tiles)
    multiplyPoints(Tile.self, pass, 0, tiles, read: block, written: block)
}

@inline(__always)
private func multiplyPoints<Tile: HalvingTile>(
    _: Tile.Type, _ pass: WinogradPass<Tile.Scalar>, _ first: Int, _ tiles: Int, read: WinogradBlock<Tile.Scalar>,
    written: WinogradBlock<Tile.Scalar>
) {
    let pointStride = WinogradBlock<Tile.Scalar>.padded(written.row * read.channels)
    for point in 0..<winogradPoints {
        multiplyTiles(
            Tile.self, pass.products + point * written.row + first, written, pass.source.points + point * read.row, read,
            pass.packed + written.row + point * pointStride + first * read.channels, tiles)
    }
}

/// As many whole register tiles as fit, then smaller ones.
@inline(__always)
private func multiplyTiles<Tile: HalvingTile>(
    _: Tile.Type, _ products: UnsafeMutablePointer<Tile.Scalar>, _ written: WinogradBlock<Tile.Scalar>,
    _ inputs: UnsafePointer<Tile.Scalar>, _ read: WinogradBlock<Tile.Scalar>, _ weights: UnsafePointer<Tile.Scalar>,
    _ tiles: Int
) {
    var first = 0
    while first + Tile.count <= tiles {
        var sums = Tile(repeating: Tile.Block())
        let factors = inputs + first * read.tile
        for channel in 0..<read.channels {
            sums.add(factors + channel, stride: read.tile,
                     times: Tile.Block(loading: weights + channel * Tile.Block.width))
        }
        sums.store(to: products + first * written.tile, stride: written.tile)
        first += Tile.count
    }
    if Tile.count > 1 && first < tiles {
        multiplyRest(Tile.Half.self, products + first * written.tile, written, inputs + first * read.tile, read, weights,
                     tiles - first)
    }
}

@inline(never)
private func multiplyRest<Tile: HalvingTile>(
    _: Tile.Type, _ products: UnsafeMutablePointer<Tile.Scalar>, _ written: WinogradBlock<Tile.Scalar>,
    _ inputs: UnsafePointer<Tile.Scalar>, _ read: WinogradBlock<Tile.Scalar>, _ weights: UnsafePointer<Tile.Scalar>,
    _ tiles: Int
) {
    multiplyTiles(Tile.self, products, written, inputs, read, weights, tiles)
}

// MARK: Outputs

@inline(__always)
private func transformOutputs<T: KernelScalar>(_ pass: WinogradPass<T>, _ block: Range<Int>) {
    if InstructionSet.vectorBytes == 64 && pass.written >= T.Vector.scalarCount {
        transformOutputs(T.Vector.self, pass, block)
    } else if pass.written >= T.HalfVector.scalarCount {
        transformOutputs(T.HalfVector.self, pass, block)
    } else {
        transformOutputs(T.QuarterVector.self, pass, block)
    }
}

@inline(never)
private func transformOutputs<V: SIMD>(_: V.Type, _ pass: WinogradPass<V.Scalar>, _ block: Range<Int>)
where V.Scalar: KernelScalar {
    let fitting = pass.written >= V.scalarCount
    pass.tiling.forEachTile(block) { place, cell, isWhole in
        let isDirect = isWhole && fitting
        let target = isDirect ? pass.target + pass.targetStrides.offset(cell.z, cell.y, cell.x) : pass.tileOutputs
        let strides = isDirect
            ? pass.targetStrides : CellStrides(packed: CellExtents(z: 2, y: 2, x: 2), channels: pass.product.row)
        let source = pass.products + place * pass.product.tile
        forEachVector(of: pass.written, lanes: V.scalarCount) { channel in
            WinogradTransform<V>.outputs(
                target + channel, strides, source + channel, pointStride: pass.product.row,
                bias: pass.packed + channel)
        }
        if !isDirect { copyOutputs(pass, cell) }
    }
}

/// Those of a tile's output cells that lie in the box.
@inline(never)
private func copyOutputs<T: KernelScalar>(_ pass: WinogradPass<T>, _ cell: CellExtents) {
    let target = pass.target + pass.targetStrides.offset(cell.z, cell.y, cell.x)
    var source = UnsafePointer(pass.tileOutputs)
    pass.tiling.forEachCell(of: cell) { z, y, x, isInside in
        if isInside { (target + pass.targetStrides.offset(z, y, x)).update(from: source, count: pass.written) }
        source += pass.product.row
    }
}
