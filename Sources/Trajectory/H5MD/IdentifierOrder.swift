import Diagnostics
import MPI

/// Atoms of adjacent rows of a file: a view into an `IdentifierOrder`, to be used in loops, where a property of a class
/// would be checked at each access.
struct OrderedAtoms {
    fileprivate let words: UnsafePointer<Int64>
    fileprivate let wordsOfAtom: Int
    fileprivate let index: UnsafePointer<Int32>
    let count: Int

    /// The words of the atom of a row.
    @inline(__always)
    subscript(row: Int) -> UnsafePointer<Int64> { words + Int(index[row]) * wordsOfAtom }
}

/// Brings atoms that lie on the ranks in any order into ascending order of ids over the ranks.
///
/// The range of ids that occur is cut into one block for each writer, which are some of the ranks or all of them; writers
/// get the atoms of their blocks in order, in order of ranks. So the rows of a file that a rank writes are adjacent, and no
/// rank needs to know all ids. Memory is kept between calls: with numbers of atoms that stay the same nothing is allocated.
final class IdentifierOrder {
    /// What atoms carry besides id, species and position.
    struct Payload: Equatable {
        var hasVelocities: Bool
        var hasImages: Bool
        var scalarCount: Int

        /// 64-bit words of an atom: id, species and images (2 words), position, velocity, scalars.
        var words: Int { 6 + (hasVelocities ? 3 : 0) + scalarCount }
        var velocityWord: Int { 6 }
        var scalarWord: Int { hasVelocities ? 9 : 6 }
    }

    let payload: Payload
    private let communicator: Communicator?
    private let path: String
    /// How many ranks get atoms, spread evenly over all.
    private let writers: Int
    /// The rank of each writer. [writers]
    private let rankOfWriter = GrowingBuffer<Int32>()
    /// Rows of the file that this rank has after `order`.
    private(set) var firstRow = 0
    private(set) var rowCount = 0

    private let outgoing = GrowingBuffer<Int64>()
    private let incoming = GrowingBuffer<Int64>()
    private let destination = GrowingBuffer<Int32>()
    /// Atom of each id of this rank's block, or the atoms in ascending order.
    private let slots = GrowingBuffer<Int32>()
    private var counts: [Int]
    private var cursor: [Int]
    private var sent: Partition
    private var received: Partition
    /// The incoming atom of each row.
    private let rows = GrowingBuffer<Int32>()

    init(payload: Payload, communicator: Communicator?, path: String, writers: Int = .max) {
        self.payload = payload
        self.communicator = communicator
        self.path = path
        let size = communicator?.size ?? 1
        self.writers = max(1, min(size, writers))
        let ranks = rankOfWriter.reserve(self.writers)
        for writer in 0..<self.writers { ranks[writer] = Int32(writer * size / self.writers) }
        counts = [Int](repeating: 0, count: 2 * size)
        cursor = [Int](repeating: 0, count: size)
        sent = Partition(parts: size)
        received = Partition(parts: size)
    }

    /// The block of ids that this rank gets; any for a rank that gets none.
    private var block: Int {
        guard let communicator else { return 0 }
        return min(writers - 1, (communicator.rank * writers + communicator.size - 1) / communicator.size)
    }

    /// How often memory was allocated so far.
    var allocations: Int {
        outgoing.allocations + incoming.allocations + destination.allocations + slots.allocations + rows.allocations
    }

    /// Redistributes and orders the atoms; then `firstRow`, `rowCount` and `word` describe this rank's. Collective.
    /// - Throws: `TrajectoryError` (65) if the ranks do not have `total` atoms together, or an id is negative, too
    ///   large or comes twice.
    func order(_ atoms: LocalAtoms, total: Int, largestID: Int64) throws {
        var lowest = Int64.max, highest = Int64.min
        for index in 0..<atoms.count {
            guard let id = atoms.ids?[index] else { break }
            lowest = min(lowest, id)
            highest = max(highest, id)
        }
        var sum = atoms.count
        if let communicator {
            // The minimum as a maximum, so that one reduction finds both; ~ is exact for every id.
            var bounds = SIMD2(~lowest, highest)
            try withUnsafeMutableBytes(of: &bounds) {
                try communicator.allReduce($0.bindMemory(to: Int64.self), .maximum)
            }
            (lowest, highest) = (~bounds.x, bounds.y)
            sum = try communicator.allReduce(sum, .sum)
        }
        guard sum == total else { throw failure("the frame has \(sum) atoms, the trajectory \(total)") }
        guard lowest >= 0 else { throw failure("the id \(lowest) is negative") }
        guard highest <= largestID else { throw failure("the id \(highest) is larger than \(largestID)") }
        // No overflow: ids lie in 0...Int64.max.
        let block = (highest - lowest) / Int64(writers) + 1

        let words = payload.words
        let data: UnsafePointer<Int64>
        if let communicator, communicator.size > 1 {
            data = try exchange(atoms, lowest: lowest, block: block, communicator)
        } else {
            let packed = outgoing.reserve(atoms.count * words)
            pack(atoms) { packed + $0 * words }
            rowCount = atoms.count
            data = UnsafePointer(packed)
        }
        var twice: Int64?
        // The last block may reach beyond the largest id; its size does not matter there.
        sortRows(data, low: lowest + min(Int64(self.block), (highest - lowest) / block) * block, block: block, duplicate: &twice)
        if let communicator {
            try communicator.agree { if let twice { throw failure("two atoms have the id \(twice)") } }
            firstRow = try communicator.exclusiveScan(rowCount, .sum) ?? 0
        } else {
            if let twice { throw failure("two atoms have the id \(twice)") }
            firstRow = 0
        }
        current = data
    }

