import Kernels
import Tensor

/// Fills rows that belong to other ranks (ghost rows), in two steps so that work can go on between them.
public protocol RowExchange: AnyObject {
    /// Begins to fill the ghost rows of `rows`, [owned + ghost rows, channels], from their owners. Collective.
    func start<Scalar: KernelScalar>(rows: UnsafeMutablePointer<Scalar>, channels: Int) throws
    /// Ends it: the ghost rows hold their owners' values. Collective.
    func finish<Scalar: KernelScalar>(rows: UnsafeMutablePointer<Scalar>, channels: Int) throws
}

/// In which order the pairs of a convolution are visited; the sums, and their bits, are the same.
public enum ConvolutionForm: String, Hashable, Sendable, CaseIterable {
    /// Each cell collects from its neighbors.
    case gather
    /// Each cell, virtual ones too, sends its effect to its neighbors (as SAGESnet's paper describes it).
    case scatter
}

/// Which rows are neighbors at each offset of a convolution kernel: the pattern of occupied cells.
///
/// Rows 0..<owned are this rank's cells, the rows behind them ghosts. The pattern may change between runs of a
/// program; memory grows when it must and is kept.
public final class NeighborTopology {
    public let domain: RowDomain
    /// The number K of offsets, listed so that K-1-k is the opposite of k (3x3x3: z, y, x from -1 to 1, K = 27).
    public let offsets: Int
    public let form: ConvolutionForm
    /// Fills ghost rows; nil where there are none.
    public var exchange: (any RowExchange)?

    private var outputRows = Buffer<Int32>(repeating: 0, count: 0)
    private var inputRows = Buffer<Int32>(repeating: 0, count: 0)
    private var inverse = Buffer<Int32>(repeating: 0, count: 0)
    /// The first pair of each offset, and the first of those that touch ghosts.
    private var starts: [Int]
    private var splits: [Int]
    /// For each offset, first its interior then its boundary pairs: the first pair of each granule of output rows.
    private var granuleStarts = Buffer<Int32>(repeating: 0, count: 0)
    private var granules = 0
    private static let granuleRows = 16
    /// The same neighbors row by row: of each row the first, then the row and the offset of each.
    private var rowStarts = Buffer<Int32>(repeating: 0, count: 0)
    private var rowNeighbors = Buffer<Int32>(repeating: 0, count: 0)
    private var rowOffsets = Buffer<Int32>(repeating: 0, count: 0)
    /// For each row the end of its run: consecutive rows with neighbors at the same offsets, of one kind; negative for
    /// those that need ghost rows.
    private var runEnds = Buffer<Int32>(repeating: 0, count: 0)
    /// Whether runs are long enough to be computed row by row: as crystals have them, in which layers of rows are alike.
    private(set) var hasRuns = false

    public init(over domain: RowDomain, offsets: Int, form: ConvolutionForm = .gather) {
        self.domain = domain
        self.offsets = offsets
        self.form = form
        starts = Array(repeating: 0, count: offsets + 1)
        splits = Array(repeating: 0, count: offsets)
    }

