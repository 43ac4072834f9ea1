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
            for quantity in conservedQuantities {
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
                reactants: reaction.reactants.sorted(), products: reaction.products.sorted(), law: reaction.law)
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
    public func coefficients(_ conditions: Conditions) -> [Double] { reactions.map { $0.law.coefficient(conditions) } }

    /// A reaction as an equation: `H2 + H2+ -> H3+ + H`.
    public func describe(_ reaction: Reaction) -> String {
        func side(_ indices: [Int]) -> String { indices.map { species[$0].name }.joined(separator: " + ") }
        return "\(side(reaction.reactants)) -> \(side(reaction.products))"
    }
}
