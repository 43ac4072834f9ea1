import Configuration

/// The JSON form: an object with `name`, `conditions` (`T_K`, `zeta_per_s`, `radiation_G0`, `extinction_mag`), `species` (`name`,
/// `elements`, `charge`) and `reactions` (`type`: arrhenius, cosmic-ray or photo; `reactants`, `products`, `alpha`, `beta`, `gamma`).
extension ReactionNetwork {
    /// Reads a network. Not collective.
    ///
    /// - Throws: `NetworkError` (66 if the file is missing; else 65) that names the line and the reaction or key.
    public init(json path: String) throws {
        let document: ConfigurationDocument
        do { document = try ConfigurationDocument(file: path) } catch {
            if case .unreadable(let reason) = error.kind {
                throw NetworkError(file: path, reason: reason, exitStatus: .noInput)
            }
            throw NetworkError(file: path, reason: "\(error)")
        }
        let root = JSONObject(document.root, "the network", file: path)
        var indices: [String: Int] = [:]
        let species = try root.objects("species").enumerated().map { index, object -> Species in
            let name = try object.text("name")
            let item = object.named("the species \(name)")
            guard indices.updateValue(index, forKey: name) == nil else { throw item.fault("is there twice") }
            var elements: [String: Int] = [:]
            for member in try item.object("elements").members {
                guard case .integer(let count) = member.value.content, count > 0 else {
                    throw item.fault("the number of atoms of \(member.key) is no whole number above 0")
                }
                elements[member.key] = count
            }
            return Species(name: name, elements: elements, charge: try item.integer("charge"))
        }
        let entries = try root.objects("reactions").enumerated().map { number, object -> Entry in
            let left = try object.texts("reactants"), right = try object.texts("products")
            let item = object.named(
                "reaction \(number + 1), \(left.joined(separator: " + ")) -> \(right.joined(separator: " + ")),")
            func side(_ names: [String]) throws -> [Int] {
                try names.map { name in
                    guard let index = indices[name] else { throw item.fault("has the unknown species \(name)") }
                    return index
                }
            }
            let alpha = try item.number("alpha")
            let law: RateLaw
            switch try item.text("type") {
            case "arrhenius": law = .arrhenius(alpha: alpha, beta: try item.number("beta"), gamma: try item.number("gamma"))
            case "cosmic-ray": law = .cosmicRay(alpha: alpha)
            case "photo": law = .photo(alpha: alpha, gamma: try item.number("gamma"))
            case let other: throw item.fault("has the unknown type \"\(other)\": arrhenius, cosmic-ray and photo are known")
            }
            return Entry(
                reaction: Reaction(reactants: try side(left), products: try side(right), law: law), line: object.line)
        }
        let conditions = try root.optionalObject("conditions").map { object in
            Conditions(
                temperature: try object.number("T_K"), ionizationRate: try object.number("zeta_per_s"),
                radiation: try object.number("radiation_G0", default: 0),
                extinction: try object.number("extinction_mag", default: 0))
        }
        try self.init(
            name: (try? root.text("name")) ?? path, species: species, entries: entries, conditions: conditions, file: path)
    }
}

/// An object of a JSON file whose members are read by name, with errors that name its line.
private struct JSONObject {
    let value: ConfigurationValue
    let subject: String
    let file: String

    init(_ value: ConfigurationValue, _ subject: String, file: String) {
        (self.value, self.subject, self.file) = (value, subject, file)
    }

    var line: Int { value.location.line }

    func named(_ subject: String) -> JSONObject { JSONObject(value, subject, file: file) }

    func fault(_ reason: String) -> NetworkError { NetworkError(file: file, line: line, reason: "\(subject) \(reason)") }

    var members: [ConfigurationValue.Member] {
        get throws {
            guard case .object(let members) = value.content else { throw fault("is no object") }
            return members
        }
    }

    private func member(_ key: String) throws -> ConfigurationValue? { try members.first { $0.key == key }?.value }

    private func required(_ key: String) throws -> ConfigurationValue {
        guard let value = try member(key) else { throw fault("has no \"\(key)\"") }
        return value
    }

    func text(_ key: String) throws -> String {
        guard case .string(let text) = try required(key).content else { throw fault("has a \"\(key)\" that is no text") }
        return text
    }

    func texts(_ key: String) throws -> [String] {
        guard case .array(let values) = try required(key).content else { throw fault("has \"\(key)\" that are no list") }
        return try values.map { value in
            guard case .string(let text) = value.content else { throw fault("has \"\(key)\" that are no names") }
            return text
        }
    }

    func integer(_ key: String) throws -> Int {
        guard case .integer(let number) = try required(key).content else {
            throw fault("has a \"\(key)\" that is no whole number")
        }
        return number
    }

    func number(_ key: String, default fallback: Double? = nil) throws -> Double {
        let found = try member(key)
        if found == nil, let fallback { return fallback }
        switch try required(key).content {
        case .integer(let number): return Double(number)
        case .number(let number): return number
        default: throw fault("has a \"\(key)\" that is no number")
        }
    }

    func object(_ key: String) throws -> JSONObject {
        JSONObject(try required(key), "\(subject)'s \(key)", file: file)
    }

    func optionalObject(_ key: String) throws -> JSONObject? { try member(key) == nil ? nil : try object(key) }

    func objects(_ key: String) throws -> [JSONObject] {
        guard case .array(let values) = try required(key).content else { throw fault("has \"\(key)\" that are no list") }
        return values.enumerated().map { JSONObject($1, "number \($0 + 1) of \(key)", file: file) }
    }
}
