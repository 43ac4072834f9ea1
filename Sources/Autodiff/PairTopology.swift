import Kernels
import Tensor

/// Which atoms are near which: the neighbors of each row of a domain, in the directions of their cells.
///
/// Rows behind the domain's count may be ghosts, which an exchange fills from other ranks. The lists may change between runs
/// of a program; their memory is for a number of pairs.
public final class PairTopology {
    public let atoms: RowDomain
    public let capacity: Int
    /// Fills ghost rows; nil where there are none. Set before a program is made.
    public let exchange: (any RowExchange)?
    /// The first pair of each atom, and the end. [atoms + 1]
    let starts: Buffer<Int32>
    /// [pairs]
    let neighbors: Buffer<Int32>
    let directions: Buffer<Int32>

    /// - Parameters:
    ///   - atoms: with room for ghosts.
    ///   - capacity: the pairs there may be.
    public init(over atoms: RowDomain, capacity: Int, exchange: (any RowExchange)? = nil) {
        self.atoms = atoms
        self.capacity = capacity
        self.exchange = exchange
        starts = Buffer(repeating: 0, count: atoms.capacity + 1)
        neighbors = Buffer(repeating: 0, count: capacity)
        directions = Buffer(repeating: 0, count: capacity)
    }

    /// Takes new lists; the domain's count is set already. Of any pair both atoms, as far as they are not ghosts, have it in
    /// their lists.
    ///
    /// - Parameters:
    ///   - starts: [atoms + 1]
    ///   - neighbors: the row of each neighbor. [pairs]
    ///   - directions: the row of each pair's shift. [pairs]
    ///   - borderRows: the first rows, which may have ghosts among their neighbors.
    public func rebuild(
        starts: UnsafePointer<Int32>, neighbors: UnsafePointer<Int32>, directions: UnsafePointer<Int32>,
        borderRows: Int = 0
    ) {
        let pairs = Int(starts[atoms.count])
        precondition(pairs <= capacity, "\(pairs) pairs where there is room for \(capacity)")
        precondition(borderRows <= atoms.count, "more rows at the border than rows")
        atoms.borderCount = borderRows
        self.starts.pointer.update(from: starts, count: atoms.count + 1)
        self.neighbors.pointer.update(from: neighbors, count: pairs)
        self.directions.pointer.update(from: directions, count: pairs)
    }

    // MARK: Division

    var pieces: Int { min(max(atoms.capacity / 256, 1), 64) }
    /// With an exchange, atoms without ghosts are done while it is under way.
    var passes: Int { exchange == nil ? 1 : 2 }

    /// The atoms of a piece.
    func atoms(piece: Int, of pieces: Int, pass: Int) -> Range<Int> {
        let range = passes == 1 ? 0..<atoms.count : pass == 0 ? atoms.borderCount..<atoms.count : 0..<atoms.borderCount
        return (range.lowerBound + piece * range.count / pieces)..<(range.lowerBound + (piece + 1) * range.count / pieces)
    }
}

extension PairTopology: Hashable {
    public static func == (left: PairTopology, right: PairTopology) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
