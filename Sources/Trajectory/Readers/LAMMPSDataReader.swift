/// Reads LAMMPS data files: masses, atoms of styles atomic, charge, molecular and full, velocities. One frame, step 0.
///
/// Data files do not say which axes are periodic: all are taken to be.
public final class LAMMPSDataReader: FrameSource {
    public let path: String
    public private(set) var species = SpeciesTable(symbols: [], masses: [])
    private let options: ReadingOptions
    private let lines: LineReader
    private var isRead = false
    private var atomCount: Int?
    private var typeCount: Int?
    private var bounds: [(low: Double, high: Double)?] = [nil, nil, nil]
    private var masses: [Double?] = []
    private var indexOfID: [Int64: Int] = [:]

    /// Opens a data file; reads nothing of it yet.
    /// - Throws: `TrajectoryError` (66 if the file is missing, 74 if it may not be read).
    public init(_ path: String, options: ReadingOptions = ReadingOptions()) throws {
        self.path = path
        self.options = options
        lines = try LineReader(path)
    }

    /// Order of the columns before the coordinates.
    private enum Style: String {
        case atomic, charge, molecular, full, bond, angle

        /// Column of the type, and of x.
        var columns: (type: Int, x: Int) {
            switch self {
            case .atomic: (1, 2)
            case .charge: (1, 3)
            case .molecular, .bond, .angle: (2, 3)
            case .full: (2, 4)
            }
        }
    }

    public func readFrame(into frame: inout AtomFrame) throws -> Bool {
        if isRead { return false }
        isRead = true
        frame.removeAtoms()
        frame.step = 0
        frame.time = 0
        // The first line is a title.
        guard try lines.next() != nil else { throw lines.failure("the file is empty") }
        var hasAtoms = false
        var section = try readHeader()
        while let name = section {
            switch name.keyword {
            case "Masses": section = try readMasses()
            case "Atoms":
                section = try readAtoms(style: name.comment, into: &frame)
                hasAtoms = true
            case "Velocities":
                guard hasAtoms else { throw lines.failure("Velocities come before Atoms") }
                section = try readVelocities(into: &frame)
            default: section = try readRows { _ in }
            }
        }
        guard hasAtoms else { throw lines.failure("the file is truncated: there is no section Atoms") }
        if let twice = frame.sortByIdentifier() { throw lines.failure("two atoms have the id \(twice)") }
        species = try resolveSpecies(frame)
        return true
    }

    // MARK: Header

    /// Reads up to the first section, and returns it.
    private func readHeader() throws -> Section? {
        while let line = try lines.nextNonBlank() {
            if let section = Section(line) { return section }
            let content = line.prefix { $0 != UInt8(ascii: "#") }
            var fields = FieldScanner(UnsafeBufferPointer(rebasing: content))
            let words = fields.rest()
            if words.isEmpty { continue }
            if words.last == "yz" || words.last == "zvector" || words.contains("avec") {
                guard words.prefix(3).allSatisfy({ Double($0) == 0 }) else {
                    throw lines.failure("the box is triclinic, which is not supported: only rectangular boxes are")
                }
            } else if words.count == 2 && words[1] == "atoms" {
                atomCount = try count(words[0], "atoms")
            } else if words.count == 3 && words[1] == "atom" && words[2] == "types" {
                typeCount = try count(words[0], "atom types")
            } else if words.count == 4, let axis = ["xlo", "ylo", "zlo"].firstIndex(of: words[2]) {
                guard let low = Double(words[0]), let high = Double(words[1]), low.isFinite, high.isFinite, high > low,
                      (high - low).isFinite else {
                    throw lines.failure("\"\(text(line))\" are no bounds of a box")
                }
                bounds[axis] = (low, high)
            }
        }
        return nil
    }

    private func count(_ word: String, _ what: String) throws -> Int {
        guard let value = Int(word), value > 0, value < 1 << 40 else { throw lines.failure("\"\(word)\" is no number of \(what)") }
        return value
    }

    /// A line that begins a section, such as `Atoms # charge`.
    private struct Section {
        let keyword: String
        let comment: String

        init?(_ line: LineReader.Line) {
            guard let first = line.first, (0x41...0x5a).contains(first) else { return nil }
            let parts = String(decoding: line, as: UTF8.self).split(separator: "#", maxSplits: 1)
            let words = parts[0].split(whereSeparator: \.isWhitespace)
            keyword = words.joined(separator: " ")
            comment = parts.count > 1 ? parts[1].split(whereSeparator: \.isWhitespace).first.map(String.init) ?? "" : ""
        }
    }

    // MARK: Sections

    /// Calls `body` with each row of a section, and returns the next section.
    private func readRows(_ body: (LineReader.Line) throws -> Void) throws -> Section? {
        while let line = try lines.nextNonBlank() {
            if let section = Section(line) { return section }
            if line.first == UInt8(ascii: "#") { continue }
            let content = line.prefix { $0 != UInt8(ascii: "#") }
            try body(UnsafeBufferPointer(rebasing: content))
        }
        return nil
    }

    private func readMasses() throws -> Section? {
        try readRows { line in
            var fields = FieldScanner(line)
            guard let type = fields.nextInteger(), let mass = fields.nextDouble(), mass > 0, type >= 1,
                  type <= Int64(min(typeCount ?? 10_000, 10_000)) else {
                throw lines.failure("\"\(text(line))\" is no type and mass")
            }
            while masses.count < Int(type) { masses.append(nil) }
            masses[Int(type) - 1] = mass
        }
    }

