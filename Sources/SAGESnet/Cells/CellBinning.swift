import Grid
import Tensor

/// The atoms of a box of cells in the order of their cells: which atom is in which slot of which row.
///
/// Rows are ascending in the order of cells, z, y, x with x fastest, or first some of them and then the others; the order
/// of a cell's atoms does not depend on how they are numbered or distributed. Memory is kept from one binning to the next.
public final class CellBinning {
    /// What a row is.
    public enum Rows: Sendable {
        /// A cell that holds atoms, in its slots.
        case occupiedCells
        /// Any cell, with its slots.
        case cells
        /// An atom, with one slot; a cell may hold any number.
        case atoms
    }

    public let rows: Rows
    public let slots: Int
    /// Rows in use, and atoms.
    public private(set) var rowCount = 0
    public private(set) var atomCount = 0
    /// The local cell of each row. [rows]
    public private(set) var cellOfRow = Buffer<Int32>(repeating: 0, count: 0)
    /// The atom in each slot of each row, -1 for none. [rows, slots]
    public private(set) var atomOfSlot = Buffer<Int32>(repeating: 0, count: 0)
    private var order = Buffer<Int32>(repeating: 0, count: 0)
    private var starts = Buffer<Int32>(repeating: 0, count: 0)

    public init(_ rows: Rows, slots: Int) {
        precondition(slots > 0 && (rows != .atoms || slots == 1), "a cell has at least one slot, an atom one")
        self.rows = rows
        self.slots = slots
    }

    /// A cell that holds more atoms than there are slots.
    public struct Crowded: Error {
        public let cell: Int
        public let atoms: Int
    }

    /// Sorts atoms into cells.
    ///
    /// - Parameters:
    ///   - cells: the local cell of each atom. [atoms]
    ///   - cellCount: the number of local cells.
    ///   - comesFirst: whether a cell's rows come before those of cells of which it says no; nil if all are alike.
    ///   - precedes: whether atom a comes before atom b of the same cell.
    /// - Throws: `Crowded` for the first cell that holds too many atoms.
    public func bin(
        cells: UnsafePointer<Int32>, atoms: Int, cellCount: Int, comesFirst: ((Int) -> Bool)? = nil,
        precedes: (Int, Int) -> Bool
    ) throws {
        let rowLimit = switch rows {
        case .occupiedCells: min(atoms, cellCount)
        case .cells: cellCount
        case .atoms: atoms
        }
        reserve(atoms: atoms, cellCount: cellCount, rows: rowLimit)
        let start = starts.pointer
        start.update(repeating: 0, count: cellCount + 1)
        for atom in 0..<atoms { start[Int(cells[atom]) + 1] += 1 }
        for cell in 0..<cellCount where rows != .atoms && Int(start[cell + 1]) > slots {
            throw Crowded(cell: cell, atoms: Int(start[cell + 1]))
        }
        for cell in 0..<cellCount { start[cell + 1] += start[cell] }
        // Filling moves each start to the end of its cell, which is the start of the next.
        for atom in 0..<atoms {
            let cell = Int(cells[atom])
            order.pointer[Int(start[cell])] = Int32(truncatingIfNeeded: atom)
            start[cell] += 1
        }
        rowCount = 0
        atomCount = atoms
        guard let comesFirst else { return appendRows(cellCount, precedes) { _ in true } }
        appendRows(cellCount, precedes, where: comesFirst)
        appendRows(cellCount, precedes) { !comesFirst($0) }
    }

    private func appendRows(
        _ cellCount: Int, _ precedes: (Int, Int) -> Bool, where included: (Int) -> Bool
    ) {
        var first = 0
        for cell in 0..<cellCount {
            let end = Int(starts.pointer[cell])
            defer { first = end }
            guard end > first || rows == .cells, included(cell) else { continue }
            sortSlots(first..<end, precedes)
            if rows == .atoms {
                for place in first..<end {
                    cellOfRow.pointer[rowCount] = Int32(truncatingIfNeeded: cell)
                    atomOfSlot.pointer[rowCount] = order.pointer[place]
                    rowCount += 1
                }
                continue
            }
            cellOfRow.pointer[rowCount] = Int32(truncatingIfNeeded: cell)
            let target = atomOfSlot.pointer + rowCount * slots
            for slot in 0..<slots { target[slot] = first + slot < end ? order.pointer[first + slot] : -1 }
            rowCount += 1
        }
    }

    /// Whether atom a comes before atom b of its cell by their offsets [atoms, x y z]: by z, then y, then x; nil if they
    /// are equal.
    @inline(__always)
    static func precedes(_ a: Int, _ b: Int, offsets: UnsafePointer<Double>) -> Bool? {
        let (one, other) = (offsets + 3 * a, offsets + 3 * b)
        if one[2] != other[2] { return one[2] < other[2] }
        if one[1] != other[1] { return one[1] < other[1] }
        if one[0] != other[0] { return one[0] < other[0] }
        return nil
    }

    /// Insertion sort: cells hold few atoms.
    private func sortSlots(_ range: Range<Int>, _ precedes: (Int, Int) -> Bool) {
        guard range.count > 1 else { return }
        for index in range.dropFirst() {
            let atom = order.pointer[index]
            var place = index
            while place > range.lowerBound, precedes(Int(atom), Int(order.pointer[place - 1])) {
                order.pointer[place] = order.pointer[place - 1]
                place -= 1
            }
            order.pointer[place] = atom
        }
    }

    private func reserve(atoms: Int, cellCount: Int, rows: Int) {
        if order.count < atoms { order = Buffer(repeating: 0, count: atoms + atoms / 4) }
        if starts.count < cellCount + 1 { starts = Buffer(repeating: 0, count: cellCount + 1) }
        if cellOfRow.count < rows {
            cellOfRow = Buffer(repeating: 0, count: rows + rows / 4)
            atomOfSlot = Buffer(repeating: 0, count: (rows + rows / 4) * slots)
        }
    }
}
