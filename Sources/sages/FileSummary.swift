import Diagnostics
import HDF5

/// What an HDF5 file of SAGES holds.
struct FileSummary {
    struct Entry {
        let path: String
        let type: String
        let shape: [Int]
        let unit: String?
    }

    /// What a file can be, by what it holds.
    enum Kind: String {
        case model
        case checkpoint
        case trajectory
        case grid
        case abundance
        case other

        var words: String {
            switch self {
            case .model: "trained model"
            case .checkpoint: "checkpoint of a training (model with optimizer state; can be resumed)"
            case .trajectory: "particle trajectory (H5MD)"
            case .grid: "grid fields"
            case .abundance: "abundances of species"
            case .other: "HDF5 file that is none of SAGES's kinds"
            }
        }
    }

    let path: String
    let kind: Kind
    private(set) var datasets: [Entry] = []
    private(set) var provenance: JSONValue.Members = [:]
    /// What else is worth a line: atoms and frames, step and epoch, the model's kind.
    private(set) var details: JSONValue.Members = [:]

    /// Enough for every file of SAGES, and a bound for foreign ones.
    private static let maximumDatasets = 2000
    private static let maximumDepth = 16

    /// - Throws: `HDF5Error` where the file cannot be read.
    init(_ file: File) throws {
        let root = try file.root
        path = file.path
        kind = Self.kind(of: root)
        try collect(root, depth: 0)
        if root.isGroup("provenance") { try readProvenance(root.group("provenance")) }
        try readDetails(root)
    }

    private static func kind(of root: Group) -> Kind {
        // H5MD has a group of parameters too: the particles decide.
        if root.isGroup("particles") { return .trajectory }
        if root.isGroup("parameters") { return root.isGroup("optimizer") ? .checkpoint : .model }
        if root.isGroup("grids") { return .grid }
        if root.exists("abundance") { return .abundance }
        return .other
    }

    private mutating func collect(_ group: Group, depth: Int) throws {
        guard depth < Self.maximumDepth else { return }
        for name in try group.memberNames where datasets.count < Self.maximumDatasets {
            if group.isDataset(name) {
                let dataset = try group.dataset(name)
                datasets.append(Entry(path: dataset.path, type: dataset.elements.name, shape: dataset.shape,
                                      unit: dataset.hasAttribute("unit") ? try? dataset.stringAttribute("unit") : nil))
            } else if group.isGroup(name) {
                try collect(group.group(name), depth: depth + 1)
            }
        }
    }

    private mutating func readProvenance(_ group: Group) throws {
        for name in try group.attributeNames { provenance[name] = try Self.attribute(name, of: group) }
        for name in try group.memberNames where group.isDataset(name) {
            let dataset = try group.dataset(name)
            // Short ones only: a provenance holds words and numbers.
            guard dataset.count <= 64 else { continue }
            switch dataset.elements {
            case .fixedString, .variableString: provenance[name] = Self.flattened(try dataset.readStrings().map { .string($0) })
            case .integer: provenance[name] = Self.flattened(try dataset.read(Int.self).map { .integer($0) })
            case .float: provenance[name] = Self.flattened(try dataset.read(Double.self).map { .number($0) })
            case .other: continue
            }
        }
    }

    private mutating func readDetails(_ root: Group) throws {
        switch kind {
        case .model, .checkpoint:
            let count = datasets.filter { $0.path.hasPrefix("/parameters/") }.map { $0.shape.reduce(1, *) }.reduce(0, +)
            details["parameters"] = .integer(count)
            if root.isGroup("progress") {
                let progress = try root.group("progress")
                for name in try progress.attributeNames { details[name] = try Self.attribute(name, of: progress) }
            }
        case .trajectory:
            // H5MD: the first two extents of the positions are frames and atoms.
            for entry in datasets where entry.path.hasSuffix("/position/value") && entry.shape.count == 3 {
                details["frames"] = .integer(entry.shape[0])
                details["atoms"] = .integer(entry.shape[1])
            }
            if root.isGroup("h5md"), let version = try? root.group("h5md").attribute("version", as: Int.self) {
                details["h5md_version"] = .string(version.map(String.init).joined(separator: "."))
            }
        case .grid, .abundance, .other: break
        }
        if root.isGroup("grids") {
            for entry in datasets where entry.path.hasPrefix("/grids/") && entry.shape.count == 5 {
                details["grid " + entry.path] = .array(entry.shape.map { .integer($0) })
            }
        }
    }

    private static func attribute(_ name: String, of group: Group) throws -> JSONValue {
        switch try group.attributeType(name).elements {
        case .integer: flattened(try group.attribute(name, as: Int.self).map { .integer($0) })
        case .float: flattened(try group.attribute(name, as: Double.self).map { .number($0) })
        case .fixedString, .variableString: flattened(try group.stringsAttribute(name).map { .string($0) })
        case .other: "(not shown)"
        }
    }

    private static func flattened(_ values: [JSONValue]) -> JSONValue { values.count == 1 ? values[0] : .array(values) }

    var json: JSONValue {
        ["kind": .string(kind.rawValue), "file": .string(path), "details": .object(details),
         "provenance": .object(provenance),
         "datasets": .array(datasets.map { entry in
             ["path": .string(entry.path), "type": .string(entry.type),
              "shape": .array(entry.shape.map { .integer($0) }), "unit": entry.unit.map { .string($0) } ?? .null]
         })]
    }

    var text: String {
        var lines = ["\(path): \(kind.words)"]
        func list(_ title: String, _ members: JSONValue.Members) {
            guard !members.names.isEmpty else { return }
            lines.append("\n\(title):")
            let width = (members.names.map(\.count).max() ?? 0) + 2
            for (name, value) in zip(members.names, members.values) {
                lines.append("  \(HelpText.padded(name, width))\(Self.plain(value))")
            }
        }
        list("What it holds", details)
        list("Provenance", provenance)
        lines.append("\nDatasets:")
        let width = (datasets.map(\.path.count).max() ?? 0) + 2
        for entry in datasets {
            let shape = entry.shape.isEmpty ? "scalar" : entry.shape.map(String.init).joined(separator: " x ")
            lines.append("  \(HelpText.padded(entry.path, width))\(HelpText.padded(entry.type, 9))\(shape)"
                         + (entry.unit.map { "  [\($0)]" } ?? ""))
        }
        return lines.joined(separator: "\n")
    }

    private static func plain(_ value: JSONValue) -> String {
        switch value {
        // Whole configurations are for --json.
        case .string(let text): text.count <= 200 ? text : "(\(text.count) characters; --json shows them)"
        case .array(let values): values.map(plain).joined(separator: ", ")
        default: value.text
        }
    }
}
