#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The number of pairs of atoms in each bin of distance, by minimum image in a periodic orthogonal box.
struct PairHistogram {
    private(set) var counts: [Int]
    private let cutoff: Double
    private let edges: [Double]

    init(positions: [Double], edges: [Double], cutoff: Double, bins: Int) {
        counts = [Int](repeating: 0, count: bins)
        self.cutoff = cutoff
        self.edges = edges
        // More cells than atoms help nobody, and a huge, nearly empty box would want a huge table.
        let most = max(3, 2 * Int(cbrt(Double(positions.count / 3))))
        let cells = edges.map { max(1, min(most, Int(min($0 / cutoff, 1e6)))) }
        // With fewer than three cells along an axis a cell would be its own neighbor's neighbor.
        if cells.allSatisfy({ $0 >= 3 }) {
            countByCells(wrapped(positions), cells: cells)
        } else {
            countAll(positions)
        }
    }

    private func wrapped(_ positions: [Double]) -> [Double] {
        positions.indices.map { index in
            let edge = edges[index % 3]
            let position = positions[index] - edge * (positions[index] / edge).rounded(.down)
            // Rounding may give the edge itself.
            return position < edge ? position : 0
        }
    }

    private mutating func countAll(_ positions: [Double]) {
        let count = positions.count / 3
        positions.withUnsafeBufferPointer { positions in
            for first in 0..<count {
                for second in (first + 1)..<max(first + 1, count) { add(positions, first, second) }
            }
        }
    }

    private mutating func countByCells(_ positions: [Double], cells: [Int]) {
        let count = positions.count / 3
        // Linked lists: the first atom of each cell, and the next one of each atom.
        var first = [Int](repeating: -1, count: cells[0] * cells[1] * cells[2])
        var next = [Int](repeating: -1, count: count)
        func cell(_ position: Double, _ axis: Int) -> Int {
            min(cells[axis] - 1, Int(position / edges[axis] * Double(cells[axis])))
        }
        for atom in 0..<count {
            let index = (cell(positions[3 * atom + 2], 2) * cells[1] + cell(positions[3 * atom + 1], 1)) * cells[0]
                + cell(positions[3 * atom], 0)
            next[atom] = first[index]
            first[index] = atom
        }
        positions.withUnsafeBufferPointer { positions in
            for z in 0..<cells[2] {
                for y in 0..<cells[1] {
                    for x in 0..<cells[0] {
                        let home = (z * cells[1] + y) * cells[0] + x
                        for offset in Self.halfOfNeighbors {
                            let other = ((z + offset.z + cells[2]) % cells[2] * cells[1]
                                         + (y + offset.y + cells[1]) % cells[1]) * cells[0]
                                + (x + offset.x + cells[0]) % cells[0]
                            var a = first[home]
                            while a >= 0 {
                                var b = other == home ? next[a] : first[other]
                                while b >= 0 {
                                    add(positions, a, b)
                                    b = next[b]
                                }
                                a = next[a]
                            }
                        }
                    }
                }
            }
        }
    }

    /// The cell itself and 13 of its 26 neighbors, so that each pair of cells comes once.
    private static let halfOfNeighbors: [(z: Int, y: Int, x: Int)] = {
        var offsets = [(z: 0, y: 0, x: 0), (z: 0, y: 0, x: 1)]
        for x in -1...1 { offsets.append((z: 0, y: 1, x: x)) }
        for y in -1...1 { for x in -1...1 { offsets.append((z: 1, y: y, x: x)) } }
        return offsets
    }()

    private mutating func add(_ positions: UnsafeBufferPointer<Double>, _ a: Int, _ b: Int) {
        var square = 0.0
        for axis in 0..<3 {
            let edge = edges[axis]
            var difference = positions[3 * a + axis] - positions[3 * b + axis]
            difference -= edge * (difference / edge).rounded()
            square += difference * difference
        }
        guard square < cutoff * cutoff else { return }
        let bin = Int(square.squareRoot() / cutoff * Double(counts.count))
        counts[min(bin, counts.count - 1)] += 1
    }
}
