/// The extents of an array of rank 0 to 5, stored inline; the last extent varies fastest.
///
/// Grids are `[samples, z, y, x, channel]` or without the leading sample axis. Most operations see an array as a
/// table: `columns` is the last extent, `rows` the product of the others (a grid's rows are its cells).
public struct Shape: Hashable, Sendable, CustomStringConvertible, ExpressibleByArrayLiteral {
    /// The largest rank.
    public static let maximumRank = 5

    public let rank: Int
    private let first: Int, second: Int, third: Int, fourth: Int, fifth: Int

    /// - Precondition: at most five extents, none negative.
    public init(_ extents: [Int]) {
        precondition(extents.count <= Shape.maximumRank && extents.allSatisfy { $0 >= 0 }, "bad extents \(extents)")
        func extent(_ axis: Int) -> Int { axis < extents.count ? extents[axis] : 1 }
        rank = extents.count
        (first, second, third, fourth, fifth) = (extent(0), extent(1), extent(2), extent(3), extent(4))
    }

    public init(arrayLiteral extents: Int...) { self.init(extents) }

    public subscript(axis: Int) -> Int {
        precondition(axis >= 0 && axis < rank, "axis \(axis) of a shape of rank \(rank)")
        switch axis {
        case 0: return first
        case 1: return second
        case 2: return third
        case 3: return fourth
        default: return fifth
        }
    }

    /// The number of elements; 1 for rank 0.
    public var count: Int { first * second * third * fourth * fifth }

    /// The last extent; 1 for rank 0.
    public var columns: Int { rank == 0 ? 1 : self[rank - 1] }

    /// The product of all extents but the last.
    public var rows: Int {
        var product = 1
        for axis in 0..<max(rank - 1, 0) { product *= self[axis] }
        return product
    }

    public var extents: [Int] { (0..<rank).map { self[$0] } }

    /// The same shape with another last extent.
    public func withColumns(_ columns: Int) -> Shape { Shape(extents.dropLast() + [columns]) }

    public var description: String { "[" + extents.map(String.init).joined(separator: ", ") + "]" }
}
