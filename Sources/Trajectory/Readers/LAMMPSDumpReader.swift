/// Reads LAMMPS text dumps, plain or compressed with gzip.
///
/// Columns may come in any order; positions may be wrapped, scaled or unwrapped. Atoms outside a periodic box are
/// wrapped into it (LAMMPS wraps only when it rebuilds neighbor lists). An atom outside a box that is not periodic
/// is an error, but for the rounding of the printed number, which is undone by moving the atom onto the face.
/// A frame's time is that of `ITEM: TIME` or the step times the time step of the options.
public final class LAMMPSDumpReader: FrameSource {
    public let path: String
    public private(set) var species: SpeciesTable
    private let options: ReadingOptions
    private let lines: LineReader
    private var units: Units
    private var frameIndex = 0
    private var columns: DumpColumns?
    private var resolver: DumpSpecies
    private var atomCount: Int?

    /// Opens a dump; reads nothing of it yet.
    /// - Throws: `TrajectoryError` (66 if the file is missing, 74 if it may not be read, 64 if `elements` is wrong).
    public init(_ path: String, options: ReadingOptions = ReadingOptions()) throws {
        self.path = path
        self.options = options
        units = options.units
        lines = try LineReader(path)
        let named = try options.namedSpecies(file: path)
        species = named ?? SpeciesTable(symbols: [], masses: [])
        resolver = DumpSpecies(named: named)
    }

    public func readFrame(into frame: inout AtomFrame) throws -> Bool {
        lines.frame = frameIndex
        guard let first = try lines.nextNonBlank() else { return false }
        lines.unread(first)
        try readFrameHeaders(into: &frame)
        try readAtoms(into: &frame)
        if let twice = frame.sortByIdentifier() { throw failure("two atoms have the id \(twice)") }
        if frameIndex == 0 {
            do { species = try resolver.resolve(&frame.species) } catch { throw failure(error.message) }
        }
        frameIndex += 1
        return true
    }

    // MARK: Headers

    private func readFrameHeaders(into frame: inout AtomFrame) throws {
        var step: Int64?
        var time: Double?
        var count: Int?
        var box: SimulationBox?
        while true {
            let line = try nextLine("a header")
            guard begins(line, with: "ITEM: ") else { throw failure("\"ITEM: ...\" is expected, not \"\(text(line))\"") }
            if begins(line, with: "ITEM: TIMESTEP") {
                let value = try nextLine("the step")
                var fields = FieldScanner(value)
                guard let number = fields.nextInteger() else { throw failure("\"\(text(value))\" is no step") }
                step = number
            } else if begins(line, with: "ITEM: NUMBER OF ATOMS") {
                count = try readAtomCount()
            } else if begins(line, with: "ITEM: BOX BOUNDS") {
                box = try readBox(header: line)
            } else if begins(line, with: "ITEM: UNITS") {
                let name = text(try nextLine("the units"))
                guard let known = Units(rawValue: name) else {
                    throw failure("units \"\(name)\" are not supported (metal and real are)")
                }
                units = known
            } else if begins(line, with: "ITEM: TIME") {
                let value = try nextLine("the time")
                var fields = FieldScanner(value)
                guard let number = fields.nextDouble() else { throw failure("\"\(text(value))\" is no time") }
                time = number * units.picoseconds
            } else if begins(line, with: "ITEM: ATOMS") {
                try readColumns(line)
                break
            } else {
                throw failure("\"\(text(line))\" is no header of a LAMMPS dump")
            }
        }
        guard let step else { throw failure("the frame has no ITEM: TIMESTEP") }
        guard let count else { throw failure("the frame has no ITEM: NUMBER OF ATOMS") }
        guard let box else { throw failure("the frame has no ITEM: BOX BOUNDS") }
        if let earlier = atomCount, earlier != count {
            throw failure("the frame has \(count) atoms, the first one \(earlier): a number of atoms that changes is not supported")
        }
        guard let time = time ?? options.timestep.map({ Double(step) * $0 }) else {
            throw TrajectoryError(.usage, file: path, line: lines.lineNumber, frame: frameIndex,
                                  message: "the dump gives steps and no times: say how long a step is (--timestep, in ps)")
        }
        atomCount = count
        frame.step = step
        frame.time = time
        frame.box = box
    }

    private func readAtomCount() throws -> Int {
        let line = try nextLine("the number of atoms")
        var fields = FieldScanner(line)
        guard let value = fields.nextInteger(), value > 0, let count = Int(exactly: value) else {
            throw failure("\"\(text(line))\" is no number of atoms")
        }
        return count
    }

