/// Reads extended XYZ, plain or compressed with gzip.
///
/// Needs `Lattice` (rectangular), reads `Origin`, `pbc` (periodic unless given), `Step`, `Time` (ps), and of
/// `Properties` species, pos, velo or vel (Angstrom/ps), id and image. Without ids atoms are numbered from 1 on.
/// `virial` (eV, 9 numbers) or `stress` (eV/Angstrom^3, positive where the box pulls, 9 numbers or xx yy zz yz xz xy) is the frame's virial.
/// Species are the symbols of the first frame in ascending order of atomic number, or those of the options.
public final class ExtendedXYZReader: FrameSource {
    public let path: String
    public private(set) var species: SpeciesTable
    private let options: ReadingOptions
    private let lines: LineReader
    private var frameIndex = 0
    private var atomCount: Int?
    private var columns: XYZColumns?
    private var resolver: DumpSpecies
    private let dumpColumns: DumpColumns

    /// Opens a file; reads nothing of it yet.
    /// - Throws: `TrajectoryError` (66 if the file is missing, 74 if it may not be read).
    public init(_ path: String, options: ReadingOptions = ReadingOptions()) throws {
        self.path = path
        self.options = options
        lines = try LineReader(path)
        let named = try options.namedSpecies(file: path)
        species = named ?? SpeciesTable(symbols: [], masses: [])
        resolver = DumpSpecies(named: named)
        do { dumpColumns = try DumpColumns(["id", "element", "x", "y", "z"]) } catch {
            throw TrajectoryError(.internal, file: path, message: error.message)
        }
    }

    public func readFrame(into frame: inout AtomFrame) throws -> Bool {
        lines.frame = frameIndex
        guard let first = try lines.nextNonBlank() else { return false }
        var fields = FieldScanner(first)
        guard let count = fields.nextInteger(), count > 0, fields.next() == nil else {
            throw failure("\"\(text(first))\" is no number of atoms")
        }
        if let earlier = atomCount, earlier != Int(count) {
            throw failure("the frame has \(count) atoms, the first one \(earlier): a number of atoms that changes is not supported")
        }
        atomCount = Int(count)
        frame.removeAtoms()
        let columns = try readComment(into: &frame)
        // Fields of one line; the pointers are into the reader's buffer.
        var row: [FieldScanner.Field] = []
        for index in 0..<Int(count) {
            guard let line = try lines.next() else { throw failure("the file is truncated: it has \(index) of \(count) atoms") }
            var scanner = FieldScanner(line)
            row.removeAll(keepingCapacity: true)
            while let field = scanner.next() { row.append(field) }
            guard row.count == columns.count else {
                throw failure("the atom has \(row.count) columns, not \(columns.count)")
            }
            try readAtom(row, index: index, columns, into: &frame)
        }
        if let twice = frame.sortByIdentifier() { throw failure("two atoms have the id \(twice)") }
        if frameIndex == 0 {
            do { species = try resolver.resolve(&frame.species) } catch { throw failure(error.message) }
        }
        frameIndex += 1
        return true
    }

    private func readAtom(_ row: [FieldScanner.Field], index: Int, _ columns: XYZColumns,
                          into frame: inout AtomFrame) throws {
        func number(_ column: Int) throws -> Double {
            guard let value = parseDouble(row[column]) else { throw failure("\"\(text(row[column]))\" is no number") }
            return value
        }
        func integer(_ column: Int) throws -> Int64 {
            guard let value = parseInteger(row[column]) else { throw failure("\"\(text(row[column]))\" is no integer") }
            return value
        }
        let id = try columns.id.map(integer) ?? Int64(index + 1)
        frame.ids.append(id)
        for axis in 0..<3 {
            let position = try number(columns.position + axis)
            do {
                let placed = try frame.box.placed(position, axis: axis)
                frame.positions.append(placed.coordinate)
                let given = try columns.image.map { try integer($0 + axis) } ?? 0
                guard abs(placed.image) < 1e9, given.magnitude < 1_000_000_000 else {
                    throw failure("atom \(id) lies too many boxes away")
                }
                if columns.image != nil { frame.images.append(Int32(given + Int64(placed.image))) }
            } catch let error as OutsideBoxError {
                throw failure("atom \(id) is outside the box: \(error.message)")
            }
            if let velocity = columns.velocity { frame.velocities.append(try number(velocity + axis)) }
        }
        do {
            let atom = DumpSpecies.Atom(type: nil, element: row[columns.species], mass: nil)
            frame.species.append(try resolver.index(of: atom, columns: dumpColumns))
        } catch { throw failure("atom \(id): \(error.message)") }
    }