    /// Atoms as they came in; valid until the next `order`.
    private var current: UnsafePointer<Int64>?

    /// This rank's atoms by rows; valid until the next `order`.
    var atoms: OrderedAtoms {
        guard let current else { preconditionFailure("atoms are used before they are ordered") }
        return OrderedAtoms(words: current, wordsOfAtom: payload.words, index: UnsafePointer(rows.pointer), count: rowCount)
    }

    // MARK: Exchange

    private func exchange(_ atoms: LocalAtoms, lowest: Int64, block: Int64,
                          _ communicator: Communicator) throws -> UnsafePointer<Int64> {
        let words = payload.words, size = communicator.size
        let target = destination.reserve(atoms.count), ranks = rankOfWriter.pointer
        // Local views: a class's arrays are checked at every access.
        try counts.withUnsafeMutableBufferPointer { counts in
            for rank in 0..<size { counts[rank] = 0 }
            if let ids = atoms.ids {
                for index in 0..<atoms.count {
                    let rank = ranks[Int((ids[index] - lowest) / block)]
                    target[index] = rank
                    counts[Int(rank)] += words
                }
            }
            try communicator.allToAll(UnsafeBufferPointer(rebasing: counts[0..<size]),
                                      into: UnsafeMutableBufferPointer(rebasing: counts[size...]))
        }
        // A partition that MPI cannot count must fail on all ranks.
        try communicator.agree {
            try sent.set { counts[$0] }
            try received.set { counts[size + $0] }
        }
        let packed = outgoing.reserve(atoms.count * words)
        cursor.withUnsafeMutableBufferPointer { cursor in
            for rank in 0..<size { cursor[rank] = Int(sent.offsets[rank]) }
            pack(atoms) { index in
                let rank = Int(target[index])
                defer { cursor[rank] += words }
                return packed + cursor[rank]
            }
        }
        let arrived = incoming.reserve(received.total)
        try communicator.allToAllV(outgoing.view(sent.total), partition: sent,
                                   into: UnsafeMutableBufferPointer(start: arrived, count: received.total),
                                   resultPartition: received)
        rowCount = received.total / words
        return UnsafePointer(arrived)
    }

    /// Writes the words of each atom to where `place` says.
    @inline(__always)
    private func pack(_ atoms: LocalAtoms, to place: (Int) -> UnsafeMutablePointer<Int64>) {
        if atoms.count == 0 { return }
        guard let ids = atoms.ids, let species = atoms.species, let positions = atoms.positions else {
            preconditionFailure("atoms without ids, species or positions")
        }
        let payload = payload
        let velocities = payload.hasVelocities ? atoms.velocities : nil, images = payload.hasImages ? atoms.images : nil
        for index in 0..<atoms.count {
            let word = place(index)
            word[0] = ids[index]
            var second = Int64(UInt32(bitPattern: species[index]))
            var third: Int64 = 0
            if let images {
                second |= Int64(images[3 * index]) << 32
                third = Int64(UInt32(bitPattern: images[3 * index + 1])) | Int64(images[3 * index + 2]) << 32
            }
            word[1] = second
            word[2] = third
            for axis in 0..<3 { word[3 + axis] = Int64(bitPattern: positions[3 * index + axis].bitPattern) }
            if let velocities {
                for axis in 0..<3 { word[6 + axis] = Int64(bitPattern: velocities[3 * index + axis].bitPattern) }
            }
            for scalar in 0..<payload.scalarCount {
                word[payload.scalarWord + scalar] = Int64(bitPattern: atoms.scalars[scalar][index].bitPattern)
            }
        }
    }

    // MARK: Order

    /// Fills `rows`. Where ids fill at least a quarter of their range, by a table of the range; else by sorting.
    private func sortRows(_ data: UnsafePointer<Int64>, low: Int64, block: Int64, duplicate: inout Int64?) {
        let words = payload.words
        let order = rows.reserve(rowCount)
        if rowCount == 0 { return }
        if block <= Int64(4 * rowCount + 64) {
            let table = slots.reserve(Int(block))
            for slot in 0..<Int(block) { table[slot] = -1 }
            for index in 0..<rowCount {
                let slot = Int(data[index * words] - low)
                if table[slot] >= 0 {
                    duplicate = data[index * words]
                    return
                }
                table[slot] = Int32(index)
            }
            var row = 0
            for slot in 0..<Int(block) where table[slot] >= 0 {
                order[row] = table[slot]
                row += 1
            }
        } else {
            for index in 0..<rowCount { order[index] = Int32(index) }
            var indices = UnsafeMutableBufferPointer(start: order, count: rowCount)
            indices.sort { data[Int($0) * words] < data[Int($1) * words] }
            for row in 1..<max(rowCount, 1) where data[Int(order[row]) * words] == data[Int(order[row - 1]) * words] {
                duplicate = data[Int(order[row]) * words]
            }
        }
    }

    private func failure(_ message: String) -> TrajectoryError {
        TrajectoryError(file: path, message: message)
    }
}
