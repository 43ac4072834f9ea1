import Kernels
import Tensor

/// Which row of one domain each row of another belongs to: an edge to its first atom, an angle to one of its edges.
///
/// The map may change between runs of a program; its memory is for the domains' capacities.
public final class RowMap {
    /// The domain whose rows are repeated.
    public let source: RowDomain
    /// The domain with a row for each repetition.
    public let target: RowDomain
    /// [rows of target]
    let sourceOfTarget: Buffer<Int32>
    /// The rows of the target that belong to each row of the source, ascending, one source row after the other.
    let order: Buffer<Int32>
    /// [rows of source + 1], into `order`.
    let starts: Buffer<Int32>

    public init(from source: RowDomain, to target: RowDomain) {
        self.source = source
        self.target = target
        sourceOfTarget = Buffer(repeating: 0, count: target.capacity)
        order = Buffer(repeating: 0, count: target.capacity)
        starts = Buffer(repeating: 0, count: source.capacity + 1)
    }

    /// Takes a new map; the domains' counts are set already.
    ///
    /// - Parameter rows: the row of the source of each row of the target. [target.count]
    public func rebuild(_ rows: UnsafePointer<Int32>) {
        sourceOfTarget.pointer.update(from: rows, count: target.count)
        let start = starts.pointer
        start.update(repeating: 0, count: source.count + 1)
        for row in 0..<target.count { start[Int(rows[row]) + 1] += 1 }
        for row in 0..<source.count { start[row + 1] += start[row] }
        // Filling moves each start to the next; from the last row on, so that it ends where it began.
        for row in stride(from: target.count - 1, through: 0, by: -1) {
            let place = Int(rows[row]) + 1
            start[place] -= 1
            order.pointer[Int(start[place])] = Int32(truncatingIfNeeded: row)
        }
        // Each start has moved to the beginning of the row before it.
        for row in 0..<source.count { start[row] = start[row + 1] }
        start[source.count] = Int32(truncatingIfNeeded: target.count)
    }
}

extension RowMap: Hashable {
    public static func == (left: RowMap, right: RowMap) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// Which rows of a domain are each other's partners, as the two directions of an edge.
///
/// Partners of rows 0..<count may be ghosts, rows behind them that an exchange fills from other ranks.
public final class RowPairing {
    public let domain: RowDomain
    /// Fills ghost rows; nil where there are none.
    public var exchange: (any RowExchange)?
    let partners: Buffer<Int32>

    public init(over domain: RowDomain) {
        self.domain = domain
        partners = Buffer(repeating: 0, count: domain.capacity)
    }

    /// Takes new partners; the domain's count is set already.
    ///
    /// - Parameters:
    ///   - rows: the partner of each row: the partner's partner is the row itself. [count]
    ///   - ghostRows: how many rows behind the domain's are filled by the exchange.
    public func rebuild(_ rows: UnsafePointer<Int32>, ghostRows: Int) {
        precondition(domain.count + ghostRows <= domain.capacity, "rows exceed the domain's capacity")
        partners.pointer.update(from: rows, count: domain.count)
    }
}

extension RowPairing: Hashable {
    public static func == (left: RowPairing, right: RowPairing) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
