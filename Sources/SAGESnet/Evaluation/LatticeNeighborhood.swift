import Tensor

/// Which of the 5x5x5 cells around an atom hold one: in a crystal whose grid is aligned there are as many patterns as
/// sublattices.
struct CellPattern: Hashable, Comparable {
    /// Bits 0 to 63 and 64 to 124, cells in order z, y, x with x fastest.
    private(set) var low: UInt64 = 0
    private(set) var high: UInt64 = 0

    mutating func insert(_ cell: Int) {
        if cell < 64 { low |= 1 << UInt64(cell) } else { high |= 1 << UInt64(cell - 64) }
    }

    /// The occupied cells, ascending.
    var cells: [Int] {
        (0..<LatticeNeighborhood.count).filter { $0 < 64 ? low >> UInt64($0) & 1 == 1 : high >> UInt64($0 - 64) & 1 == 1 }
    }

    init() {}

    init(cells: [Int]) {
        for cell in cells { insert(cell) }
    }

    static func < (a: CellPattern, b: CellPattern) -> Bool { (a.high, a.low) < (b.high, b.low) }
}

/// The atoms of one frame by cell, for grids with one slot a cell, and who is in the 5x5x5 cells around an atom.
final class LatticeNeighborhood {
    static let radius = 2
    /// Cells around an atom, its own among them.
    static let count = 125

    private let grid: AtomGrid
    private let counts: SIMD3<Int>
    private let atomOfCell: Buffer<Int32>
    /// The cell of each atom along x, y, z. [N, 3]
    private let cells: Buffer<Int32>
    /// From cell centers, Angstrom. [N, 3]
    let offsets: Buffer<Double>
    private let atomCount: Int
    /// The atoms around the last one asked for, -1 for none. [125]
    let neighbors = Buffer<Int32>(repeating: -1, count: LatticeNeighborhood.count)

    init(_ grid: AtomGrid, atomCount: Int) {
        self.grid = grid
        self.atomCount = atomCount
        counts = SIMD3(grid.cells.x, grid.cells.y, grid.cells.z)
        atomOfCell = Buffer(repeating: -1, count: grid.cells.count)
        cells = Buffer(repeating: 0, count: 3 * atomCount)
        offsets = Buffer(repeating: 0, count: 3 * atomCount)
    }

    /// Sorts the atoms at `positions` [N, 3] into cells; false if a cell holds two or an atom is beyond an open end.
    func arrange(_ positions: UnsafePointer<Double>) -> Bool {
        atomOfCell.pointer.update(repeating: -1, count: atomOfCell.count)
        for atom in 0..<atomCount {
            for axis in 0..<3 {
                guard let place = grid.place(positions[3 * atom + axis], axis: axis) else { return false }
                cells.pointer[3 * atom + axis] = Int32(truncatingIfNeeded: place.cell)
                offsets.pointer[3 * atom + axis] = place.offset
            }
            let cell = cells.pointer + 3 * atom
            let index = (Int(cell[2]) * counts.y + Int(cell[1])) * counts.x + Int(cell[0])
            guard atomOfCell.pointer[index] < 0 else { return false }
            atomOfCell.pointer[index] = Int32(truncatingIfNeeded: atom)
        }
        return true
    }

    /// Finds the atoms around an atom and leaves them in `neighbors`.
    func pattern(around atom: Int) -> CellPattern {
        var pattern = CellPattern()
        let center = SIMD3(
            Int(cells.pointer[3 * atom]), Int(cells.pointer[3 * atom + 1]), Int(cells.pointer[3 * atom + 2]))
        /// The cell at a distance along an axis; nil beyond an open end.
        func shifted(_ axis: Int, _ distance: Int) -> Int? {
            let cell = center[axis] + distance
            if cell >= 0 && cell < counts[axis] { return cell }
            guard grid.box.boundary(axis) == .periodic else { return nil }
            return ((cell % counts[axis]) + counts[axis]) % counts[axis]
        }
        let reach = -LatticeNeighborhood.radius...LatticeNeighborhood.radius
        var entry = 0
        for dz in reach {
            let z = shifted(2, dz)
            for dy in reach {
                let y = shifted(1, dy)
                for dx in reach {
                    var found: Int32 = -1
                    if let z, let y, let x = shifted(0, dx) {
                        found = atomOfCell.pointer[(z * counts.y + y) * counts.x + x]
                    }
                    neighbors.pointer[entry] = found
                    if found >= 0 { pattern.insert(entry) }
                    entry += 1
                }
            }
        }
        return pattern
    }
}
