import Foundation

/// Species and the reactions between them, balanced in every element and in charge.
public struct ReactionNetwork: Hashable, Sendable {
    public let name: String
    public let species: [Species]
    public let reactions: [Reaction]
    /// What the file says of the surroundings; nil if nothing.
    public let conditions: Conditions?

    /// A reaction with the line that it comes from.
    struct Entry {
        let reaction: Reaction
        let line: Int?
    }

    /// Checks the network, whose species have different names.
    ///
    /// - Throws: `NetworkError` that names the reaction, for one that is not balanced, is there twice, has a rate that is negative
    ///   or no number, or no or too many reactants; for a network without species or reactions.
    init(name: String, species: [Species], entries: [Entry], conditions: Conditions?, file: String) throws {
        func fault(_ line: Int?, _ reason: String) -> NetworkError { NetworkError(file: file, line: line, reason: reason) }
        guard !species.isEmpty else { throw fault(nil, "the network has no species") }
        guard !entries.isEmpty else { throw fault(nil, "the network has no reactions") }
        self.name = name
        self.species = species
        reactions = entries.map(\.reaction)
        self.conditions = conditions

        let conserved = conservedQuantities
        var seen: [Reaction: Int?] = [:]
        for entry in entries {
            let reaction = entry.reaction
            func text() -> String { "the reaction \(describe(reaction))" }
            guard (1...3).contains(reaction.reactants.count) else {
                throw fault(entry.line, "\(text()) has \(reaction.reactants.count) reactants, not 1 to 3")
            }
            guard reaction.law.prefactor.isFinite, reaction.law.prefactor >= 0 else {
                throw fault(entry.line, "\(text()) has the rate coefficient \(reaction.law.prefactor), which is negative or no number")
            }
            for quantity in conserved {
                let sums = [reaction.reactants, reaction.products].map { side in
                    side.reduce(0) { $0 + quantity.amounts[$1] }
                }
                guard sums[0] == sums[1] else {
                    throw fault(
                        entry.line, "\(text()) is not balanced: \(quantity.name) is \(sums[0]) before and \(sums[1]) after")
                }
            }
            // Two laws for the same reaction add up; the same law twice is a mistake.
            let sorted = Reaction(
                reactants: reaction.reactants.sorted(), products: reaction.products.sorted(), law: reaction.law,
                temperatures: reaction.temperatures)
            if let first = seen[sorted] {
                throw fault(entry.line, "\(text()) is there twice" + (first.map { ", first in line \($0)" } ?? ""))
            }
            seen[sorted] = .some(entry.line)
        }
    }

    /// The index of a species; nil if the network has none of this name.
    public func index(of name: String) -> Int? { species.firstIndex { $0.name == name } }

    /// What no reaction changes: for each element, and for the charge, how much of it each species has.
    public var conservedQuantities: [(name: String, amounts: [Int])] {
        let elements = Set(species.flatMap(\.elements.keys)).sorted()
        return elements.map { element in (element, species.map { $0.elements[element] ?? 0 }) }
            + [("charge", species.map(\.charge))]
    }

    /// The rate coefficients of the reactions. [reactions]
    ///
    /// Of laws of one reaction for different temperatures the one counts whose range is nearest; where ranges meet, the first.
    public func coefficients(_ conditions: Conditions) -> [Double] {
        var coefficients = reactions.map { $0.law.coefficient(conditions) }
        for alternatives in alternatives {
            func distance(_ index: Int) -> Double {
                guard let range = reactions[index].temperatures else { return 0 }
                return max(range.lowerBound - conditions.temperature, conditions.temperature - range.upperBound, 0)
            }
            guard let nearest = alternatives.min(by: { distance($0) < distance($1) }) else { continue }
            for index in alternatives where index != nearest { coefficients[index] = 0 }
        }
        return coefficients
    }

    /// The reactions that have several laws for different temperatures, each with the indices of these.
    private var alternatives: [[Int]] {
        let bounded = reactions.indices.filter { reactions[$0].temperatures != nil }
        return Dictionary(grouping: bounded) { index in
            [reactions[index].reactants.sorted(), reactions[index].products.sorted()]
        }.values.filter { $0.count > 1 }
    }

    /// Reads a network in the form that its content has: JSON where it begins with a brace, else KIDA's. Not collective.
    ///
    /// - Throws: `NetworkError` (66 if the file is missing; else 65).
    public init(file path: String) throws {
        let start = FileHandle(forReadingAtPath: path).flatMap { try? $0.read(upToCount: 4096) } ?? Data()
        let first = start.first { !($0 == 0x20 || (0x09...0x0D).contains($0)) }
        let isJSON = first.map { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "/") } ?? true
        if isJSON { try self.init(json: path) } else { try self.init(kida: path) }
    }

    /// A reaction as an equation: `H2 + H2+ -> H3+ + H`.
    public func describe(_ reaction: Reaction) -> String {
        func side(_ indices: [Int]) -> String { indices.map { species[$0].name }.joined(separator: " + ") }
        return "\(side(reaction.reactants)) -> \(side(reaction.products))"
    }
}
