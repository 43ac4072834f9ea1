import ODE

/// The differential equations of a network in densities: dn_i/dt = sum over reactions of s_ir k_r times the product of the
/// densities of r's reactants, with the stoichiometric coefficients s (001, Eq. 1).
public final class MassAction: StiffSystem {
    public let count: Int
    public let pattern: JacobianPattern
    /// k, in the network's units. [reactions]
    public private(set) var coefficients: [Double]

    // Reaction by reaction: its reactants (the second and third may be missing, -1) and what it changes.
    private let reactants: [SIMD4<Int32>]
    private let firstChange: [Int]
    private let changedSpecies: [Int32]
    private let changes: [Double]
    /// For each reaction and each of its three reactants, where the entries of the Jacobian are that its changes go to.
    private let entries: [[[Int]]]

    public init(_ network: ReactionNetwork, _ conditions: Conditions) {
        count = network.species.count
        coefficients = network.coefficients(conditions)
        reactants = network.reactions.map { reaction in
            var lanes = SIMD4<Int32>(repeating: -1)
            for (lane, species) in reaction.reactants.enumerated() { lanes[lane] = Int32(species) }
            return lanes
        }
        let net = network.reactions.map { reaction -> [(species: Int, change: Int)] in
            var change: [Int: Int] = [:]
            for species in reaction.reactants { change[species, default: 0] -= 1 }
            for species in reaction.products { change[species, default: 0] += 1 }
            return change.filter { $0.value != 0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
        firstChange = net.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
        changedSpecies = net.joined().map { Int32($0.species) }
        changes = net.joined().map { Double($0.change) }
        let pattern = JacobianPattern(
            count: count,
            entries: zip(network.reactions, net).flatMap { reaction, net in
                reaction.reactants.flatMap { column in net.map { ($0.species, column) } }
            })
        self.pattern = pattern
        entries = zip(network.reactions, net).map { reaction, net in
            reaction.reactants.map { column in net.map { pattern.place(row: $0.species, column: column) ?? 0 } }
        }
    }

    /// Takes other surroundings.
    public func setConditions(_ conditions: Conditions, of network: ReactionNetwork) {
        coefficients = network.coefficients(conditions)
    }

    public func differentiate(
        at time: Double, _ n: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>
    ) {
        derivative.update(repeating: 0, count: count)
        for reaction in reactants.indices {
            let lanes = reactants[reaction]
            var rate = coefficients[reaction] * n[Int(lanes[0])]
            if lanes[1] >= 0 { rate *= n[Int(lanes[1])] }
            if lanes[2] >= 0 { rate *= n[Int(lanes[2])] }
            for index in firstChange[reaction]..<firstChange[reaction + 1] {
                derivative[Int(changedSpecies[index])] += changes[index] * rate
            }
        }
    }

    public func linearize(
        at time: Double, _ n: UnsafePointer<Double>, into values: UnsafeMutablePointer<Double>
    ) {
        for reaction in reactants.indices {
            let lanes = reactants[reaction]
            for (lane, places) in entries[reaction].enumerated() {
                var slope = coefficients[reaction]
                for other in 0..<3 where other != lane && lanes[other] >= 0 { slope *= n[Int(lanes[other])] }
                for (place, index) in zip(places, firstChange[reaction]..<firstChange[reaction + 1]) {
                    values[place] += changes[index] * slope
                }
            }
        }
    }
}
