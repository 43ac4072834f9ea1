/// The layout of a rank's padded box: [(z + 2h), (y + 2h), (x + 2h), channels], channels fastest. Owned cells have
/// positions 0 up to `cells`; ghosts have positions from -h to -1 and from `cells` to `cells` + h - 1.
public struct PaddedBox: Hashable, Sendable {
    /// Owned cells.
    public let cells: Extent3
    public let haloWidth: Int
    /// Owned cells and ghosts.
    public let padded: Extent3

    public init(cells: Extent3, haloWidth: Int) {
        self.cells = cells
        self.haloWidth = haloWidth
        padded = cells + Extent3(repeating: 2 * haloWidth)
    }

    /// The box of a rank.
    public init(_ decomposition: Decomposition, rank: Int) {
        self.init(cells: decomposition.range(ofRank: rank).extent, haloWidth: decomposition.haloWidth)
    }

    /// The place of a cell in the padded box; multiply by the channels for the place of its vector.
    @inlinable
    public func index(z: Int, y: Int, x: Int) -> Int {
        ((z + haloWidth) * padded.y + y + haloWidth) * padded.x + x + haloWidth
    }

    @inlinable
    public func index(_ cell: Extent3) -> Int { index(z: cell.z, y: cell.y, x: cell.x) }

    /// The ghosts beyond the owned cells in a direction; the owned cells for direction zero.
    public func ghosts(_ direction: Extent3) -> CellRange {
        var range = CellRange(lower: .zero, upper: cells)
        for axis in 0..<3 where direction[axis] != 0 {
            range.lower[axis] = direction[axis] < 0 ? -haloWidth : cells[axis]
            range.upper[axis] = direction[axis] < 0 ? 0 : cells[axis] + haloWidth
        }
        return range
    }

    /// The owned cells that the neighbor in a direction holds as ghosts, where the axes of the direction are cut.
    public func border(_ direction: Extent3) -> CellRange {
        var range = CellRange(lower: .zero, upper: cells)
        for axis in 0..<3 where direction[axis] != 0 {
            if direction[axis] < 0 { range.upper[axis] = haloWidth } else { range.lower[axis] = cells[axis] - haloWidth }
        }
        return range
    }
}

/// A rank's part of a grid, with ghosts: a vector of `channels` numbers a cell, in 64-byte aligned storage laid out as
/// `PaddedBox` says. An idle rank's field has no owned cells.
public final class GridField<Scalar: GridScalar> {
    public let box: PaddedBox
    public let channels: Int
    /// All numbers, ghosts included.
    public let storage: UnsafeMutableBufferPointer<Scalar>

    /// A field of zeros.
    public init(box: PaddedBox, channels: Int) {
        precondition(channels > 0, "a field has at least one channel")
        self.box = box
        self.channels = channels
        let count = box.padded.count * channels
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: max(count * MemoryLayout<Scalar>.stride, 64), alignment: 64)
        storage = UnsafeMutableBufferPointer(start: bytes.bindMemory(to: Scalar.self, capacity: count), count: count)
        storage.initialize(repeating: 0)
    }

    /// The field of a rank of a decomposition, of zeros.
    public convenience init(_ decomposition: Decomposition, rank: Int, channels: Int) {
        self.init(box: PaddedBox(decomposition, rank: rank), channels: channels)
    }

    deinit { UnsafeMutableRawPointer(storage.baseAddress)?.deallocate() }

    /// The vector of a cell, ghosts included: `channels` numbers. Unchecked; valid while the field lives.
    @inlinable
    public func vector(z: Int, y: Int, x: Int) -> UnsafeMutablePointer<Scalar> {
        storage.baseAddress.unsafelyUnwrapped + box.index(z: z, y: y, x: x) * channels
    }

    /// One number, ghosts included; a position outside the padded box is a programmer's error.
    @inlinable
    public subscript(z: Int, y: Int, x: Int, channel: Int) -> Scalar {
        get { storage[checkedIndex(z, y, x, channel)] }
        set { storage[checkedIndex(z, y, x, channel)] = newValue }
    }

    @inlinable
    func checkedIndex(_ z: Int, _ y: Int, _ x: Int, _ channel: Int) -> Int {
        let h = box.haloWidth
        precondition(z >= -h && z < box.cells.z + h && y >= -h && y < box.cells.y + h && x >= -h && x < box.cells.x + h
                     && channel >= 0 && channel < channels, "no such number in the field")
        return box.index(z: z, y: y, x: x) * channels + channel
    }

    /// Sets all numbers, ghosts included.
    public func fill(_ value: Scalar) { storage.update(repeating: value) }
}
