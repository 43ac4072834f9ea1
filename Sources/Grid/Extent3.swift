/// Three integers, one an axis, in storage order z, y, x: a number of cells, a position of a cell, or an offset.
public struct Extent3: Hashable, Sendable, CustomStringConvertible {
    public var z: Int
    public var y: Int
    public var x: Int

    @inlinable
    public init(z: Int, y: Int, x: Int) {
        self.z = z
        self.y = y
        self.x = x
    }

    /// The same on every axis.
    @inlinable
    public init(repeating value: Int) { self.init(z: value, y: value, x: value) }

    public static let zero = Extent3(repeating: 0)

    /// Cells of a box of this extent: z·y·x, which must not overflow.
    @inlinable public var count: Int { z * y * x }

    /// Axis 0 is z, 1 is y, 2 is x.
    @inlinable
    public subscript(axis: Int) -> Int {
        get {
            switch axis {
            case 0: z
            case 1: y
            case 2: x
            default: preconditionFailure("an extent has three axes")
            }
        }
        set {
            switch axis {
            case 0: z = newValue
            case 1: y = newValue
            case 2: x = newValue
            default: preconditionFailure("an extent has three axes")
            }
        }
    }

    @inlinable public static func + (a: Self, b: Self) -> Self { Self(z: a.z + b.z, y: a.y + b.y, x: a.x + b.x) }
    @inlinable public static func - (a: Self, b: Self) -> Self { Self(z: a.z - b.z, y: a.y - b.y, x: a.x - b.x) }
    @inlinable public static func * (a: Self, b: Int) -> Self { Self(z: a.z * b, y: a.y * b, x: a.x * b) }
    @inlinable public static prefix func - (a: Self) -> Self { Self(z: -a.z, y: -a.y, x: -a.x) }

    /// The place of a cell in a box of this extent, z, y, x with x fastest.
    @inlinable
    public func index(of cell: Extent3) -> Int { (cell.z * y + cell.y) * x + cell.x }

    /// The cell at a place: the inverse of `index(of:)`.
    @inlinable
    public func cell(at index: Int) -> Extent3 { Extent3(z: index / (y * x), y: index / x % y, x: index % x) }

    public var description: String { "\(z)x\(y)x\(x) (z, y, x)" }

    /// Parses `AxBxC` as users type it for boxes and decompositions: in order x, y, z, positive numbers.
    /// Throws `GridError.invalidText`.
    public init(parsingXYZ text: String) throws {
        let parts = try Self.parse(text)
        self.init(z: parts[2], y: parts[1], x: parts[0])
    }

    /// Parses `ZxYxX`, positive numbers in storage order, as automata's grids are given. Throws `GridError.invalidText`.
    public init(parsingZYX text: String) throws {
        let parts = try Self.parse(text)
        self.init(z: parts[0], y: parts[1], x: parts[2])
    }

    private static func parse(_ text: String) throws -> [Int] {
        let parts = text.split(separator: "x", omittingEmptySubsequences: false).compactMap { Int($0) }
        guard parts.count == 3, text.split(separator: "x", omittingEmptySubsequences: false).count == 3,
              parts.allSatisfy({ $0 > 0 && $0 <= Int(Int32.max) }) else {
            throw GridError.invalidText(text, expected: "three positive numbers such as 2x2x1")
        }
        return parts
    }
}

/// One of the 27 directions from a cell or a rank to itself and its neighbors: offsets -1, 0, 1 on each axis.
/// Numbered z, y, x-major: 0 is (-1, -1, -1), 13 is none, 26 is (1, 1, 1); the opposite of d is 26 - d.
public enum Direction {
    public static let count = 27
    public static let center = 13

    @inlinable
    public static func index(_ offset: Extent3) -> Int { (offset.z + 1) * 9 + (offset.y + 1) * 3 + offset.x + 1 }

    @inlinable
    public static func offset(_ index: Int) -> Extent3 { Extent3(z: index / 9 - 1, y: index / 3 % 3 - 1, x: index % 3 - 1) }

    @inlinable
    public static func opposite(_ index: Int) -> Int { count - 1 - index }
}

/// A box of cells, from `lower` up to but not including `upper`.
public struct CellRange: Hashable, Sendable, CustomStringConvertible {
    public var lower: Extent3
    public var upper: Extent3

    @inlinable
    public init(lower: Extent3, upper: Extent3) {
        self.lower = lower
        self.upper = upper
    }

    /// Cells along each axis, zero where `upper` does not exceed `lower`.
    @inlinable
    public var extent: Extent3 {
        Extent3(z: max(0, upper.z - lower.z), y: max(0, upper.y - lower.y), x: max(0, upper.x - lower.x))
    }

    @inlinable public var count: Int { extent.count }
    @inlinable public var isEmpty: Bool { count == 0 }

    @inlinable
    public func contains(_ cell: Extent3) -> Bool {
        cell.z >= lower.z && cell.z < upper.z && cell.y >= lower.y && cell.y < upper.y
            && cell.x >= lower.x && cell.x < upper.x
    }

    /// The cells in both boxes.
    public func intersection(_ other: CellRange) -> CellRange {
        CellRange(lower: Extent3(z: max(lower.z, other.lower.z), y: max(lower.y, other.lower.y), x: max(lower.x, other.lower.x)),
                  upper: Extent3(z: min(upper.z, other.upper.z), y: min(upper.y, other.upper.y), x: min(upper.x, other.upper.x)))
    }

    public var description: String { "cells \(lower) up to \(upper)" }
}