    private func readAtoms(style comment: String, into frame: inout AtomFrame) throws -> Section? {
        guard let atomCount else { throw lines.failure("the number of atoms is not given") }
        let box = try box()
        frame.box = box
        var style = Style(rawValue: comment)
        if style == nil && !comment.isEmpty {
            throw lines.failure("atom style \"\(comment)\" is not supported (atomic, charge, molecular, full)")
        }
        // [id, molecule or charge, type, x, y, z, images]
        var values: [Double] = []
        let next = try readRows { line in
            var fields = FieldScanner(line)
            values.removeAll(keepingCapacity: true)
            while let field = fields.next() {
                guard let value = parseDouble(field) else { throw lines.failure("\"\(text(field))\" is no number") }
                values.append(value)
            }
            if style == nil {
                guard values.count == 5 || values.count == 8 else {
                    throw lines.failure("say the atom style in a comment, as in \"Atoms # charge\"")
                }
                style = .atomic
            }
            let columns = (style ?? .atomic).columns
            guard values.count == columns.x + 3 || values.count == columns.x + 6,
                  let id = Int64(exactly: values[0]), let type = Int32(exactly: values[columns.type]), type >= 1,
                  type <= 10_000 else {
                throw lines.failure("\"\(text(line))\" is no atom of style \((style ?? .atomic).rawValue)")
            }
            frame.ids.append(id)
            frame.species.append(type - 1)
            let hasImages = values.count == columns.x + 6
            guard hasImages || frame.images.isEmpty, !hasImages || frame.images.count == 3 * (frame.ids.count - 1) else {
                throw lines.failure("some atoms have image flags and some have not")
            }
            for axis in 0..<3 {
                do {
                    let placed = try box.placed(values[columns.x + axis], axis: axis)
                    frame.positions.append(placed.coordinate)
                    let image = (hasImages ? values[columns.x + 3 + axis] : 0) + placed.image
                    guard abs(image) < 1e9, let whole = Int32(exactly: image) else {
                        throw lines.failure("atom \(id) lies too many boxes away")
                    }
                    if hasImages { frame.images.append(whole) }
                } catch let error as OutsideBoxError {
                    throw lines.failure("atom \(id) is outside the box: \(error.message)")
                }
            }
            guard frame.count <= atomCount else { throw lines.failure("there are more than the \(atomCount) atoms announced") }
        }
        guard frame.count == atomCount else {
            throw lines.failure("the file is truncated: it has \(frame.count) of \(atomCount) atoms")
        }
        return next
    }

    private func readVelocities(into frame: inout AtomFrame) throws -> Section? {
        for (index, id) in frame.ids.enumerated() where indexOfID.updateValue(index, forKey: id) != nil {
            throw lines.failure("two atoms have the id \(id)")
        }
        frame.velocities = [Double](repeating: 0, count: 3 * frame.count)
        var seen = 0
        let scale = options.units.angstromPerPicosecond
        let next = try readRows { line in
            var fields = FieldScanner(line)
            guard let id = fields.nextInteger(), let x = fields.nextDouble(), let y = fields.nextDouble(),
                  let z = fields.nextDouble() else { throw lines.failure("\"\(text(line))\" is no id and velocity") }
            guard let index = indexOfID.removeValue(forKey: id) else {
                throw lines.failure("there is no atom of id \(id), or its velocity comes twice")
            }
            for (axis, value) in [x, y, z].enumerated() { frame.velocities[3 * index + axis] = value * scale }
            seen += 1
        }
        guard seen == frame.count else {
            throw lines.failure("the file is truncated: it has \(seen) of \(frame.count) velocities")
        }
        return next
    }

    private func box() throws -> SimulationBox {
        var box = SimulationBox(edges: .one)
        for axis in 0..<3 {
            guard let bound = bounds[axis] else {
                throw lines.failure("the bounds of the box along \(["x", "y", "z"][axis]) are not given")
            }
            box.origin[axis] = bound.low
            box.edges[axis] = bound.high - bound.low
        }
        return box
    }

    private func resolveSpecies(_ frame: AtomFrame) throws -> SpeciesTable {
        let largest = Int(frame.species.max() ?? 0) + 1
        if let named = try options.namedSpecies(file: path) {
            guard named.count >= largest else {
                throw TrajectoryError(.usage, file: path, message: "there are \(largest) types, but \(named.count) elements are given")
            }
            // The user's symbols, the file's masses.
            return SpeciesTable(symbols: named.symbols, masses: named.masses.enumerated().map { index, mass in
                index < masses.count ? masses[index] ?? mass : mass
            })
        }
        guard masses.count >= largest else { throw lines.failure("type \(largest) has no mass: name the elements (--elements)") }
        let table = try masses.enumerated().map { index, mass -> (String, Double) in
            guard let mass, let symbol = PeriodicTable.symbol(ofMass: mass) else {
                throw lines.failure("nothing tells the element of type \(index + 1): name the elements (--elements)")
            }
            return (symbol, mass)
        }
        return SpeciesTable(symbols: table.map(\.0), masses: table.map(\.1))
    }
}
