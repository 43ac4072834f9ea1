import Grid
import MPI
import Tensor

/// A three-dimensional automaton on the ranks of a communicator: each steps the cells that it owns, after one exchange of
/// the halo. Every cell has the same state on any number of ranks.
public final class Automaton {
    public let rule: AutomatonRule
    public let decomposition: Decomposition
    /// Steps done; that it is even or odd says how a block automaton's grid is parted.
    public internal(set) var step = 0
    /// This rank's cells within the grid.
    public let range: CellRange

    let communicator: Communicator
    /// 1 in living cells, 0 in dead ones and beyond open ends.
    var cells: GridField<UInt8>
    var following: GridField<UInt8>
    private let exchange: HaloExchange<UInt8>

    /// An automaton of dead cells. Collective.
    ///
    /// - Parameter parts: of the decomposition along each axis; chosen if nil.
    /// - Throws: on every rank, `GridError`, `MPIError`; `AutomatonError` for axes that do not suit the rule.
    public init(
        _ rule: AutomatonRule, cells: Extent3, boundaries: Boundaries, communicator: Communicator, parts: Extent3? = nil
    ) throws {
        for axis in 0..<3 {
            let (name, count) = (["z", "y", "x"][axis], cells[axis])
            switch rule {
            case .blocks where boundaries[axis] == .periodic && count % 2 == 1:
                throw AutomatonError.oddAxis(axis: name, cells: count)
            case .regions where count % RegionalRule.side != 0:
                throw AutomatonError.brokenRegions(axis: name, cells: count)
            default: break
            }
        }
        let decomposition = try Decomposition(
            cells: cells, boundaries: boundaries, haloWidth: 1, ranks: communicator.size, parts: parts)
        self.rule = rule
        self.decomposition = decomposition
        self.communicator = communicator
        range = decomposition.range(ofRank: communicator.rank)
        self.cells = GridField(decomposition, rank: communicator.rank, channels: 1)
        following = GridField(decomposition, rank: communicator.rank, channels: 1)
        exchange = try HaloExchange(decomposition, communicator: communicator, channels: 1, adjoint: false)
    }

    /// Gives every cell a state, from its place in the grid; begins at step 0. Not collective.
    public func set(_ isAlive: (Extent3) -> Bool) {
        step = 0
        forEachOwnedCell { place, cell in cells.vector(z: place.z, y: place.y, x: place.x)[0] = isAlive(cell) ? 1 : 0 }
    }

    /// Lets each cell live with a probability of `density`, by random numbers of its own. Not collective.
    ///
    /// - Throws: `AutomatonError.invalidDensity`.
    public func sow(density: Double, seed: UInt64) throws {
        guard density >= 0, density <= 1 else { throw AutomatonError.invalidDensity(density) }
        set { cell in
            var random = Philox(seed: seed, stream: UInt64(decomposition.cells.index(of: cell)))
            return random.nextUniform() < density
        }
    }

    /// Does one step. Collective.
    public func advance() throws {
        try exchange.exchange(cells)
        switch rule {
        case .outerTotalistic(let rule): count { _ in rule }
        case .regions(let rule):
            let isCrowded = try crowdedRegions(rule)
            count { isCrowded[regions.index(of: region($0))] ? rule.crowded : rule.thin }
        case .blocks(let rule): permute(rule, parity: step & 1)
        }
        swap(&cells, &following)
        step += 1
    }

    /// Undoes the last step of a block automaton. Collective.
    ///
    /// - Precondition: the rule is one of blocks.
    public func retreat() throws {
        guard case .blocks(let rule) = rule else { preconditionFailure("only block automata can be undone") }
        step -= 1
        try exchange.exchange(cells)
        permute(rule.inverse, parity: step & 1)
        swap(&cells, &following)
    }

    /// Calls `body` with the place of each cell of this rank in its box, and in the grid; z, y, x with x fastest.
    private func forEachOwnedCell(_ body: (_ place: Extent3, _ cell: Extent3) -> Void) {
        let extent = range.extent
        for index in 0..<extent.count {
            let place = extent.cell(at: index)
            body(place, range.lower + place)
        }
    }

    /// Writes this rank's cells, 1 where they live and 0 elsewhere, z, y, x with x fastest. Not collective.
    public func write<Scalar: BinaryFloatingPoint>(to target: UnsafeMutableBufferPointer<Scalar>) {
        precondition(target.count == range.count, "\(target.count) numbers for \(range.count) cells")
        var index = 0
        forEachOwnedCell { place, _ in
            target[index] = Scalar(cells.vector(z: place.z, y: place.y, x: place.x)[0])
            index += 1
        }
    }

    /// Living cells of the whole grid. Collective.
    public func population() throws -> Int {
        var population = 0
        forEachOwnedCell { place, _ in population += Int(cells.vector(z: place.z, y: place.y, x: place.x)[0]) }
        return try communicator.allReduce(population, .sum)
    }
}
