import Grid
import Trajectory

/// The grid of cells over a simulation box: which cell an atom is in and where in it, and exactly back.
///
/// Coordinates are multiples of `quantum`, a power of two so small (10^-12 Angstrom) that it does not matter and so
/// large that sums and differences of coordinates, cell centers and periods are exact in double precision. So a
/// position is the center of its cell plus the offset, bit for bit, whatever the grid; and all periodic images of a
/// position have the same cell and offset.
public struct AtomGrid: Sendable {
    /// The spacing of coordinates, Angstrom.
    public static let quantum = 0x1p-40

    /// Cells along z, y, x.
    public let cells: Extent3
    public let boundaries: Boundaries
    /// Edge lengths of a cell in order x, y, z, Angstrom.
    public let cellSize: SIMD3<Double>
    /// Lower corner of cell (0, 0, 0) in order x, y, z, Angstrom.
    public let origin: SIMD3<Double>
    /// Edge lengths of the box in order x, y, z as multiples of `quantum`: the distance of periodic images, Angstrom.
    public let period: SIMD3<Double>
    public let box: SimulationBox

    /// The grid whose cells have edges nearest to `side` that divide the box.
    ///
    /// - Parameters:
    ///   - side: wanted edge length of a cell, Angstrom.
    ///   - isLeast: whether cells must not be shorter.
    ///   - phase: where cell centers lie along x, y, z, in cells above the box's lower corner; 0.5 puts cell faces on
    ///     the box's. Along an open axis the grid begins below the box where it must.
    /// - Throws: `SAGESnetError.badGrid` if the box is thinner than half a cell, or one that must not be shorter, or larger
    ///   than 4,096 Angstrom.
    public init(box: SimulationBox, side: Double, isLeast: Bool = false, phase: SIMD3<Double> = SIMD3(repeating: 0.5)) throws {
        var counts = SIMD3<Int>()
        var size = SIMD3<Double>()
        var corner = SIMD3<Double>()
        for axis in 0..<3 {
            let edge = box.edges[axis]
            guard edge.isFinite, edge >= (isLeast ? 1 : 0.5) * side, abs(box.origin[axis]) + edge <= 4096 else {
                throw SAGESnetError.badGrid(
                    "the box is \(edge) Angstrom long along \("xyz"[axis]), for cells of \(side) Angstrom")
            }
            let whole = max(1, (edge / side).rounded(isLeast ? .down : .toNearestOrAwayFromZero))
            size[axis] = edge / whole
            // Between -1 and 0: the first face is at the box's or below.
            let shift = phase[axis] - 0.5
            let start = shift - shift.rounded(.up)
            corner[axis] = AtomGrid.quantized(box.origin[axis] + start * size[axis])
            let isOpen = box.boundary(axis) == .open
            counts[axis] = Int(whole) + (isOpen && start < 0 ? 1 : 0)
        }
        self.box = box
        cells = Extent3(z: counts[2], y: counts[1], x: counts[0])
        boundaries = Boundaries(
            z: AtomGrid.boundary(box, 2), y: AtomGrid.boundary(box, 1), x: AtomGrid.boundary(box, 0))
        cellSize = size
        origin = corner
        period = SIMD3(
            AtomGrid.quantized(box.edges.x), AtomGrid.quantized(box.edges.y), AtomGrid.quantized(box.edges.z))
    }

    /// The grid of a model's cells over a box. Cells of atoms that look for their neighbors must be as wide as these are far.
    init(box: SimulationBox, for configuration: SAGESnetConfiguration, phase: SIMD3<Double> = SIMD3(repeating: 0.5)) throws {
        try self.init(box: box, side: configuration.cellSide, isLeast: configuration.rows == .atoms, phase: phase)
    }

    private static func boundary(_ box: SimulationBox, _ axis: Int) -> Boundary {
        box.boundary(axis) == .periodic ? .periodic : .open
    }

    /// The nearest multiple of `quantum`.
    @inline(__always)
    public static func quantized(_ coordinate: Double) -> Double { (coordinate * 0x1p40).rounded() * 0x1p-40 }

    /// The nearest multiples of `quantum` to displacements below 2,048 Angstrom, to even ones halfway; without a call of a
    /// function.
    @inline(__always)
    static func quantized(displacement: SIMD3<Double>) -> SIMD3<Double> {
        // At this size the spacing of doubles is the quantum.
        let shift = SIMD3<Double>(repeating: 0x1.8p12)
        return (displacement + shift) - shift
    }

    /// The cells along axis 0 (x), 1 (y) or 2 (z).
    func count(_ axis: Int) -> Int { axis == 0 ? cells.x : axis == 1 ? cells.y : cells.z }

    /// The center of a cell of the grid along an axis, a multiple of `quantum`.
    @inline(__always)
    public func center(_ index: Int, axis: Int) -> Double {
        AtomGrid.quantized(origin[axis] + (Double(index) + 0.5) * cellSize[axis])
    }

    /// Where a coordinate lies.
    public struct Place: Equatable, Sendable {
        /// The cell along the axis, in the grid.
        public var cell: Int
        /// From the cell's center, Angstrom; exact.
        public var offset: Double
        /// Boxes that the coordinate was moved down to lie in the periodic grid.
        public var image: Int
    }

    /// The cell of a coordinate along axis 0 (x), 1 (y) or 2 (z); nil if it is beyond an open end of the grid or not a
    /// number or thousands of boxes away.
    @inline(__always)
    public func place(_ coordinate: Double, axis: Int) -> Place? {
        let count = count(axis)
        guard box.boundary(axis) == .periodic else {
            let position = ((coordinate - origin[axis]) / cellSize[axis]).rounded(.down)
            guard position >= 0, position < Double(count) else { return nil }
            let cell = Int(position)
            return Place(cell: cell, offset: coordinate - center(cell, axis: axis), image: 0)
        }
        let period = period[axis]
        // So far away is no atom but a broken file; image counts stay small integers.
        guard abs(coordinate) < 0x1p24 else { return nil }
        var image = ((coordinate - origin[axis]) / period).rounded(.down)
        var distance = coordinate - image * period - origin[axis]
        // The quotient is rounded, so that it may have been on the wrong side of a whole number; what follows is exact.
        if distance < 0 {
            distance += period
            image -= 1
        } else if distance >= period {
            distance -= period
            image += 1
        }
        let cell = min(Int(distance / cellSize[axis]), count - 1)
        return Place(
            cell: cell, offset: distance + origin[axis] - center(cell, axis: axis), image: Int(image))
    }

    /// Whether an atom at an offset from its cell's center is in that cell for certain, without rounding to think of.
    @inline(__always)
    func isInside(_ offset: SIMD3<Double>) -> Bool {
        abs(offset.x) < 0.49 * cellSize.x && abs(offset.y) < 0.49 * cellSize.y && abs(offset.z) < 0.49 * cellSize.z
    }

    /// The coordinate of a place in the grid: the inverse of `place`, exact for quantized coordinates in the grid.
    @inline(__always)
    public func coordinate(cell: Int, offset: Double, axis: Int) -> Double { center(cell, axis: axis) + offset }
}

extension String {
    fileprivate subscript(axis: Int) -> Character { self[index(startIndex, offsetBy: axis)] }
}
