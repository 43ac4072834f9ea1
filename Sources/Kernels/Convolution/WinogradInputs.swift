// The transformed inputs of a block of tiles, which the forward pass, the data gradient and the weight gradient share.

/// Cells that tiles are read from, and where their transforms are stored.
struct WinogradSource<T: KernelScalar> {
    /// The cell before cell (0, 0, 0) along each axis.
    let cells: UnsafePointer<T>
    let strides: CellStrides
    let tiling: WinogradTiling
    let block: WinogradBlock<T>
    /// The transforms, [point][tile][channel].
    let points: UnsafeMutablePointer<T>
    /// A tile's 4x4x4 cells where not all of them are read, or where a cell does not fill a vector.
    let tileCells: UnsafeMutablePointer<T>

    init(
        cells: UnsafePointer<T>, strides: CellStrides, channels: Int, tiling: WinogradTiling, tiles: Int,
        workspace: UnsafeMutablePointer<T>
    ) {
        (self.cells, self.strides, self.tiling) = (cells, strides, tiling)
        block = WinogradBlock(channels: channels, row: WinogradBlock<T>.row(scalars: channels), tiles: tiles)
        points = workspace
        tileCells = workspace + block.count
    }

    var workspaceCount: Int { block.count + winogradPoints * block.row }
}

@inline(__always)
func winogradTransformInputs<T: KernelScalar>(_ source: WinogradSource<T>, _ tiles: Range<Int>) {
    if InstructionSet.vectorBytes == 64 && source.block.channels >= T.Vector.scalarCount {
        transformInputs(T.Vector.self, source, tiles)
    } else if source.block.channels >= T.HalfVector.scalarCount {
        transformInputs(T.HalfVector.self, source, tiles)
    } else {
        transformInputs(T.QuarterVector.self, source, tiles)
    }
}

@inline(never)
private func transformInputs<V: SIMD>(_: V.Type, _ source: WinogradSource<V.Scalar>, _ tiles: Range<Int>)
where V.Scalar: KernelScalar {
    let block = source.block
    let fitting = block.channels >= V.scalarCount
    source.tiling.forEachTile(tiles) { place, cell, isWhole in
        var cells = source.cells + source.strides.offset(cell.z, cell.y, cell.x)
        var strides = source.strides
        if !isWhole || !fitting {
            copyCells(source, cell)
            cells = UnsafePointer(source.tileCells)
            strides = CellStrides(packed: CellExtents(z: 4, y: 4, x: 4), channels: block.row)
        }
        let target = source.points + place * block.row
        forEachVector(of: block.channels, lanes: V.scalarCount) { channel in
            WinogradTransform<V>.inputPoints(target + channel, pointStride: block.point, cells + channel, strides)
        }
    }
}

/// A tile's input cells, zero where they lie beyond the reach of the box.
@inline(never)
private func copyCells<T: KernelScalar>(_ source: WinogradSource<T>, _ cell: CellExtents) {
    let corner = source.cells + source.strides.offset(cell.z, cell.y, cell.x)
    let (channels, row) = (source.block.channels, source.block.row)
    var target = source.tileCells
    source.tiling.forEachCell(around: cell, margin: 1) { z, y, x, isInside in
        let from = corner + source.strides.offset(z, y, x)
        for c in 0..<channels { target[c] = isInside ? from[c] : 0 }
        for c in channels..<row { target[c] = 0 }
        target += row
    }
}
