import Foundation
import Testing
@testable import ReactionNetworks

/// What ships with the project.
let networkPath = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("jobs/data/chemistry").path

@Suite struct NetworkTests {
    @Test func theNetworkThatShips() throws {
        let network = try ReactionNetwork(json: networkPath + "/osu2008.json")
        #expect(network.species.count == 29 && network.reactions.count == 224)
        #expect(network.conditions == Conditions(temperature: 50, ionizationRate: 1e-16))
        #expect(network.conservedQuantities.map(\.name) == ["C", "H", "O", "charge"])
        #expect(network.index(of: "HCO+") != nil && network.index(of: "HCN") == nil)
        for species in network.species { #expect(Species(formula: species.name) == species) }
    }

    @Test(arguments: [
        ("H3O+", ["H": 3, "O": 1], 1), ("e-", [:], -1), ("C6H6", ["C": 6, "H": 6], 0), ("HeH+", ["H": 1, "He": 1], 1),
        ("CH3OCH3", ["C": 2, "H": 6, "O": 1], 0), ("H-", ["H": 1], -1), ("C10H2++", ["C": 10, "H": 2], 2),
    ])
    func formulas(_ text: String, _ elements: [String: Int], _ charge: Int) {
        #expect(Species(formula: text) == Species(name: text, elements: elements, charge: charge))
    }

    @Test(arguments: ["", "+", "h2", "H2+O", "2H", "H 2", "C0"]) func noFormulas(_ text: String) {
        #expect(Species(formula: text) == nil)
    }

    @Test func rateLaws() {
        let conditions = Conditions(temperature: 600, ionizationRate: 3e-17, radiation: 2, extinction: 1.5)
        #expect(abs(RateLaw.arrhenius(alpha: 2, beta: 2, gamma: 600).coefficient(conditions) - 8 / M_E) < 1e-14)
        #expect(RateLaw.cosmicRay(alpha: 10).coefficient(conditions) == 3e-16)
        #expect(abs(RateLaw.photo(alpha: 1, gamma: 2).coefficient(conditions) - 2 * exp(-3)) < 1e-15)
    }

    private static let small = """
        { "name": "small", "conditions": { "T_K": 100, "zeta_per_s": 1e-17 },
        "species": [
        { "name": "H", "elements": { "H": 1 }, "charge": 0 }, { "name": "H2", "elements": { "H": 2 }, "charge": 0 },
        { "name": "H+", "elements": { "H": 1 }, "charge": 1 }, { "name": "e-", "elements": {}, "charge": -1 } ],
        "reactions": [
        { "type": "arrhenius", "reactants": ["H", "H"], "products": ["H2"], "alpha": 1e-17, "beta": 0.5, "gamma": 0 },
        { "type": "cosmic-ray", "reactants": ["H"], "products": ["H+", "e-"], "alpha": 0.5 },
        { "type": "arrhenius", "reactants": ["H+", "e-"], "products": ["H"], "alpha": 3e-12, "beta": -0.7, "gamma": 0 } ] }
        """

    private func read(_ text: String) throws -> ReactionNetwork {
        let path = NSTemporaryDirectory() + "sages-network-\(UUID().uuidString).json"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return try ReactionNetwork(json: path)
    }

    @Test(arguments: [
        ("\"products\": [\"H2\"]", "\"products\": [\"H2\", \"H\"]", 6, "H + H -> H2 + H is not balanced: H is 2 before and 3 after"),
        ("\"products\": [\"H+\", \"e-\"]", "\"products\": [\"H+\"]", 7, "H -> H+ is not balanced: charge is 0 before and 1 after"),
        ("\"reactants\": [\"H+\", \"e-\"]", "\"reactants\": [\"He+\", \"e-\"]", 8, "unknown species He+"),
        ("\"alpha\": 0.5", "\"alpha\": -0.5", 7, "H -> H+ + e- has the rate coefficient -0.5"),
        ("\"alpha\": 0.5", "\"alpha\": \"much\"", 7, "\"alpha\" that is no number"),
        ("\"type\": \"cosmic-ray\"", "\"type\": \"grain\"", 7, "unknown type \"grain\""),
        ("\"reactants\": [\"H\"], ", "", 7, "has no \"reactants\""),
        ("\"reactants\": [\"H\"]", "\"reactants\": []", 7, "has 0 reactants"),
        ("{ \"name\": \"H2\"", "{ \"name\": \"H\"", 3, "the species H is there twice"),
        ("\"charge\": 1", "\"charge\": 0.5", 4, "the species H+ has a \"charge\" that is no whole number"),
        ("\"H\": 2", "\"H\": -2", 3, "number of atoms of H"),
    ] as [(String, String, Int?, String)])
    func malformedNetworks(_ original: String, _ replacement: String, _ line: Int?, _ message: String) throws {
        let text = Self.small.replacingOccurrences(of: original, with: replacement)
        #expect(text != Self.small)
        let error = #expect(throws: NetworkError.self) { try read(text) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
        #expect(error?.line == line && error?.exitStatus == .data)
    }

    @Test func twiceAndEmpty() throws {
        let reaction = "{ \"type\": \"cosmic-ray\", \"reactants\": [\"H\"], \"products\": [\"e-\", \"H+\"], \"alpha\": 0.5 },"
        let twice = Self.small.replacingOccurrences(of: "\"reactions\": [", with: "\"reactions\": [ \(reaction)")
        let error = #expect(throws: NetworkError.self) { try read(twice) }
        #expect(error?.description.contains("H -> H+ + e- is there twice, first in line 5") == true, "\(error?.description ?? "")")
        for (text, message) in [
            ("{ \"species\": [], \"reactions\": [] }", "no species"), ("{}", "has no \"species\""), ("[]", "must be an object"),
            ("{ \"species\": [{ \"name\": \"H\", \"elements\": { \"H\": 1 }, \"charge\": 0 }], \"reactions\": [] }", "no reactions"),
            ("{ \"species\": ", "network"),
        ] {
            let error = #expect(throws: NetworkError.self) { try read(text) }
            #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
        }
        let missing = #expect(throws: NetworkError.self) { try ReactionNetwork(json: "/none/network.json") }
        #expect(missing?.exitStatus == .noInput)
    }
}
