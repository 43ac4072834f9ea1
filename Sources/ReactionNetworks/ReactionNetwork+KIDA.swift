import Foundation

/// The text form of KIDA, one reaction a line, in columns: reactants in 1 to 34, products in 35 to 89, each name in 11; then alpha,
/// beta, gamma, the uncertainty and its law, the type, the range of temperatures (K), the formula and numbers that are not read.
/// Lines that begin with ! are comments. Formulas: 1 alpha zeta; 2 alpha G0 exp(-gamma A_V); 3 Arrhenius; 4 and 5 of ions with polar
/// molecules.
extension ReactionNetwork {
    /// What takes part in reactions and is no species.
    private static let particles: Set<String> = ["CR", "CRP", "CRPHOT", "Photon", "PHOTON", "photon"]

    /// Reads a network; its species are those of its reactions, in the order of their first appearance. Not collective.
    ///
    /// - Throws: `NetworkError` (66 if the file is missing; else 65) that names the line.
    public init(kida path: String) throws {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            let isThere = FileManager.default.fileExists(atPath: path)
            throw NetworkError(
                file: path, reason: isThere ? "it is no text" : "cannot be read", exitStatus: isThere ? .data : .noInput)
        }
        var species: [Species] = []
        var indices: [String: Int] = [:]
        var entries: [Entry] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            guard !line.hasPrefix("!"), line.contains(where: { !$0.isWhitespace }) else { continue }
            func fault(_ reason: String) -> NetworkError { NetworkError(file: path, line: index + 1, reason: reason) }
            func side(_ part: Substring) throws -> [Int] {
                try part.split(whereSeparator: \.isWhitespace).map(String.init).compactMap { name in
                    guard !Self.particles.contains(name) else { return nil }
                    let electron = ["E", "e"].contains(name) ? "e-" : name
                    if let known = indices[electron] { return known }
                    guard let new = Species(formula: electron) else { throw fault("\"\(name)\" is the formula of no species") }
                    indices[electron] = species.count
                    species.append(new)
                    return species.count - 1
                }
            }
            let (left, rest) = (line.prefix(34), line.dropFirst(34))
            let (right, tail) = (rest.prefix(55), rest.dropFirst(55))
            let fields = tail.split(whereSeparator: \.isWhitespace)
            guard fields.count >= 10 else {
                throw fault("it has \(fields.count) fields behind the species, not 10 or more: alpha, beta, gamma, F, g, law, type, "
                    + "two temperatures, formula")
            }
            let numbers = try fields[0..<3].map { field in
                guard let value = Double(field), value.isFinite else { throw fault("\"\(field)\" is no number") }
                return value
            }
            let range = try fields[7..<9].map { field in
                guard let value = Double(field), value.isFinite else { throw fault("\"\(field)\" is no temperature") }
                return value
            }
            let (alpha, beta, gamma) = (numbers[0], numbers[1], numbers[2])
            let law: RateLaw
            switch fields[9] {
            case "1": law = .cosmicRay(alpha: alpha)
            case "2": law = .photo(alpha: alpha, gamma: gamma)
            case "3": law = .arrhenius(alpha: alpha, beta: beta, gamma: gamma)
            case "4": law = .ionPolar(alpha: alpha, share: beta, gamma: gamma)
            case "5": law = .ionPolarHot(alpha: alpha, share: beta, gamma: gamma)
            case let other: throw fault("the formula \(other) is not known: 1 to 5 are")
            }
            guard range[0] < range[1] else { throw fault("its temperatures, \(range[0]) to \(range[1]) K, do not ascend") }
            let isBounded = range[0] > 0 || range[1] < 9999
            entries.append(
                Entry(
                    reaction: Reaction(
                        reactants: try side(left), products: try side(right), law: law,
                        temperatures: isBounded ? range[0]...range[1] : nil),
                    line: index + 1))
        }
        try self.init(
            name: path.split(separator: "/").last.map(String.init) ?? path, species: species, entries: entries, conditions: nil,
            file: path)
    }
}
