import MPI

/// Moves the cells of a grid from the boxes in which the ranks hold them to other boxes: between two decompositions, or to
/// boxes with a margin of any width, which may reach beyond the grid's ends.
///
/// Requests and buffers are made once.
public final class BoxTransfer<Scalar: GridScalar> {
    public let source, target: CellRange
    private let channels: Int
    /// What this rank gives to others, and gets from them, in the places where it has it.
    private let sends, receives: [CellRange]
    /// What this rank gives to itself.
    private let own: [(source: CellRange, target: CellRange)]
    private let exchange: PersistentExchange

    /// - Parameters:
    ///   - sources: the box of each rank; together they are the grid, and no cell is in two of them.
    ///   - targets: the box that each rank wants, at most a grid's length beyond its ends. They may overlap.
    ///   - cells: of the grid.
    ///   - boundaries: of the grid; cells beyond an open end are left as they are.
    ///   - channels: numbers of a cell.
    /// - Throws: `MPIError`. Collective.
    public init(
        from sources: [CellRange], to targets: [CellRange], cells: Extent3, boundaries: Boundaries, channels: Int,
        communicator: Communicator
    ) throws {
        precondition(sources.count == communicator.size && targets.count == communicator.size, "a box for each rank")
        let rank = communicator.rank
        let (source, target) = (sources[rank], targets[rank])
        let bytes = channels * MemoryLayout<Scalar>.stride
        /// How far the grid's images lie from it, by direction.
        let images = (0..<Direction.count).compactMap { direction -> (direction: Int, shift: Extent3)? in
            let offset = Direction.offset(direction)
            guard (0..<3).allSatisfy({ offset[$0] == 0 || boundaries[$0] == .periodic }) else { return nil }
            return (direction, Extent3(z: offset.z * cells.z, y: offset.y * cells.y, x: offset.x * cells.x))
        }
        func moved(_ box: CellRange, _ shift: Extent3) -> CellRange {
            CellRange(lower: box.lower + shift, upper: box.upper + shift)
        }
        var (outgoing, incoming) = ([PersistentExchange.Message](), [PersistentExchange.Message]())
        var (sends, receives) = ([CellRange](), [CellRange]())
        var own: [(source: CellRange, target: CellRange)] = []
        for other in sources.indices {
            for (direction, shift) in images {
                let given = moved(source, shift).intersection(targets[other])
                let got = moved(sources[other], shift).intersection(target)
                if other == rank {
                    if !got.isEmpty { own.append((moved(got, -shift), got)) }
                    continue
                }
                if !given.isEmpty {
                    sends.append(moved(given, -shift))
                    outgoing.append(.init(rank: other, tag: direction, byteCount: given.count * bytes))
                }
                if !got.isEmpty {
                    receives.append(got)
                    incoming.append(.init(rank: other, tag: direction, byteCount: got.count * bytes))
                }
            }
        }
        (self.source, self.target, self.channels) = (source, target, channels)
        (self.sends, self.receives, self.own) = (sends, receives, own)
        exchange = try PersistentExchange(
            communicator: try Communicator(duplicating: communicator), sends: outgoing, receives: incoming)
    }

    /// Fills the cells of this rank's target box. Collective.
    ///
    /// - Parameters:
    ///   - cells: of the source box. [z, y, x, channels]
    ///   - result: of the target box. [z, y, x, channels]
    public func move(_ cells: UnsafePointer<Scalar>, to result: UnsafeMutablePointer<Scalar>) throws {
        let bytes = MemoryLayout<Scalar>.stride
        let (from, to) = (UnsafeRawPointer(cells), UnsafeMutableRawPointer(result))
        for (slot, box) in sends.enumerated() {
            let buffer = exchange.sendBuffer(slot).baseAddress.unsafelyUnwrapped
            forEachLine(of: box) { place, cell, count in
                (buffer + place * bytes).copyMemory(from: from + index(cell, source) * bytes, byteCount: count * bytes)
            }
        }
        try exchange.start()
        for part in own {
            forEachLine(of: part.source) { _, cell, count in
                let goal = cell + part.target.lower - part.source.lower
                (to + index(goal, target) * bytes).copyMemory(from: from + index(cell, source) * bytes, byteCount: count * bytes)
            }
        }
        try exchange.wait()
        for (slot, box) in receives.enumerated() {
            let buffer = exchange.receiveBuffer(slot).baseAddress.unsafelyUnwrapped
            forEachLine(of: box) { place, cell, count in
                (to + index(cell, target) * bytes).copyMemory(from: buffer + place * bytes, byteCount: count * bytes)
            }
        }
    }

    /// The first number of a cell among those of a box.
    private func index(_ cell: Extent3, _ box: CellRange) -> Int { box.extent.index(of: cell - box.lower) * channels }

    /// Calls `body` with each line of a box along x: its first number among those of the box, its first cell, and how many
    /// numbers it has.
    private func forEachLine(of box: CellRange, _ body: (_ place: Int, _ cell: Extent3, _ count: Int) -> Void) {
        guard !box.isEmpty else { return }
        let count = box.extent.x * channels
        var place = 0
        for z in box.lower.z..<box.upper.z {
            for y in box.lower.y..<box.upper.y {
                body(place, Extent3(z: z, y: y, x: box.lower.x), count)
                place += count
            }
        }
    }
}