    private func readComment(into frame: inout AtomFrame) throws -> XYZColumns {
        guard let line = try lines.next() else { throw failure("the file is truncated: the second line of the frame is missing") }
        let comment = XYZComment(line)
        guard let lattice = comment.numbers("lattice"), lattice.count == 9 else {
            throw failure("the frame has no Lattice=\"...\" of 9 numbers")
        }
        for index in [1, 2, 3, 5, 6, 7] where lattice[index] != 0 {
            throw failure("the box is triclinic, which is not supported: only rectangular boxes are")
        }
        let edges = SIMD3(lattice[0], lattice[4], lattice[8])
        guard edges.min() > 0 else { throw failure("the edges of the box are not positive") }
        let origin = comment.values["origin"] == nil ? [0, 0, 0] : comment.numbers("origin") ?? []
        guard origin.count == 3 else { throw failure("Origin is not 3 numbers") }
        var boundaries: [BoxBoundary] = [.periodic, .periodic, .periodic]
        if let pbc = comment.values["pbc"] {
            let flags = pbc.split { $0.isWhitespace || $0 == "," }
            guard flags.count == 3, flags.allSatisfy({ ["T", "F", "True", "False", "1", "0"].contains($0) }) else {
                throw failure("pbc=\"\(pbc.prefix(40))\" is not three times T or F")
            }
            boundaries = flags.map { ["T", "True", "1"].contains($0) ? .periodic : .open }
        }
        frame.box = SimulationBox(origin: SIMD3(origin[0], origin[1], origin[2]), edges: edges,
                                  boundaries: (boundaries[0], boundaries[1], boundaries[2]))
        frame.step = Int64(frameIndex)
        if let text = comment.values["step"] {
            guard let step = Int64(text) else { throw failure("Step=\(text.prefix(40)) is no integer") }
            frame.step = step
        }
        if comment.values["time"] != nil {
            guard let time = comment.numbers("time"), time.count == 1 else { throw failure("Time is no number") }
            frame.time = time[0]
        } else if let timestep = options.timestep {
            frame.time = Double(frame.step) * timestep
        } else if frameIndex == 0 {
            frame.time = 0
        } else {
            throw TrajectoryError(.usage, file: path, line: lines.lineNumber, frame: frameIndex,
                                  message: "the file gives no times: say how long a step is (--timestep, in ps)")
        }
        frame.virial = try virial(comment, volume: edges.x * edges.y * edges.z)
        let properties = comment.values["properties"] ?? "species:S:1:pos:R:3"
        if let columns, columns.properties == properties { return columns }
        guard let found = XYZColumns(properties) else {
            throw failure("Properties=\(properties.prefix(60)) does not describe species and positions")
        }
        if let columns, (columns.velocity == nil) != (found.velocity == nil) || (columns.image == nil) != (found.image == nil) {
            throw failure("the properties differ from the first frame's")
        }
        columns = found
        return found
    }

    private func virial(_ comment: XYZComment, volume: Double) throws -> [Double] {
        if comment.values["virial"] != nil {
            guard let virial = comment.numbers("virial").flatMap(Virial.components(ofMatrix:)) else {
                throw failure("virial is not 9 numbers")
            }
            return virial
        }
        guard comment.values["stress"] != nil else { return [] }
        guard let numbers = comment.numbers("stress"), let stress = numbers.count == 6 ? numbers : Virial.components(ofMatrix: numbers)
        else { throw failure("stress is not 6 or 9 numbers") }
        return stress.map { -volume * $0 }
    }

    private func failure(_ message: String) -> TrajectoryError { lines.failure(message) }
}
