/// Reads an H5MD file frame by frame, atoms ordered by ids and wrapped into the box.
final class H5MDFrameSource: FrameSource {
    let path: String
    let species: SpeciesTable
    private let reader: H5MDReader
    private var next = 0

    init(_ path: String, options: ReadingOptions = ReadingOptions()) throws {
        self.path = path
        reader = try H5MDReader(path)
        if let named = try options.namedSpecies(file: path) {
            species = named
        } else if let stored = reader.species {
            species = stored
        } else {
            throw TrajectoryError(.usage, file: path, message: "it does not name its elements: name them (--elements)")
        }
    }

    func readFrame(into frame: inout AtomFrame) throws -> Bool {
        guard next < reader.frameCount else { return false }
        try reader.readFrame(next, into: &frame)
        func failure(_ message: String) -> TrajectoryError { TrajectoryError(file: path, frame: next, message: message) }
        for (index, kind) in frame.species.enumerated() where kind < 0 || kind >= species.count {
            throw failure("atom \(frame.ids[index]) has the species \(kind), but there are \(species.count)")
        }
        for index in frame.positions.indices {
            do {
                let placed = try frame.box.placed(frame.positions[index], axis: index % 3)
                guard abs(placed.image) < 1e9, abs(frame.velocities.isEmpty ? 0 : frame.velocities[index]).isFinite else {
                    throw OutsideBoxError(message: "its position or velocity is no finite number")
                }
                frame.positions[index] = placed.coordinate
                if frame.hasImages { frame.images[index] &+= Int32(placed.image) }
            } catch {
                throw failure("atom \(frame.ids[index / 3]) is outside the box: \((error as? OutsideBoxError)?.message ?? "\(error)")")
            }
        }
        if let twice = frame.sortByIdentifier() { throw failure("two atoms have the id \(twice)") }
        next += 1
        return true
    }
}
