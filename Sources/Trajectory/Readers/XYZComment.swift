/// The second line of an extended XYZ frame: `key=value` pairs, values quoted where they hold blanks.
struct XYZComment {
    /// Values by key in lower case; a key without a value has "T".
    private(set) var values: [String: String] = [:]

    init(_ line: UnsafeBufferPointer<UInt8>) {
        let characters = Array(String(decoding: line, as: UTF8.self))
        var index = 0
        while index < characters.count {
            while index < characters.count, characters[index].isWhitespace { index += 1 }
            let start = index
            while index < characters.count, !characters[index].isWhitespace, characters[index] != "=" { index += 1 }
            let key = String(characters[start..<index]).lowercased()
            guard index < characters.count, characters[index] == "=" else {
                if !key.isEmpty { values[key] = "T" }
                continue
            }
            index += 1
            var value = ""
            if index < characters.count, let closing = Self.closing(characters[index]) {
                index += 1
                while index < characters.count, characters[index] != closing {
                    value.append(characters[index])
                    index += 1
                }
                index += 1
            } else {
                while index < characters.count, !characters[index].isWhitespace {
                    value.append(characters[index])
                    index += 1
                }
            }
            values[key] = value
        }
    }

    private static func closing(_ opening: Character) -> Character? {
        switch opening {
        case "\"": "\""
        case "'": "'"
        case "{": "}"
        case "[": "]"
        default: nil
        }
    }

    /// The finite numbers of a value; nil if it is missing or holds anything else.
    func numbers(_ key: String) -> [Double]? {
        guard let value = values[key] else { return nil }
        let fields = value.split { $0.isWhitespace || $0 == "," }
        let numbers = fields.compactMap { Double($0) }.filter(\.isFinite)
        return numbers.count == fields.count ? numbers : nil
    }
}

/// The columns of an extended XYZ frame, from `Properties=species:S:1:pos:R:3:...`.
struct XYZColumns: Equatable {
    let properties: String
    let species: Int
    let position: Int
    let velocity: Int?
    let id: Int?
    let image: Int?
    let count: Int

    /// Nil if the text is no list of properties or lacks species or positions.
    init?(_ properties: String) {
        let parts = properties.split(separator: ":", omittingEmptySubsequences: false)
        guard !parts.isEmpty, parts.count % 3 == 0 else { return nil }
        var starts: [String: Int] = [:]
        var column = 0
        for index in stride(from: 0, to: parts.count, by: 3) {
            guard ["S", "R", "I", "L"].contains(parts[index + 1]), let width = Int(parts[index + 2]), width > 0,
                  width < 10_000, column < 1_000_000 else { return nil }
            let name = parts[index].lowercased()
            let expected = ["pos", "vel", "velo", "velocities", "image"].contains(name) ? 3 : 1
            if width == expected { starts[name] = column }
            column += width
        }
        guard let species = starts["species"] ?? starts["element"], let position = starts["pos"] else { return nil }
        self.properties = properties
        self.species = species
        self.position = position
        velocity = starts["velo"] ?? starts["vel"] ?? starts["velocities"]
        id = starts["id"]
        image = starts["image"]
        count = column
    }
}
