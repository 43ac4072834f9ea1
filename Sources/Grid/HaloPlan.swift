/// Where the ghosts of a rank's box come from, for each of the 26 directions.
///
/// Only directions along cut axes alone need messages. Along a periodic axis that is not cut, ghosts are copies of
/// cells of the same box: of owned cells, or of ghosts that came from another rank. The copies wrap around as often
/// as the halo is wider than the axis.
struct HaloPlan {
    enum Source: Equatable {
        /// The direction is none, or the rank is idle.
        case none
        /// Beyond an open end: zeros.
        case open
        /// Another rank's border.
        case rank(Int)
        /// Cells of this box in another direction: 13 for owned cells, else ghosts of another rank.
        case wrap(direction: Int)
    }

    let box: PaddedBox
    /// By direction of the ghosts.
    let sources: [Source]
    /// Directions with messages, ascending, and the ranks there.
    let messages: [(direction: Int, rank: Int)]
    /// The owned cells of which no other rank has a copy: no ghost of another rank lies within the halo's width.
    let inner: CellRange

    init(_ decomposition: Decomposition, rank: Int) {
        box = PaddedBox(decomposition, rank: rank)
        sources = (0..<Direction.count).map { index in
            let direction = Direction.offset(index)
            guard index != Direction.center, decomposition.isActive(rank) else { return .none }
            guard let neighbor = decomposition.neighbor(ofRank: rank, direction: direction) else { return .open }
            var cutOnly = direction
            for axis in 0..<3 where !decomposition.isCut(axis: axis) { cutOnly[axis] = 0 }
            return cutOnly == direction ? .rank(neighbor) : .wrap(direction: Direction.index(cutOnly))
        }
        messages = sources.enumerated().compactMap { index, source in
            if case .rank(let rank) = source { (index, rank) } else { nil }
        }
        // Ghosts of other ranks are beyond the ends of cut axes.
        var inner = CellRange(lower: .zero, upper: box.cells)
        for axis in 0..<3 {
            var step = Extent3.zero
            step[axis] = 1
            if case .rank = sources[Direction.index(-step)] { inner.lower[axis] += box.haloWidth }
            if case .rank = sources[Direction.index(step)] { inner.upper[axis] -= box.haloWidth }
        }
        self.inner = inner
    }

    /// Calls `body` with each run of cells of a box that is contiguous in memory: the place of the first, and how many.
    @inline(__always)
    func forEachRun(_ range: CellRange, _ body: (_ index: Int, _ count: Int) -> Void) {
        let count = range.upper.x - range.lower.x
        guard count > 0 else { return }
        for z in range.lower.z..<range.upper.z {
            for y in range.lower.y..<range.upper.y {
                body(box.index(z: z, y: y, x: range.lower.x), count)
            }
        }
    }

    /// Calls `body` with each run of ghosts in a direction whose source is `wrap`: the place of the first ghost, that of
    /// the first source cell, and how many follow one another in both.
    @inline(__always)
    func forEachWrappedRun(_ direction: Int, _ body: (_ ghost: Int, _ source: Int, _ count: Int) -> Void) {
        guard case .wrap(let reduced) = sources[direction] else { return }
        let range = box.ghosts(Direction.offset(direction))
        let kept = Direction.offset(reduced)
        let wrapsX = kept.x == 0 && Direction.offset(direction).x != 0
        for z in range.lower.z..<range.upper.z {
            let sourceZ = kept.z == 0 ? wrapped(z, box.cells.z) : z
            for y in range.lower.y..<range.upper.y {
                let sourceY = kept.y == 0 ? wrapped(y, box.cells.y) : y
                var x = range.lower.x
                while x < range.upper.x {
                    let sourceX = wrapsX ? wrapped(x, box.cells.x) : x
                    let count = wrapsX ? min(range.upper.x - x, box.cells.x - sourceX) : range.upper.x - x
                    body(box.index(z: z, y: y, x: x), box.index(z: sourceZ, y: sourceY, x: sourceX), count)
                    x += count
                }
            }
        }
    }

    @inline(__always)
    private func wrapped(_ index: Int, _ cells: Int) -> Int {
        let remainder = index % cells
        return remainder < 0 ? remainder + cells : remainder
    }
}
