// The engine of the forward pass and of the data gradient: each target cell gathers from a window of source cells.
//
// A tile of target cells along a line stays in registers while the window's taps and channels are run through, so a
// target's sum has one order (bias, then taps z, y, x, then channels) whatever the tile, the line or the box, and
// a cell gets the same bits wherever it is computed.

/// The source cells that one target cell reads.
struct TapWindow {
    /// Taps along each axis; none along one axis means none at all.
    var taps: CellExtents
    /// Elements of the source from tap to tap.
    var source: CellStrides
    /// Rows of packed weights before the first tap, and from tap to tap.
    var firstRow: Int
    var rows: CellStrides
    /// Contiguous source elements of a tap, one row of weights for each.
    var run: Int

    /// Taps along x that lie side by side in the source become one longer run.
    mutating func joinTaps() {
        if taps.x > 1 && source.x == run && rows.x == run {
            run *= taps.x
            taps.x = 1
        }
    }
}

/// A box of target cells and what they gather.
struct GatherPass<Scalar: KernelScalar> {
    var target: UnsafeMutablePointer<Scalar>
    var targetStrides: CellStrides
    /// The first tap of the first target cell.
    var source: UnsafePointer<Scalar>
    var sourceStrides: CellStrides
    var cells: CellExtents
    var window: TapWindow
    var packed: UnsafePointer<Scalar>
    /// Channels of the target.
    var channels: Int
    /// Rows of a packed block after its bias.
    var rowsPerBlock: Int
    /// Whether the sums are added to the target or replace it.
    var accumulate: Bool

    /// Makes whole rows and planes that follow each other in both fields one line.
    mutating func joinRows() {
        guard targetStrides.y == cells.x * targetStrides.x && sourceStrides.y == cells.x * sourceStrides.x else {
            return
        }
        if targetStrides.z == cells.y * targetStrides.y && sourceStrides.z == cells.y * sourceStrides.y {
            cells = CellExtents(z: 1, y: 1, x: cells.count)
        } else {
            cells = CellExtents(z: cells.z, y: 1, x: cells.y * cells.x)
        }
    }

    /// Makes the longest axis the x axis of the pass, along which tiles are laid, unless x is long enough.
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

    /// Splits off the cells from `x` on.
    mutating func split(at x: Int) -> Self {
        var rest = self
        rest.target += x * targetStrides.x
        rest.source += x * sourceStrides.x
        rest.cells.x -= x
        cells.x = x
        return rest
    }
}

/// Runs a pass. Registers: 32 of AVX-512 hold 16 sums, 16 of AVX2 hold 8.
@inline(__always)
func gather<T: KernelScalar>(_ unoriented: GatherPass<T>) {
    var pass = unoriented
    if pass.cells.count == 0 { return }
    pass.joinRows()
    pass.window.joinTaps()
    var first = 0
    while first < pass.channels {
        let width = channelBlockWidth(T.self, remaining: pass.channels - first)
        let valid = min(width, pass.channels - first)
        if InstructionSet.vectorBytes == 64 {
            if width == DoubleBlock<T.Vector>.width {
                gatherBlock(EightBlocks<DoubleBlock<T.Vector>>.self, pass, first, valid)
            } else if width == SingleBlock<T.Vector>.width {
                gatherBlock(SixteenBlocks<SingleBlock<T.Vector>>.self, pass, first, valid)
            } else {
                gatherBlock(SixteenBlocks<SingleBlock<T.HalfVector>>.self, pass, first, valid)
            }
        } else {
            if width == DoubleBlock<T.HalfVector>.width {
                gatherBlock(FourBlocks<DoubleBlock<T.HalfVector>>.self, pass, first, valid)
            } else if width == SingleBlock<T.HalfVector>.width {
                gatherBlock(EightBlocks<SingleBlock<T.HalfVector>>.self, pass, first, valid)
            } else {
                gatherBlock(EightBlocks<SingleBlock<T.QuarterVector>>.self, pass, first, valid)
            }
        }
        pass.packed += width * (1 + pass.rowsPerBlock)
        first += width
    }
}

/// The channels [first, first + valid) of all cells of a pass.
///
/// Small tiles are slow, so the columns that whole tiles along x leave over are tiled along another axis, where they
/// are longer that way: only the corner that no axis fills is left to small tiles.
@inline(never)
private func gatherBlock<Tile: RegisterTile>(
    _: Tile.Type, _ whole: GatherPass<Tile.Scalar>, _ first: Int, _ valid: Int
) {
    var pass = whole
    pass.target += first
    while pass.cells.count > 0 {
        pass.orient(enough: Tile.count)
        let left = pass.cells.x % Tile.count
        let isBetterTurned = left < max(pass.cells.y, pass.cells.z)
        let rest = pass.split(at: isBetterTurned ? pass.cells.x - left : pass.cells.x)
        for z in 0..<pass.cells.z {
            for y in 0..<pass.cells.y {
                gatherLine(Tile.self, pass, valid, target: pass.target + pass.targetStrides.offset(z, y, 0),
                           source: pass.source + pass.sourceStrides.offset(z, y, 0), cells: pass.cells.x)
            }
        }
        pass = rest
    }
}

/// A line of cells: as many whole tiles as fit, then a tile of half the size, and so on.
@inline(__always)
private func gatherLine<Tile: RegisterTile>(
    _: Tile.Type, _ pass: GatherPass<Tile.Scalar>, _ valid: Int,
    target: UnsafeMutablePointer<Tile.Scalar>, source: UnsafePointer<Tile.Scalar>, cells: Int
) {
    var (target, source, remaining) = (target, source, cells)
    while remaining >= Tile.count {
        gatherTile(Tile.self, pass, valid, target, source)
        target += Tile.count * pass.targetStrides.x
        source += Tile.count * pass.sourceStrides.x
        remaining -= Tile.count
    }
    if Tile.count > 1 && remaining > 0 {
        gatherRest(Tile.Half.self, pass, valid, target: target, source: source, cells: remaining)
    }
}

@inline(never)
private func gatherRest<Tile: RegisterTile>(
    _: Tile.Type, _ pass: GatherPass<Tile.Scalar>, _ valid: Int,
    target: UnsafeMutablePointer<Tile.Scalar>, source: UnsafePointer<Tile.Scalar>, cells: Int
) {
    gatherLine(Tile.self, pass, valid, target: target, source: source, cells: cells)
}

@inline(__always)
private func gatherTile<Tile: RegisterTile>(
    _: Tile.Type, _ pass: GatherPass<Tile.Scalar>, _ valid: Int,
    _ target: UnsafeMutablePointer<Tile.Scalar>, _ source: UnsafePointer<Tile.Scalar>
) {
    let window = pass.window
    let width = Tile.Block.width
    let stride = pass.sourceStrides.x
    let weights = pass.packed + width * (1 + window.firstRow)
    var sums = Tile(repeating: Tile.Block(loading: pass.packed))
    if pass.accumulate { sums.addMemory(target, stride: pass.targetStrides.x, channels: valid) }
    for z in 0..<window.taps.z {
        for y in 0..<window.taps.y {
            for x in 0..<window.taps.x {
                let cell = source + window.source.offset(z, y, x)
                let rows = weights + width * window.rows.offset(z, y, x)
                for channel in 0..<window.run {
                    sums.add(cell + channel, stride: stride, times: Tile.Block(loading: rows + channel * width))
                }
            }
        }
    }
    sums.store(to: target, stride: pass.targetStrides.x, channels: valid)
}
