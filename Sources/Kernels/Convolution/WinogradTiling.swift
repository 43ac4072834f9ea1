// Tiles of 2x2x2 cells, and blocks of them whose transformed numbers the second-level cache holds.

/// Points of a tile: products for each pair of channels.
let winogradPoints = 64

/// The tiles that a box of cells touches. A tile begins at even coordinates of the global grid, so that a cell has one
/// place in its tile whatever box it is computed in; tiles at a box's edge may lie in it in part.
struct WinogradTiling {
    let box: CellBox
    /// The first cell of the first tile, which may lie one cell before the box.
    let origin: CellExtents
    /// Tiles along each axis.
    let tiles: CellExtents

    /// - Parameter anchor: global coordinates of cell (0, 0, 0); only their parity matters.
    init(_ box: CellBox, anchor: CellExtents) {
        func first(_ cell: Int, _ anchor: Int) -> Int { cell - ((cell + anchor) & 1) }
        self.box = box
        origin = CellExtents(z: first(box.origin.z, anchor.z), y: first(box.origin.y, anchor.y),
                             x: first(box.origin.x, anchor.x))
        tiles = CellExtents(z: (box.origin.z + box.extents.z - origin.z + 1) / 2,
                            y: (box.origin.y + box.extents.y - origin.y + 1) / 2,
                            x: (box.origin.x + box.extents.x - origin.x + 1) / 2)
    }

    /// Calls `body` with the place in the block, the first cell and whether the whole tile lies in the box, for each
    /// tile of a range in the order z, y, x with x fastest.
    @inline(__always)
    func forEachTile(_ range: Range<Int>, _ body: (Int, CellExtents, Bool) -> Void) {
        var x = range.lowerBound % tiles.x
        var y = range.lowerBound / tiles.x % tiles.y
        var z = range.lowerBound / tiles.x / tiles.y
        for place in 0..<range.count {
            let cell = CellExtents(z: origin.z + 2 * z, y: origin.y + 2 * y, x: origin.x + 2 * x)
            let isWhole = cell.z >= box.origin.z && cell.z + 2 <= box.origin.z + box.extents.z
                && cell.y >= box.origin.y && cell.y + 2 <= box.origin.y + box.extents.y
                && cell.x >= box.origin.x && cell.x + 2 <= box.origin.x + box.extents.x
            body(place, cell, isWhole)
            x += 1
            if x == tiles.x {
                (x, y) = (0, y + 1)
                if y == tiles.y { (y, z) = (0, z + 1) }
            }
        }
    }

    /// Calls `body` for each of a tile's 2x2x2 cells with its place and whether it lies in the box.
    @inline(__always)
    func forEachCell(of first: CellExtents, _ body: (Int, Int, Int, Bool) -> Void) {
        @inline(__always) func isInside(_ cell: Int, _ origin: Int, _ extent: Int) -> Bool {
            cell >= origin && cell < origin + extent
        }
        for z in 0..<2 {
            let insideZ = isInside(first.z + z, box.origin.z, box.extents.z)
            for y in 0..<2 {
                let insideY = insideZ && isInside(first.y + y, box.origin.y, box.extents.y)
                for x in 0..<2 { body(z, y, x, insideY && isInside(first.x + x, box.origin.x, box.extents.x)) }
            }
        }
    }
}

/// How the transformed cells of a block are stored: [tile][point][channel]. A tile's points are written and read one
/// after another, which the caches foresee; with [point][tile][channel] each transform waited for 64 distant lines.
struct WinogradBlock<T: KernelScalar> {
    /// Channels of a cell, and elements from one point's vector to the next.
    let channels, row: Int
    /// Tiles, and elements from one to the next.
    let tiles, tile: Int

    /// - Parameter row: at least `channels` and a quarter of a vector.
    init(channels: Int, row: Int, tiles: Int) {
        (self.channels, self.row, self.tiles) = (channels, row, tiles)
        tile = Self.padded(winogradPoints * row)
    }

    var count: Int { tiles * tile }

    /// Elements from one item of `count` to the next: a line of the cache more, since at distances that are powers of two
    /// all items would share a set of the cache.
    static func padded(_ count: Int) -> Int { count + T.Vector.scalarCount }

    /// Elements of a row that is read scalar by scalar.
    static func row(scalars channels: Int) -> Int { max(channels, T.QuarterVector.scalarCount) }
    /// Elements of a row of whole channel blocks.
    static func row(blocks channels: Int) -> Int {
        var padded = 0
        while padded < channels { padded += channelBlockWidth(T.self, remaining: channels - padded) }
        return padded
    }

    /// Tiles of a block: their points take 256 KiB, so that a second-level cache of 1 MiB holds them beside the weights.
    /// (Of 64 to 768 KiB, 128 to 384 are about equally fast.)
    static func tiles(inputs: Int, outputs: Int) -> Int {
        let bytes = winogradPoints * MemoryLayout<T>.stride * (row(scalars: inputs) + row(blocks: outputs))
        let registerTile = InstructionSet.vectorBytes == 64 || outputs <= T.HalfVector.scalarCount ? 8 : 12
        return min(max((256 << 10) / bytes / registerTile, 1) * registerTile, 128)
    }
}

/// Calls `body` with each first channel of vectors that cover `channels`; the last overlaps the one before it.
@inline(__always)
func forEachVector(of channels: Int, lanes: Int, _ body: (Int) -> Void) {
    var first = 0
    while first + lanes < channels {
        body(first)
        first += lanes
    }
    body(max(0, channels - lanes))
}
