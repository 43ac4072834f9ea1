// The pairs of atoms within a distance, found by a grid whose cells are at least as wide.

/// Which rows lie in the cells around each row's.
public struct CellSurroundings {
    /// Of each cell of the padded box the first row, and how many rows it has.
    let firstRow, rowCount: UnsafePointer<Int32>
    /// The cell of each row that is a center.
    let cellOfRow: UnsafePointer<Int32>
    /// From a cell to that in each direction.
    let offsets: UnsafeBufferPointer<Int>

    public init(
        firstRow: UnsafePointer<Int32>, rowCount: UnsafePointer<Int32>, cellOfRow: UnsafePointer<Int32>,
        offsets: UnsafeBufferPointer<Int>
    ) {
        (self.firstRow, self.rowCount) = (firstRow, rowCount)
        (self.cellOfRow, self.offsets) = (cellOfRow, offsets)
    }
}

/// Lists the neighbors of some rows within a distance: direction by direction, and by row in each. Stops before a row for
/// which there may be no room.
///
/// - Parameters:
///   - neighbors, directions, areNear: the row of each neighbor, in which direction its cell lies, and 1 if it is also within
///     the shorter distance, else 0; from `count` on, which grows. [capacity]
///   - ends: the end of each row's neighbors, from that of `rows.lowerBound` on.
///   - places: from the centers of the rows' cells. [rows, x y z]
///   - shifts: from the center of a cell to that of the one in each direction. [directions, x y z]
///   - center: the direction of the cell itself, in which a row is not its own neighbor.
/// - Returns: the first row that is not done.
@specialized(where T == Float)
@specialized(where T == Double)
public func listNeighbors<T: KernelScalar>(
    _ neighbors: UnsafeMutablePointer<Int32>, _ directions: UnsafeMutablePointer<Int32>,
    _ areNear: UnsafeMutablePointer<Int32>, ends: UnsafeMutablePointer<Int32>, count: inout Int, capacity: Int,
    places: UnsafePointer<T>, shifts: UnsafePointer<T>, surroundings: CellSurroundings, center: Int, within distance: T,
    near shorter: T, rows: Range<Int>
) -> Int {
    let (limit, nearLimit) = (distance * distance, shorter * shorter)
    var next = count
    defer { count = next }
    for row in rows {
        let middle = Int(surroundings.cellOfRow[row])
        var candidates = 0
        for offset in surroundings.offsets { candidates += Int(surroundings.rowCount[middle + offset]) }
        guard next + candidates <= capacity else { return row }
        let (x, y, z) = (places[3 * row], places[3 * row + 1], places[3 * row + 2])
        for direction in 0..<surroundings.offsets.count {
            let cell = middle + surroundings.offsets[direction]
            let found = Int(surroundings.rowCount[cell])
            guard found > 0 else { continue }
            let first = Int(surroundings.firstRow[cell])
            let shift = shifts + 3 * direction
            // As the sums over pairs compute it.
            let (sx, sy, sz) = (shift[0], shift[1], shift[2])
            for other in first..<(first + found) {
                let place = places + 3 * other
                let (dx, dy, dz) = ((place[0] - x) + sx, (place[1] - y) + sy, (place[2] - z) + sz)
                let square = dx * dx + dy * dy + dz * dz
                neighbors[next] = Int32(truncatingIfNeeded: other)
                directions[next] = Int32(truncatingIfNeeded: direction)
                areNear[next] = square < nearLimit ? 1 : 0
                // Without a branch, which would be guessed wrong for one in seven.
                let isNeighbor = square < limit && (other != row || direction != center)
                next += isNeighbor ? 1 : 0
            }
        }
        ends[row - rows.lowerBound] = Int32(truncatingIfNeeded: next)
    }
    return rows.upperBound
}
