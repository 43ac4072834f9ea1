// The engine of the forward pass and of the data gradient: each target cell gathers from a window of source cells.
//
// A tile of target cells along a line stays in registers while the window's taps and channels are run through, so a
// target's sum has one order (bias, then taps z, y, x, then channels) whatever the tile, the line or the box, and
// a cell gets the same bits wherever it is computed, wherever its window lies in memory.

/// A box of target cells and what they gather.
struct GatherPass<Scalar: KernelScalar> {
    var target: UnsafeMutablePointer<Scalar>
    var targetStrides: CellStrides
    var cells: CellExtents
    var taps: TapList<Scalar>
    var packed: UnsafePointer<Scalar>
    /// Channels of the target.
    var channels: Int
    /// Rows of a packed block after its bias.
    var rowsPerBlock: Int
    /// Whether the sums are added to the target or replace it.
    var accumulate: Bool

    /// Makes whole rows and planes that follow each other in all fields one line.
    mutating func joinRows() {
        let (width, height) = (cells.x, cells.y)
        guard targetStrides.y == width * targetStrides.x, taps.allSatisfy({ $0.y == width * $0.x }) else { return }
        if targetStrides.z == height * targetStrides.y, taps.allSatisfy({ $0.z == height * $0.y }) {
            cells = CellExtents(z: 1, y: 1, x: cells.count)
        } else {
            cells = CellExtents(z: cells.z, y: 1, x: height * width)
        }
    }

    /// Makes the longest axis the x axis of the pass, along which tiles are laid, unless x is long enough.
    mutating func orient(enough: Int) {
        if cells.x >= enough || cells.x >= max(cells.y, cells.z) { return }
        let withZ = cells.z > cells.y
        cells.exchangeX(withZ: withZ)
        targetStrides.exchangeX(withZ: withZ)
        taps.exchangeX(withZ: withZ)
    }
}

/// Gathers the targets of a window; `target` is where target (0, 0, 0) of the field would lie.
@inline(__always)
func gather<T: KernelScalar>(
    _ window: ConvolutionWindow<T>, into target: UnsafeMutablePointer<T>, _ strides: CellStrides,
    packed: UnsafePointer<T>, channels: Int, rowsPerBlock: Int, accumulate: Bool
) {
    window.forEachPart { part, taps in
        var pass = GatherPass(
            target: target + part.target(in: strides), targetStrides: part.targetStrides(in: strides),
            cells: part.cells, taps: taps, packed: packed, channels: channels, rowsPerBlock: rowsPerBlock,
            accumulate: accumulate)
        gather(&pass)
    }
}

@inline(never)
private func gather<T: KernelScalar>(_ pass: UnsafeMutablePointer<GatherPass<T>>) {
    pass.pointee.joinRows()
    var first = 0
    while first < pass.pointee.channels {
        let width = channelBlockWidth(T.self, remaining: pass.pointee.channels - first)
        let valid = min(width, pass.pointee.channels - first)
        if InstructionSet.vectorBytes == 64 {
            if width == DoubleBlock<T.Vector>.width {
                gatherBlock(DoubleBlock<T.Vector>.self, pass, valid)
            } else if width == SingleBlock<T.Vector>.width {
                gatherBlock(SingleBlock<T.Vector>.self, pass, valid)
            } else {
                gatherBlock(SingleBlock<T.HalfVector>.self, pass, valid)
            }
        } else {
            if width == DoubleBlock<T.HalfVector>.width {
                gatherBlock(DoubleBlock<T.HalfVector>.self, pass, valid)
            } else if width == SingleBlock<T.HalfVector>.width {
                gatherBlock(SingleBlock<T.HalfVector>.self, pass, valid)
            } else {
                gatherBlock(SingleBlock<T.QuarterVector>.self, pass, valid)
            }
        }
        pass.pointee.packed += width * (1 + pass.pointee.rowsPerBlock)
        pass.pointee.target += width
        first += width
    }
}

