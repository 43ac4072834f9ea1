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
    /// Fills ghost rows; nil where there are none. Set before a program is made.
    public var exchange: (any RowExchange)?

    private var outputRows = Buffer<Int32>(repeating: 0, count: 0)
    private var inputRows = Buffer<Int32>(repeating: 0, count: 0)
    private var inverse = Buffer<Int32>(repeating: 0, count: 0)
    /// The first pair of each offset.
    private var starts: [Int]
    /// For each offset: the first pair of each granule of output rows.
    private var granuleStarts = Buffer<Int32>(repeating: 0, count: 0)
    private var granules = 0
    private static let granuleRows = 16
    /// The same neighbors row by row: of each row the first, then the row and the offset of each.
    private var rowStarts = Buffer<Int32>(repeating: 0, count: 0)
    private var rowNeighbors = Buffer<Int32>(repeating: 0, count: 0)
    private var rowOffsets = Buffer<Int32>(repeating: 0, count: 0)
    /// For each row the end of its run: consecutive rows with neighbors at the same offsets.
    private var runEnds = Buffer<Int32>(repeating: 0, count: 0)
    /// Whether runs are long enough to be computed row by row: as crystals have them, in which layers of rows are alike.
    private(set) var hasRuns = false

    public init(over domain: RowDomain, offsets: Int, form: ConvolutionForm = .gather) {
        self.domain = domain
        self.offsets = offsets
        self.form = form
        starts = Array(repeating: 0, count: offsets + 1)
    }

    /// Takes a new pattern; sets the domain's row count.
    ///
    /// - Parameters:
    ///   - neighbors: [owned rows, K], the row at each offset from each owned row, -1 where the cell is empty.
    ///   - ownedRows: the rows of this rank.
    ///   - borderRows: the first of these, which may have ghosts among their neighbors and other ranks as readers.
    ///   - ghostRows: the rows behind them; owned and ghost rows fit the domain's capacity.
    public func rebuild(neighbors: UnsafePointer<Int32>, ownedRows: Int, borderRows: Int = 0, ghostRows: Int) {
        precondition(ownedRows + ghostRows <= domain.capacity, "rows exceed the domain's capacity")
        precondition(borderRows <= ownedRows, "more rows at the border than rows")
        domain.count = ownedRows
        domain.borderCount = borderRows
        if outputRows.count < ownedRows * offsets {
            outputRows = Buffer(repeating: 0, count: domain.capacity * offsets)
            inputRows = Buffer(repeating: 0, count: domain.capacity * offsets)
        }
        if inverse.count < domain.capacity { inverse = Buffer(repeating: 0, count: domain.capacity) }
        granules = (ownedRows + NeighborTopology.granuleRows - 1) / NeighborTopology.granuleRows
        if granuleStarts.count < offsets * (granules + 1) {
            let most = domain.capacity / NeighborTopology.granuleRows + 2
            granuleStarts = Buffer(repeating: 0, count: offsets * most)
        }
        for entry in (borderRows * offsets)..<(ownedRows * offsets) {
            precondition(Int(neighbors[entry]) < ownedRows, "row \(entry / offsets) depends on a ghost")
        }
        var next = 0
        for k in 0..<offsets {
            starts[k] = next
            appendPairs(neighbors, k, ownedRows, ghostRows, &next)
            if form == .gather { noteGranules(k, starts[k]..<next) }
        }
        starts[offsets] = next
        if form == .gather { findRuns(neighbors, ownedRows) }
    }

    private func findRuns(_ neighbors: UnsafePointer<Int32>, _ ownedRows: Int) {
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
        func close(at row: Int) {
            guard row > first else { return }
            runs += 1
            (ends + first).update(repeating: Int32(truncatingIfNeeded: row), count: row - first)
            first = row
        }
        for row in 0..<ownedRows {
            starts[row] = Int32(truncatingIfNeeded: next)
            for k in 0..<offsets where neighbors[row * offsets + k] >= 0 {
                rowNeighbors.pointer[next] = neighbors[row * offsets + k]
                offsetsOfRows[next] = Int32(truncatingIfNeeded: k)
                next += 1
            }
            if row > 0 {
                let (begin, before) = (Int(starts[row]), Int(starts[row - 1]))
                let count = next - begin
                let isSame = count == begin - before
                    && (0..<count).allSatisfy { offsetsOfRows[begin + $0] == offsetsOfRows[before + $0] }
                if !isSame { close(at: row) }
            }
        }
        close(at: ownedRows)
        starts[ownedRows] = Int32(truncatingIfNeeded: next)
        hasRuns = ownedRows >= 8 * runs
    }

    /// Calls `body` with each run within a range of rows and its neighbors; of the gather form.
    @inline(__always)
    func forEachRun(_ rows: Range<Int>, _ body: (Range<Int>, RowLinks) -> Void) {
        var row = rows.lowerBound
        while row < rows.upperBound {
            let run = row..<min(Int(runEnds.pointer[row]), rows.upperBound)
            let start = Int(rowStarts.pointer[row])
            body(
                run,
                RowLinks(
                    inputRows: rowNeighbors.pointer + start, slabs: rowOffsets.pointer + start,
                    count: Int(rowStarts.pointer[row + 1]) - start))
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
        _ neighbors: UnsafePointer<Int32>, _ k: Int, _ ownedRows: Int, _ ghostRows: Int, _ next: inout Int
    ) {
        func append(_ output: Int, _ input: Int) {
            outputRows.pointer[next] = Int32(truncatingIfNeeded: output)
            inputRows.pointer[next] = Int32(truncatingIfNeeded: input)
            next += 1
        }
        switch form {
        case .gather:
            for row in 0..<ownedRows where neighbors[row * offsets + k] >= 0 {
                append(row, Int(neighbors[row * offsets + k]))
            }
        case .scatter:
            // Each row is the neighbor of at most one other at one offset.
            inverse.pointer.update(repeating: -1, count: ownedRows + ghostRows)
            for row in 0..<ownedRows where neighbors[row * offsets + k] >= 0 {
                inverse.pointer[Int(neighbors[row * offsets + k])] = Int32(truncatingIfNeeded: row)
            }
            for source in 0..<(ownedRows + ghostRows) where inverse.pointer[source] >= 0 {
                append(Int(inverse.pointer[source]), source)
            }
        }
    }

    /// The number of pairs of neighboring rows, over all offsets.
    public var pairCount: Int { starts[offsets] }

    /// The pairs at one offset.
    func pairs(_ k: Int) -> RowPairs { pairs(starts[k]..<starts[k + 1]) }

    /// The pairs at one offset whose output rows lie in a range; of the gather form.
    func pairs(_ k: Int, rows: Range<Int>) -> RowPairs { pairs(pair(k, rows.lowerBound)..<pair(k, rows.upperBound)) }

    /// The first pair at an offset whose output row is not before `row`.
    private func pair(_ k: Int, _ row: Int) -> Int {
        let granule = min(row / NeighborTopology.granuleRows, granules)
        var pair = Int(granuleStarts.pointer[k * (granules + 1) + granule])
        while pair < starts[k + 1] && Int(outputRows.pointer[pair]) < row { pair += 1 }
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