    /// Takes a new pattern; sets the domain's row count.
    ///
    /// - Parameters:
    ///   - neighbors: [owned rows, K], the row at each offset from each owned row, -1 where the cell is empty.
    ///   - ownedRows: the rows of this rank.
    ///   - ghostRows: the rows behind them; owned and ghost rows fit the domain's capacity.
    public func rebuild(neighbors: UnsafePointer<Int32>, ownedRows: Int, ghostRows: Int) {
        precondition(ownedRows + ghostRows <= domain.capacity, "rows exceed the domain's capacity")
        domain.count = ownedRows
        if outputRows.count < ownedRows * offsets {
            outputRows = Buffer(repeating: 0, count: domain.capacity * offsets)
            inputRows = Buffer(repeating: 0, count: domain.capacity * offsets)
        }
        if inverse.count < domain.capacity { inverse = Buffer(repeating: 0, count: domain.capacity) }
        granules = (ownedRows + NeighborTopology.granuleRows - 1) / NeighborTopology.granuleRows
        if granuleStarts.count < 2 * offsets * (granules + 1) {
            let most = domain.capacity / NeighborTopology.granuleRows + 2
            granuleStarts = Buffer(repeating: 0, count: 2 * offsets * most)
        }
        // Without ghosts all rows are interior.
        let isBoundary = { (row: Int) -> Bool in
            if ghostRows == 0 { return false }
            for k in 0..<self.offsets where Int(neighbors[row * self.offsets + k]) >= ownedRows { return true }
            return false
        }
        var next = 0
        for k in 0..<offsets {
            starts[k] = next
            appendPairs(neighbors, k, ownedRows, ghostRows, &next) { ghostRows == 0 || !isBoundary($0) }
            splits[k] = next
            if ghostRows > 0 { appendPairs(neighbors, k, ownedRows, ghostRows, &next, where: isBoundary) }
            if form == .gather {
                noteGranules(2 * k, starts[k]..<splits[k])
                noteGranules(2 * k + 1, splits[k]..<next)
            }
        }
        starts[offsets] = next
        if form == .gather { findRuns(neighbors, ownedRows, isBoundary) }
    }

    private func findRuns(_ neighbors: UnsafePointer<Int32>, _ ownedRows: Int, _ isBoundary: (Int) -> Bool) {
        if rowNeighbors.count < ownedRows * offsets {
            rowNeighbors = Buffer(repeating: 0, count: domain.capacity * offsets)
            rowOffsets = Buffer(repeating: 0, count: domain.capacity * offsets)
        }
        if rowStarts.count < ownedRows + 1 {
            rowStarts = Buffer(repeating: 0, count: domain.capacity + 1)
            runEnds = Buffer(repeating: 0, count: domain.capacity + 1)
        }
        let (starts, ends, offsetsOfRows) = (rowStarts.pointer, runEnds.pointer, rowOffsets.pointer)
        var next = 0, runs = 0, first = 0
        var wasBoundary = false
        func close(at row: Int) {
            guard row > first else { return }
            runs += 1
            (ends + first).update(repeating: Int32(truncatingIfNeeded: wasBoundary ? -row : row), count: row - first)
            first = row
        }
        for row in 0..<ownedRows {
            starts[row] = Int32(truncatingIfNeeded: next)
            for k in 0..<offsets where neighbors[row * offsets + k] >= 0 {
                rowNeighbors.pointer[next] = neighbors[row * offsets + k]
                offsetsOfRows[next] = Int32(truncatingIfNeeded: k)
                next += 1
            }
            let isBoundary = isBoundary(row)
            if row > 0 {
                let (begin, before) = (Int(starts[row]), Int(starts[row - 1]))
                let count = next - begin
                let isSame = isBoundary == wasBoundary && count == begin - before
                    && (0..<count).allSatisfy { offsetsOfRows[begin + $0] == offsetsOfRows[before + $0] }
                if !isSame { close(at: row) }
            }
            wasBoundary = isBoundary
        }
        close(at: ownedRows)
        starts[ownedRows] = Int32(truncatingIfNeeded: next)
        hasRuns = ownedRows >= 8 * runs
    }

    /// Calls `body` with each run within a range of rows, of the given part, and its neighbors; of the gather form.
    @inline(__always)
    func forEachRun(_ rows: Range<Int>, _ part: Part, _ body: (Range<Int>, RowLinks) -> Void) {
        var row = rows.lowerBound
        while row < rows.upperBound {
            let end = runEnds.pointer[row]
            let run = row..<min(Int(abs(end)), rows.upperBound)
            if part == .all || (part == .boundary) == (end < 0) {
                let start = Int(rowStarts.pointer[row])
                body(
                    run,
                    RowLinks(
                        inputRows: rowNeighbors.pointer + start, slabs: rowOffsets.pointer + start,
                        count: Int(rowStarts.pointer[row + 1]) - start))
            }
            row = run.upperBound
        }
    }

