import Grid

/// Where the cells of a box of blocks lie among those of level 0 that someone holds.
struct BlockCells {
    private let blocks, cells: CellRange
    private let factors: Extent3
    private let steps, components: Int

    /// - Parameters:
    ///   - blocks: of level 1.
    ///   - cells: of level 0, those of the blocks among them.
    init(_ configuration: LevelConfiguration, blocks: CellRange, among cells: CellRange) {
        (self.blocks, self.cells) = (blocks, cells)
        (factors, steps, components) = (configuration.factors, configuration.steps, configuration.components)
    }

    /// Calls `body` with each line along x of a block's cells at one of its steps: the first of their numbers among
    /// readable ones [blocks, steps, places, component], that among cells [z, y, x, component], and how many they are.
    @inline(__always)
    func forEachLine(step: Int, _ body: (_ readable: Int, _ cell: Int, _ count: Int) -> Void) {
        let (extent, around) = (blocks.extent, cells.extent)
        let count = factors.x * components
        let lines = factors.z * factors.y
        var block = 0
        for z in 0..<extent.z {
            for y in 0..<extent.y {
                for x in 0..<extent.x {
                    let first = Extent3(
                        z: (blocks.lower.z + z) * factors.z, y: (blocks.lower.y + y) * factors.y,
                        x: (blocks.lower.x + x) * factors.x) - cells.lower
                    let number = (block * steps + step) * lines * count
                    for line in 0..<lines {
                        let place = Extent3(z: first.z + line / factors.y, y: first.y + line % factors.y, x: first.x)
                        body(number + line * count, around.index(of: place) * components, count)
                    }
                    block += 1
                }
            }
        }
    }
}

extension LevelConfiguration {
    /// The cells of level 0 in a box of blocks of level 1.
    func cells(ofBlocks box: CellRange) -> CellRange {
        func scaled(_ block: Extent3) -> Extent3 {
            Extent3(z: block.z * factors.z, y: block.y * factors.y, x: block.x * factors.x)
        }
        return CellRange(lower: scaled(box.lower), upper: scaled(box.upper))
    }
}