    private func readBox(header: LineReader.Line) throws -> SimulationBox {
        var fields = FieldScanner(header)
        var boundaries: [BoxBoundary] = []
        // "ITEM:", "BOX" and "BOUNDS" are skipped.
        for flag in fields.rest().dropFirst(3) {
            switch flag {
            case "pp": boundaries.append(.periodic)
            case "xy", "xz", "yz", "abc", "origin":
                throw failure("the box is triclinic, which is not supported: only rectangular boxes are")
            default:
                guard flag.count == 2, flag.allSatisfy({ "fsm".contains($0) }) else {
                    throw failure("\"\(flag)\" is no boundary (pp, or two of f, s, m)")
                }
                boundaries.append(.open)
            }
        }
        // Dumps of old versions have no flags; their default is periodic.
        if boundaries.isEmpty { boundaries = [.periodic, .periodic, .periodic] }
        guard boundaries.count == 3 else { throw failure("the box has \(boundaries.count) boundaries, not 3") }
        var origin = SIMD3<Double>(), edges = SIMD3<Double>()
        for axis in 0..<3 {
            let line = try nextLine("the bounds of the box")
            var fields = FieldScanner(line)
            guard let low = fields.nextDouble(), let high = fields.nextDouble(), high > low, (high - low).isFinite else {
                throw failure("\"\(text(line))\" are no bounds of a box")
            }
            guard fields.next() == nil else {
                throw failure("the box is triclinic, which is not supported: only rectangular boxes are")
            }
            origin[axis] = low
            edges[axis] = high - low
        }
        return SimulationBox(origin: origin, edges: edges, boundaries: (boundaries[0], boundaries[1], boundaries[2]))
    }

    private func readColumns(_ line: LineReader.Line) throws {
        var fields = FieldScanner(line)
        let names = Array(fields.rest().dropFirst(2))
        if columns?.names == names { return }
        let found: DumpColumns
        do { found = try DumpColumns(names) } catch { throw failure(error.message) }
        if let columns, columns.hasVelocities != found.hasVelocities || columns.hasImages != found.hasImages
            || columns.coordinates != found.coordinates || columns.hasType != found.hasType {
            throw failure("the columns differ from the first frame's")
        }
        columns = found
    }

    // MARK: Atoms

    private func readAtoms(into frame: inout AtomFrame) throws {
        guard let columns, let atomCount else { throw failure("the frame has no columns") }
        let coordinates = columns.coordinates
        let box = frame.box
        let velocityScale = units.angstromPerPicosecond
        let keepsImages = columns.hasImages || coordinates == .unwrapped || coordinates == .scaledUnwrapped
        frame.removeAtoms()
        for _ in 0..<atomCount {
            let line = try nextLine("an atom")
            var fields = FieldScanner(line)
            var id: Int64 = 0
            var atom = DumpSpecies.Atom()
            var position = SIMD3<Double>(), velocity = SIMD3<Double>()
            var image = SIMD3<Int64>()
            for (column, role) in columns.roles.enumerated() {
                guard let field = fields.next() else {
                    if begins(line, with: "ITEM:") { throw failure("the frame has fewer than its \(atomCount) atoms") }
                    throw failure("the atom has \(column) columns, not \(columns.roles.count)")
                }
                var isValid = true
                switch role {
                case .ignored: break
                case .id: if let value = parseInteger(field) { id = value } else { isValid = false }
                case .type: if let value = parseInteger(field) { atom.type = value } else { isValid = false }
                case .element: atom.element = field
                case .mass: if let value = parseDouble(field) { atom.mass = value } else { isValid = false }
                case .position(let axis): if let value = parseDouble(field) { position[axis] = value } else { isValid = false }
                case .velocity(let axis): if let value = parseDouble(field) { velocity[axis] = value } else { isValid = false }
                case .image(let axis): if let value = parseInteger(field) { image[axis] = value } else { isValid = false }
                }
                guard isValid else { throw failure("\"\(text(field))\" is no valid \(columns.names[column])") }
            }
            guard fields.next() == nil else { throw failure("the atom has more than \(columns.roles.count) columns") }
            for axis in 0..<3 {
                if coordinates.isScaled { position[axis] = box.origin[axis] + position[axis] * box.edges[axis] }
                let moved = try place(&position[axis], axis: axis, of: id, in: box)
                guard abs(moved) < 1e9, abs(image[axis]) < 1_000_000_000 else {
                    throw failure("atom \(id) lies too many boxes away")
                }
                image[axis] += Int64(moved)
                frame.positions.append(position[axis])
                if columns.hasVelocities { frame.velocities.append(velocity[axis] * velocityScale) }
                if keepsImages { frame.images.append(Int32(image[axis])) }
            }
            frame.ids.append(id)
            do {
                frame.species.append(try resolver.index(of: atom, columns: columns))
            } catch { throw failure("atom \(id): \(error.message)") }
        }
    }

    /// Wraps a coordinate of a periodic axis and checks one of an open axis.
    private func place(_ coordinate: inout Double, axis: Int, of id: Int64, in box: SimulationBox) throws -> Double {
        do {
            let placed = try box.placed(coordinate, axis: axis)
            coordinate = placed.coordinate
            return placed.image
        } catch {
            throw failure("atom \(id) is outside the box: \(error.message)")
        }
    }

    private func nextLine(_ what: String) throws -> LineReader.Line {
        guard let line = try lines.next() else { throw failure("the file is truncated: \(what) is missing") }
        return line
    }

    private func failure(_ message: String) -> TrajectoryError { lines.failure(message) }
}