/// One block of channels of all cells of a pass.pointee.
@inline(__always)
private func gatherBlock<Block: ChannelBlock>(_: Block.Type, _ pass: UnsafeMutablePointer<GatherPass<Block.Scalar>>, _ valid: Int) {
    pass.pointee.orient(enough: Block.tileLimit)
    let tiles = EvenTiles(pass.pointee.cells.x, limit: Block.tileLimit)
    for z in 0..<pass.pointee.cells.z {
        for y in 0..<pass.pointee.cells.y {
            var x = 0
            for index in 0..<tiles.tiles {
                gatherTile(Block.self, cells: tiles[index], pass, valid, z, y, x)
                x += tiles[index]
            }
        }
    }
}

@inline(__always)
private func gatherTile<Block: ChannelBlock>(
    _: Block.Type, cells: Int, _ pass: UnsafePointer<GatherPass<Block.Scalar>>, _ valid: Int, _ z: Int, _ y: Int, _ x: Int
) {
    switch cells {
    case 1: gatherTile(Tile1<Block>.self, pass, valid, z, y, x)
    case 2: gatherTile(Tile2<Block>.self, pass, valid, z, y, x)
    case 3: gatherTile(Tile3<Block>.self, pass, valid, z, y, x)
    case 4: gatherTile(Tile4<Block>.self, pass, valid, z, y, x)
    case 5 where Block.tileLimit > 4: gatherTile(Tile5<Block>.self, pass, valid, z, y, x)
    case 6 where Block.tileLimit > 4: gatherTile(Tile6<Block>.self, pass, valid, z, y, x)
    case 7 where Block.tileLimit > 4: gatherTile(Tile7<Block>.self, pass, valid, z, y, x)
    case 8 where Block.tileLimit > 4: gatherTile(Tile8<Block>.self, pass, valid, z, y, x)
    case 9 where Block.tileLimit > 8: gatherTile(Tile9<Block>.self, pass, valid, z, y, x)
    case 10 where Block.tileLimit > 8: gatherTile(Tile10<Block>.self, pass, valid, z, y, x)
    case 11 where Block.tileLimit > 8: gatherTile(Tile11<Block>.self, pass, valid, z, y, x)
    case 12 where Block.tileLimit > 8: gatherTile(Tile12<Block>.self, pass, valid, z, y, x)
    case 13 where Block.tileLimit > 8: gatherTile(Tile13<Block>.self, pass, valid, z, y, x)
    case 14 where Block.tileLimit > 8: gatherTile(Tile14<Block>.self, pass, valid, z, y, x)
    case 15 where Block.tileLimit > 8: gatherTile(Tile15<Block>.self, pass, valid, z, y, x)
    case 16 where Block.tileLimit > 8: gatherTile(Tile16<Block>.self, pass, valid, z, y, x)
    default: preconditionFailure("no tile of \(cells) cells")
    }
}

/// The targets from (z, y, x) on along x.
@inline(never)
private func gatherTile<Tile: RegisterTile>(
    _: Tile.Type, _ pass: UnsafePointer<GatherPass<Tile.Scalar>>, _ valid: Int, _ z: Int, _ y: Int, _ x: Int
) {
    let width = Tile.Block.width
    let target = pass.pointee.target + pass.pointee.targetStrides.offset(z, y, x)
    var sums = Tile(repeating: Tile.Block(loading: pass.pointee.packed))
    if pass.pointee.accumulate { sums.addMemory(target, stride: pass.pointee.targetStrides.x, channels: valid) }
    for index in 0..<pass.pointee.taps.count {
        let tap = pass.pointee.taps[index]
        let source = tap.source + tap.strides.offset(z, y, x)
        let weights = pass.pointee.packed + width * (1 + tap.row)
        for channel in 0..<tap.run {
            sums.add(source + channel, stride: tap.strides.x, times: Tile.Block(loading: weights + channel * width))
        }
    }
    sums.store(to: target, stride: pass.pointee.targetStrides.x, channels: valid)
}
