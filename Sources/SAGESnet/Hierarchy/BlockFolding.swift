import Autodiff
import Grid
import Kernels
import Tensor

/// The cells of a dense grid gathered into blocks, the cells of the grid above, and back: rows [cells, I] become rows
/// [blocks, cells of a block, I]. Both ways are recorded operations, each the other's adjoint.
///
/// A rank whose part of the grid is made of whole blocks needs nothing from others.
final class BlockFolding {
    let cells: RowDomain
    let blocks: RowDomain
    /// For each place in a block, z, y, x, the cell of each block that is there.
    private let maps: [RowMap]

    /// - Parameters:
    ///   - blocks: rows, z, y, x with x fastest, sample after sample.
    ///   - extents: blocks of a sample along each axis.
    init(cells: RowDomain, blocks: RowDomain, extents: Extent3, factors: Extent3, samples: Int) {
        precondition(cells.count == blocks.count * factors.count, "\(cells.count) cells for \(blocks.count) blocks")
        self.cells = cells
        self.blocks = blocks
        let fine = Extent3(z: extents.z * factors.z, y: extents.y * factors.y, x: extents.x * factors.x)
        let rows = Buffer<Int32>(repeating: 0, count: blocks.count)
        maps = (0..<factors.count).map { index in
            let place = factors.cell(at: index)
            for row in 0..<blocks.count {
                let (sample, local) = row.quotientAndRemainder(dividingBy: extents.count)
                let block = extents.cell(at: local)
                let cell = Extent3(
                    z: block.z * factors.z + place.z, y: block.y * factors.y + place.y, x: block.x * factors.x + place.x)
                rows.pointer[row] = Int32(truncatingIfNeeded: sample * fine.count + fine.index(of: cell))
            }
            let map = RowMap(from: cells, to: blocks)
            map.rebuild(UnsafePointer(rows.pointer))
            return map
        }
    }

    /// [cells, I] to [blocks, places I]
    func fold<Scalar>(_ x: Variable<Scalar>) -> Variable<Scalar> {
        .concatenating(maps.map { x.expanded(by: $0) })
    }

    /// [blocks, places I] to [cells, I]
    func unfold<Scalar>(_ y: Variable<Scalar>) -> Variable<Scalar> {
        let columns = y.columns / maps.count
        // Each cell has one block: every sum has one term that is not zero.
        let parts = maps.enumerated().map { index, map in
            y[columns: index * columns..<(index + 1) * columns].collected(by: map)
        }
        return parts.dropFirst().reduce(parts[0], +)
    }
}
