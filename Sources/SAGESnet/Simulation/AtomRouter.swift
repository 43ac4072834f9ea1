import Grid
import MPI

/// A new position or velocity for the atom of an id, as it travels between ranks.
struct AtomUpdate: BitwiseCopyable {
    var id: Int64
    var x, y, z: Double
}

/// Finds atoms by their ids, whichever ranks hold them.
///
/// Every id has a home, the rank `id mod ranks`. Owners tell the homes which ids they hold; who has news of an atom
/// sends it home, and the home sends it to the owner. No rank needs to know all ids.
final class AtomRouter {
    private let communicator: Communicator
    private let sightings: RowMigration
    private let updates: RowMigration

    /// An id and the rank that holds its atom.
    private struct Sighting: BitwiseCopyable {
        var id: Int64
        var owner: Int64
    }

    /// Collective.
    init(communicator: Communicator) throws {
        self.communicator = communicator
        sightings = try RowMigration(
            communicator: communicator, bytesPerRecord: MemoryLayout<Sighting>.stride, capacity: 0)
        updates = try RowMigration(
            communicator: communicator, bytesPerRecord: MemoryLayout<AtomUpdate>.stride, capacity: 0)
    }

    /// Throws on every rank unless the ids that the ranks hold are all different and none is negative. Collective.
    func requireUnique(_ ids: [Int64], source: String) throws {
        try communicator.agree {
            if let negative = ids.first(where: { $0 < 0 }) {
                throw SAGESnetError.unsuitableData(file: source, reason: "the id \(negative) is negative")
            }
        }
        let known = try meetAtHome(ids)
        try communicator.agree {
            for (sighting, next) in zip(known, known.dropFirst()) where sighting.id == next.id {
                throw SAGESnetError.unsuitableData(file: source, reason: "two atoms have the id \(next.id)")
            }
        }
    }

    /// Brings updates to the ranks that hold the atoms.
    ///
    /// - Parameters:
    ///   - news: of atoms on any rank, none with a negative id.
    ///   - ids: of the atoms that this rank holds.
    /// - Returns: the updates of this rank's atoms.
    /// - Throws: on every rank, `SAGESnetError.badRequest` for an id that is named twice, or that no atom has. Collective.
    func route(_ news: [AtomUpdate], toOwnersOf ids: [Int64]) throws -> [AtomUpdate] {
        let known = try meetAtHome(ids)
        let arrived = try send(news, through: updates) { home($0.id) }.sorted { $0.id < $1.id }
        let owners = try communicator.agree {
            var place = 0
            var previous: Int64 = -1
            return try arrived.map { update in
                guard update.id != previous else {
                    throw SAGESnetError.badRequest("atom \(update.id) is named twice")
                }
                previous = update.id
                while place < known.count, known[place].id < update.id { place += 1 }
                guard place < known.count, known[place].id == update.id else {
                    throw SAGESnetError.badRequest("there is no atom \(update.id)")
                }
                return Int32(truncatingIfNeeded: known[place].owner)
            }
        }
        return try send(arrived, through: updates, to: owners)
    }

    private func home(_ id: Int64) -> Int32 { Int32(truncatingIfNeeded: id % Int64(communicator.size)) }

    /// The sightings of the ids whose home is this rank, ascending.
    private func meetAtHome(_ ids: [Int64]) throws -> [Sighting] {
        let own = ids.map { Sighting(id: $0, owner: Int64(communicator.rank)) }
        return try send(own, through: sightings) { home($0.id) }.sorted { $0.id < $1.id }
    }

    private func send<Record: BitwiseCopyable>(
        _ records: [Record], through migration: RowMigration, to rank: (Record) -> Int32
    ) throws -> [Record] {
        try send(records, through: migration, to: records.map(rank))
    }

    private func send<Record: BitwiseCopyable>(
        _ records: [Record], through migration: RowMigration, to ranks: [Int32]
    ) throws -> [Record] {
        try records.withUnsafeBytes { bytes in
            try ranks.withUnsafeBufferPointer { try migration.migrate(records: bytes, destinations: $0) }
        }
        let count = migration.receivedCount
        return [Record](unsafeUninitializedCapacity: count) { buffer, initialized in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(from: migration.received)
            initialized = count
        }
    }
}
