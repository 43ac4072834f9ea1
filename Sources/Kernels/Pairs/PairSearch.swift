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

/// How many numbers of scratch memory a search needs.
public func neighborScratchCount<T: KernelScalar>(_: T.Type, rows: Int) -> Int {
    let lanes = T.Vector.scalarCount
    return 3 * (rows + lanes) + lanes
}

/// Writes places as a search reads them, a column a component.
///
/// - Parameters:
///   - scratch: `neighborScratchCount` numbers.
///   - places: from the centers of the rows' cells. [rows, x y z]
@specialized(where T == Float)
@specialized(where T == Double)
public func writeColumns<T: KernelScalar>(_ scratch: UnsafeMutablePointer<T>, ofPlaces places: UnsafePointer<T>, rows: Int) {
    let stride = rows + T.Vector.scalarCount
    for row in 0..<rows {
        scratch[row] = places[3 * row]
        scratch[stride + row] = places[3 * row + 1]
        scratch[2 * stride + row] = places[3 * row + 2]
    }
}

/// Lists the neighbors of some rows within a distance: direction by direction, and by row in each. Stops before a row for
/// which there may be no room.
///
/// - Parameters:
///   - neighbors, directions, areNear: the row of each neighbor, in which direction its cell lies, and 1 if it is also within
///     the shorter distance, else 0; from `count` on, which grows. [capacity]
///   - ends: the end of each row's neighbors, from that of `rows.lowerBound` on.
///   - columns: what `writeColumns` wrote of all rows.
///   - shifts: from the center of a cell to that of the one in each direction. [directions, x y z]
///   - center: the direction of the cell itself, in which a row is not its own neighbor.
/// - Returns: the first row that is not done.
@specialized(where T == Float)
@specialized(where T == Double)
public func listNeighbors<T: KernelScalar>(
    _ neighbors: UnsafeMutablePointer<Int32>, _ directions: UnsafeMutablePointer<Int32>,
    _ areNear: UnsafeMutablePointer<Int32>, ends: UnsafeMutablePointer<Int32>, count: inout Int, capacity: Int,
    columns: UnsafeMutablePointer<T>, allRows: Int, shifts: UnsafePointer<T>, surroundings: CellSurroundings, center: Int,
    within distance: T, near shorter: T, rows: Range<Int>
) -> Int {
    let lanes = T.Vector.scalarCount
    let (xs, ys, zs) = (columns, columns + (allRows + lanes), columns + 2 * (allRows + lanes))
    let squares = columns + 3 * (allRows + lanes)
    let (limit, nearLimit) = (distance * distance, shorter * shorter)
    var next = count
    defer { count = next }
    for row in rows {
        let middle = Int(surroundings.cellOfRow[row])
        var candidates = 0
        for offset in surroundings.offsets { candidates += Int(surroundings.rowCount[middle + offset]) }
        guard next + candidates <= capacity else { return row }
        let (x, y, z) = (
            T.Vector(repeating: xs[row]), T.Vector(repeating: ys[row]), T.Vector(repeating: zs[row])
        )
        for direction in 0..<surroundings.offsets.count {
            let cell = middle + surroundings.offsets[direction]
            let found = Int(surroundings.rowCount[cell])
            guard found > 0 else { continue }
            let first = Int(surroundings.firstRow[cell])
            let shift = shifts + 3 * direction
            let (sx, sy, sz) = (
                T.Vector(repeating: shift[0]), T.Vector(repeating: shift[1]), T.Vector(repeating: shift[2])
            )
            var start = first
            while start < first + found {
                // From the other side the differences are the same with another sign, and the squares to the last bit.
                let dx = (load(xs + start) - x) + sx
                let dy = (load(ys + start) - y) + sy
                let dz = (load(zs + start) - z) + sz
                store(dx * dx + dy * dy + dz * dz, to: squares)
                let count = min(lanes, first + found - start)
                if direction == center && row >= start && row < start + count { squares[row - start] = .infinity }
                for lane in 0..<count {
                    let square = squares[lane]
                    neighbors[next] = Int32(truncatingIfNeeded: start + lane)
                    directions[next] = Int32(truncatingIfNeeded: direction)
                    areNear[next] = square < nearLimit ? 1 : 0
                    // Without a branch, which would be guessed wrong for one in seven.
                    next += square < limit ? 1 : 0
                }
                start += count
            }
        }
        ends[row - rows.lowerBound] = Int32(truncatingIfNeeded: next)
    }
    return rows.upperBound
}
