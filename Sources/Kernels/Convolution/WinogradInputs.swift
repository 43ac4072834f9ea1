// The transformed inputs of a block of tiles, which the forward pass, the data gradient and the weight gradient share.

/// Cells that tiles are read from, and where their transforms are stored.
struct WinogradSource<T: KernelScalar> {
    let field: ConvolutionField<T>
    let tiling: WinogradTiling
    let block: WinogradBlock<T>
    /// The transforms, [tile][point][channel].
    let points: UnsafeMutablePointer<T>
    /// A tile's 4x4x4 cells where a cell does not fill a vector.
    let tileCells: UnsafeMutablePointer<T>

    init(
        _ field: ConvolutionField<T>, channels: Int, tiling: WinogradTiling, tiles: Int,
        workspace: UnsafeMutablePointer<T>
    ) {
        (self.field, self.tiling) = (field, tiling)
        block = WinogradBlock(channels: channels, row: WinogradBlock<T>.row(scalars: channels), tiles: tiles)
        points = workspace
        tileCells = workspace + block.count
    }

    /// Whether the 4x4x4 input cells of a whole tile are evenly spaced in memory.
    @inline(__always)
    func isEven(_ cell: CellExtents) -> Bool {
        let n = field.extents
        return field.boxes == nil
            || cell.z >= 1 && cell.z + 3 <= n.z && cell.y >= 1 && cell.y + 3 <= n.y && cell.x >= 1 && cell.x + 3 <= n.x
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
    typealias Place = UnsafePointer<V.Scalar>
    let (block, strides) = (source.block, source.field.owned.strides)
    let fitting = block.channels >= V.scalarCount
    let packed = CellStrides(packed: CellExtents(z: 4, y: 4, x: 4), channels: block.row)
    // 512 bytes, on the stack.
    withUnsafeTemporaryAllocation(of: Place.self, capacity: winogradPoints) { places in
        source.tiling.forEachTile(tiles) { place, cell, isWhole in
            let target = source.points + place * block.tile
            if isWhole && fitting && source.isEven(cell) {
                let first = source.field.owned.origin + strides.offset(cell.z - 1, cell.y - 1, cell.x - 1)
                forEachVector(of: block.channels, lanes: V.scalarCount) { channel in
                    WinogradTransform<V>.inputPoints(target + channel, pointStride: block.row) {
                        first + (strides.offset($0, $1, $2) + channel)
                    }
                }
                return
            }
            findCells(source, cell, places.baseAddress!)
            if fitting {
                forEachVector(of: block.channels, lanes: V.scalarCount) { channel in
                    WinogradTransform<V>.inputPoints(target + channel, pointStride: block.row) {
                        places[16 * $0 + 4 * $1 + $2] + channel
                    }
                }
            } else {
                copyCells(source, places.baseAddress!)
                WinogradTransform<V>.inputPoints(target, pointStride: block.row) {
                    UnsafePointer(source.tileCells) + packed.offset($0, $1, $2)
                }
            }
        }
    }
}

/// The places of a tile's 4x4x4 input cells. Where one lies beyond the reach of the box, no output of the box depends on
/// it, and another cell's place serves.
@inline(never)
private func findCells<T: KernelScalar>(
    _ source: WinogradSource<T>, _ cell: CellExtents, _ places: UnsafeMutablePointer<UnsafePointer<T>>
) {
    let box = source.tiling.box
    func clamped(_ cell: Int, _ origin: Int, _ extent: Int) -> Int { min(max(cell, origin - 1), origin + extent) }
    var target = places
    for z in cell.z - 1...cell.z + 2 {
        let alongZ = clamped(z, box.origin.z, box.extents.z)
        for y in cell.y - 1...cell.y + 2 {
            let alongY = clamped(y, box.origin.y, box.extents.y)
            for x in cell.x - 1...cell.x + 2 {
                let alongX = clamped(x, box.origin.x, box.extents.x)
                target.pointee = source.field.cell(alongZ, alongY, alongX)
                target += 1
            }
        }
    }
}

/// Copies cells that do not fill a vector.
@inline(never)
private func copyCells<T: KernelScalar>(_ source: WinogradSource<T>, _ places: UnsafePointer<UnsafePointer<T>>) {
    let (channels, row) = (source.block.channels, source.block.row)
    var target = source.tileCells
    for place in 0..<winogradPoints {
        for c in 0..<row { target[c] = c < channels ? places[place][c] : 0 }
        target += row
    }
}