    /// Finds the granules of output rows in a list of pairs in the order of output rows.
    private func noteGranules(_ list: Int, _ range: Range<Int>) {
        let target = granuleStarts.pointer + list * (granules + 1)
        var pair = range.lowerBound
        for granule in 0...granules {
            while pair < range.upperBound && Int(outputRows.pointer[pair]) < granule * NeighborTopology.granuleRows {
                pair += 1
            }
            target[granule] = Int32(truncatingIfNeeded: pair)
        }
    }

    private func appendPairs(
        _ neighbors: UnsafePointer<Int32>, _ k: Int, _ ownedRows: Int, _ ghostRows: Int, _ next: inout Int,
        where included: (Int) -> Bool
    ) {
        func append(_ output: Int, _ input: Int) {
            outputRows.pointer[next] = Int32(truncatingIfNeeded: output)
            inputRows.pointer[next] = Int32(truncatingIfNeeded: input)
            next += 1
        }
        switch form {
        case .gather:
            for row in 0..<ownedRows where neighbors[row * offsets + k] >= 0 && included(row) {
                append(row, Int(neighbors[row * offsets + k]))
            }
        case .scatter:
            // Each row is the neighbor of at most one other at one offset.
            inverse.pointer.update(repeating: -1, count: ownedRows + ghostRows)
            for row in 0..<ownedRows where neighbors[row * offsets + k] >= 0 && included(row) {
                inverse.pointer[Int(neighbors[row * offsets + k])] = Int32(truncatingIfNeeded: row)
            }
            for source in 0..<(ownedRows + ghostRows) where inverse.pointer[source] >= 0 {
                append(Int(inverse.pointer[source]), source)
            }
        }
    }

    /// The number of pairs of neighboring rows, over all offsets.
    public var pairCount: Int { starts[offsets] }

    enum Part { case interior, boundary, all }

    /// The pairs at one offset: those that need no ghost row, the others, or both.
    func pairs(_ k: Int, _ part: Part) -> RowPairs {
        let range: Range<Int> =
            switch part {
            case .interior: starts[k]..<splits[k]
            case .boundary: splits[k]..<starts[k + 1]
            case .all: starts[k]..<starts[k + 1]
            }
        return pairs(range)
    }

    /// The pairs at one offset whose output rows lie in a range; of the gather form.
    func pairs(_ k: Int, _ part: Part, rows: Range<Int>) -> RowPairs {
        switch part {
        case .interior: pairs(pair(2 * k, rows.lowerBound, splits[k])..<pair(2 * k, rows.upperBound, splits[k]))
        case .boundary:
            pairs(pair(2 * k + 1, rows.lowerBound, starts[k + 1])..<pair(2 * k + 1, rows.upperBound, starts[k + 1]))
        case .all:
            // Without ghosts, the only case, all pairs are interior.
            pairs(pair(2 * k, rows.lowerBound, splits[k])..<pair(2 * k, rows.upperBound, splits[k]))
        }
    }

    /// The first pair of a list, which ends at `end`, whose output row is not before `row`.
    private func pair(_ list: Int, _ row: Int, _ end: Int) -> Int {
        let granule = min(row / NeighborTopology.granuleRows, granules)
        var pair = Int(granuleStarts.pointer[list * (granules + 1) + granule])
        while pair < end && Int(outputRows.pointer[pair]) < row { pair += 1 }
        return pair
    }

    private func pairs(_ range: Range<Int>) -> RowPairs {
        RowPairs(
            outputRows: outputRows.pointer + range.lowerBound, inputRows: inputRows.pointer + range.lowerBound,
            count: range.count)
    }
}

extension NeighborTopology: Hashable {
    public static func == (left: NeighborTopology, right: NeighborTopology) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
