import Diagnostics

/// Why a grid or its decomposition is impossible.
public enum GridError: SAGESError, Equatable {
    /// A grid needs at least one cell along each axis, and fewer than 2^31 in a rank's box.
    case invalidCells(Extent3)
    /// Halo widths are 1, 2 or 3.
    case invalidHaloWidth(Int)
    /// The parts asked for are more than the ranks.
    case tooManyParts(parts: Extent3, ranks: Int)
    /// The parts asked for would be thinner than the halo.
    case partTooThin(axis: String, cells: Int, parts: Int, haloWidth: Int)
    /// An option's text.
    case invalidText(String, expected: String)
    /// Row `row` names a cell that the rank does not own, or comes out of order.
    case invalidRow(row: Int, cell: Int, ownedCells: Int)
    /// A cell has more rows than the operation allows.
    case crowdedCell(rows: Int)
    /// A row is bound for a rank that does not exist.
    case invalidDestination(row: Int, rank: Int, ranks: Int)

    public var exitStatus: ExitStatus {
        switch self {
        case .invalidCells, .invalidHaloWidth, .tooManyParts, .partTooThin, .invalidText: .usage
        case .crowdedCell: .data
        case .invalidRow, .invalidDestination: .internal
        }
    }

    public var description: String {
        switch self {
        case .invalidCells(let cells):
            "a grid of \(cells) cells is impossible: every axis needs at least one cell, and a rank's box fewer than 2^31"
        case .invalidHaloWidth(let width):
            "a halo of \(width) cells is impossible: its width is 1, 2 or 3"
        case .tooManyParts(let parts, let ranks):
            "a decomposition into \(parts.x)x\(parts.y)x\(parts.z) (x, y, z) parts needs more ranks than there are, \(ranks)"
        case .partTooThin(let axis, let cells, let parts, let haloWidth):
            "\(cells) cells along \(axis) cannot be cut into \(parts) parts: one would be thinner than the halo of \(haloWidth)"
        case .invalidText(let text, let expected):
            "'\(text)' is not \(expected)"
        case .invalidRow(let row, let cell, let ownedCells):
            "row \(row) lies in local cell \(cell): rows must be in order of cells 0 to \(ownedCells - 1)"
        case .crowdedCell(let rows):
            "a cell holds \(rows) rows where at most one is allowed"
        case .invalidDestination(let row, let rank, let ranks):
            "row \(row) is bound for rank \(rank) of \(ranks)"
        }
    }
}
