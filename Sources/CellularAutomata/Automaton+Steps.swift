import Grid

extension Automaton {
    /// The next state by the number of living neighbors: the sum over 3x3x3 cells without the cell itself, first over the
    /// nine lines through the neighbors, then along x.
    ///
    /// - Parameter rule: of the cell at a place in this rank's box.
    @inline(__always)
    func count(_ rule: (_ place: Extent3) -> OuterTotalisticRule) {
        let extent = range.extent
        guard extent.count > 0 else { return }
        let padded = extent.x + 2
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: padded) { sums in
            for z in 0..<extent.z {
                for y in 0..<extent.y {
                    for x in 0..<padded { sums[x] = 0 }
                    for dz in -1...1 {
                        for dy in -1...1 {
                            let line = cells.vector(z: z + dz, y: y + dy, x: -1)
                            for x in 0..<padded { sums[x] &+= line[x] }
                        }
                    }
                    let own = cells.vector(z: z, y: y, x: 0)
                    let next = following.vector(z: z, y: y, x: 0)
                    for x in 0..<extent.x {
                        let count = sums[x] &+ sums[x + 1] &+ sums[x + 2] &- own[x]
                        let table = rule(Extent3(z: z, y: y, x: x)).table(isAlive: own[x] == 1)
                        next[x] = UInt8(truncatingIfNeeded: table >> UInt32(count) & 1)
                    }
                }
            }
        }
    }

    /// Regions of a `RegionalRule` along each axis of the grid.
    var regions: Extent3 {
        let (cells, side) = (decomposition.cells, RegionalRule.side)
        return Extent3(z: cells.z / side, y: cells.y / side, x: cells.x / side)
    }

    /// The region of a place in this rank's box.
    func region(_ place: Extent3) -> Extent3 {
        let (cell, side) = (range.lower + place, RegionalRule.side)
        return Extent3(z: cell.z / side, y: cell.y / side, x: cell.x / side)
    }

    /// Which regions of the whole grid are crowded, z, y, x with x fastest. Collective.
    func crowdedRegions(_ rule: RegionalRule) throws -> [Bool] {
        let regions = regions
        var living = [Int32](repeating: 0, count: regions.count)
        for index in 0..<range.count {
            let place = range.extent.cell(at: index)
            living[regions.index(of: region(place))] += Int32(cells.vector(z: place.z, y: place.y, x: place.x)[0])
        }
        try living.withUnsafeMutableBufferPointer { try communicator.allReduce($0, .sum) }
        return living.map { $0 > rule.most }
    }

    /// The next state by blocks of 2x2x2 cells whose lower corners have coordinates of the given parity. A rank computes
    /// all blocks of which it owns cells.
    func permute(_ rule: BlockRule, parity: Int) {
        let (extent, lower, grid) = (range.extent, range.lower, decomposition.cells)
        guard extent.count > 0 else { return }
        /// The first corner, in the box of this rank: -1 or 0.
        func first(_ axis: Int) -> Int { (lower[axis] + parity) % 2 == 0 ? 0 : -1 }
        /// Whether the block that begins there lies in the grid, or goes on at its other end.
        func isWhole(_ axis: Int, _ corner: Int) -> Bool {
            let cell = lower[axis] + corner
            return decomposition.boundaries[axis] == .periodic || cell >= 0 && cell + 1 < grid[axis]
        }
        rule.permutation.withUnsafeBufferPointer { permutation in
            for z in stride(from: first(0), to: extent.z, by: 2) {
                for y in stride(from: first(1), to: extent.y, by: 2) {
                    let isWholeLine = isWhole(0, z) && isWhole(1, y)
                    for x in stride(from: first(2), to: extent.x, by: 2) {
                        var state = 0
                        for bit in 0..<8 {
                            state |= Int(cells.vector(z: z + bit >> 2, y: y + bit >> 1 & 1, x: x + bit & 1)[0]) << bit
                        }
                        let next = isWholeLine && isWhole(2, x) ? Int(permutation[state]) : state
                        for bit in 0..<8 {
                            let (z, y, x) = (z + bit >> 2, y + bit >> 1 & 1, x + bit & 1)
                            guard z >= 0, z < extent.z, y >= 0, y < extent.y, x >= 0, x < extent.x else { continue }
                            following.vector(z: z, y: y, x: x)[0] = UInt8(truncatingIfNeeded: next >> bit & 1)
                        }
                    }
                }
            }
        }
    }
}
