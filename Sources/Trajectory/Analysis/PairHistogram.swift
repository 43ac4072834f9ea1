#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The number of pairs of atoms in each bin of distance, by minimum image in a periodic orthogonal box.
///
/// Atoms are sorted by cell, so that the pairs of two cells are two runs of contiguous coordinates.
struct PairHistogram {
    private(set) var counts: [Int]
    private let cutoff: Double
    private let edges: [Double]
    /// Coordinates within the box, in the order of cells.
    private var x: [Double], y: [Double], z: [Double]

    init(positions: [Double], edges: [Double], cutoff: Double, bins: Int) {
        counts = [Int](repeating: 0, count: bins)
        self.cutoff = cutoff
        self.edges = edges
        let atoms = positions.count / 3
        // More cells than atoms help nobody, and a huge, nearly empty box would want a huge table.
        let most = max(3, 2 * Int(cbrt(Double(atoms))))
        var cells = edges.map { max(1, min(most, Int(min($0 / cutoff, 1e6)))) }
        // With fewer than three cells along an axis a cell would be its own neighbor's neighbor.
        if cells.contains(where: { $0 < 3 }) { cells = [1, 1, 1] }

        let wrapped = positions.indices.map { index in
            let edge = edges[index % 3]
            let position = positions[index] - edge * (positions[index] / edge).rounded(.down)
            // Rounding may give the edge itself.
            return position < edge ? position : 0
        }
        func cell(_ atom: Int) -> Int {
            func index(_ axis: Int) -> Int {
                min(cells[axis] - 1, Int(wrapped[3 * atom + axis] / edges[axis] * Double(cells[axis])))
            }
            return (index(2) * cells[1] + index(1)) * cells[0] + index(0)
        }
        // Counting sort.
        let cellOfAtom = (0..<atoms).map(cell)
        var begin = [Int](repeating: 0, count: cells[0] * cells[1] * cells[2] + 1)
        for cell in cellOfAtom { begin[cell + 1] += 1 }
        for cell in 1..<begin.count { begin[cell] += begin[cell - 1] }
        var next = begin
        x = [Double](repeating: 0, count: atoms)
        y = x
        z = x
        for atom in 0..<atoms {
            let place = next[cellOfAtom[atom]]
            next[cellOfAtom[atom]] += 1
            x[place] = wrapped[3 * atom]
            y[place] = wrapped[3 * atom + 1]
            z[place] = wrapped[3 * atom + 2]
        }
        count(cells: cells, begin: begin)
    }

    /// The cell itself and 13 of its 26 neighbors, so that each pair of cells comes once.
    private static let halfOfNeighbors: [(z: Int, y: Int, x: Int)] = {
        var offsets = [(z: 0, y: 0, x: 0), (z: 0, y: 0, x: 1)]
        for x in -1...1 { offsets.append((z: 0, y: 1, x: x)) }
        for y in -1...1 { for x in -1...1 { offsets.append((z: 1, y: y, x: x)) } }
        return offsets
    }()

    private mutating func count(cells: [Int], begin: [Int]) {
        let offsets = begin.count == 2 ? [(z: 0, y: 0, x: 0)] : Self.halfOfNeighbors
        var squares = [Double](repeating: 0, count: x.count)
        for cellZ in 0..<cells[2] {
            for cellY in 0..<cells[1] {
                for cellX in 0..<cells[0] {
                    let home = (cellZ * cells[1] + cellY) * cells[0] + cellX
                    for offset in offsets {
                        let other = ((cellZ + offset.z + cells[2]) % cells[2] * cells[1]
                                     + (cellY + offset.y + cells[1]) % cells[1]) * cells[0]
                            + (cellX + offset.x + cells[0]) % cells[0]
                        for atom in begin[home]..<begin[home + 1] {
                            let first = other == home ? atom + 1 : begin[other]
                            count(atom, with: first..<max(first, begin[other + 1]), &squares)
                        }
                    }
                }
            }
        }
    }

    /// Pairs of one atom with a run of others: first the distances, a loop over contiguous memory, then the bins.
    private mutating func count(_ atom: Int, with others: Range<Int>, _ squares: inout [Double]) {
        let (ax, ay, az) = (x[atom], y[atom], z[atom])
        let (ex, ey, ez) = (edges[0], edges[1], edges[2])
        // Coordinates lie within the box, so that a difference is less than an edge.
        @inline(__always) func image(_ difference: Double, _ edge: Double) -> Double {
            let size = abs(difference)
            return min(size, edge - size)
        }
        x.withUnsafeBufferPointer { x in
            y.withUnsafeBufferPointer { y in
                z.withUnsafeBufferPointer { z in
                    squares.withUnsafeMutableBufferPointer { squares in
                        for (slot, other) in others.enumerated() {
                            let dx = image(x[other] - ax, ex), dy = image(y[other] - ay, ey), dz = image(z[other] - az, ez)
                            squares[slot] = dx * dx + dy * dy + dz * dz
                        }
                    }
                }
            }
        }
        let limit = cutoff * cutoff
        let scale = Double(counts.count) / cutoff
        let last = counts.count - 1
        squares.withUnsafeBufferPointer { squares in
            counts.withUnsafeMutableBufferPointer { counts in
                for slot in 0..<others.count where squares[slot] < limit {
                    counts[min(last, Int(squares[slot].squareRoot() * scale))] += 1
                }
            }
        }
    }
}
