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
        ("CH3OCH3", ["C": 2, "H": 6, "O": 1], 0), ("H-", ["H": 1], -1), ("l-C3H2", ["C": 3, "H": 2], 0), ("C10H2++", ["C": 10, "H": 2], 2),
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

    /// A line in KIDA's columns.
    private static func line(
        _ reactants: [String], _ products: [String], _ numbers: [Double], formula: Int, range: (Int, Int) = (-9999, 9999)
    ) -> String {
        func names(_ names: [String], _ places: Int) -> String {
            (0..<places).map { place in
                (place < names.count ? names[place] : "").padding(toLength: 11, withPad: " ", startingAt: 0)
            }.joined()
        }
        return names(reactants, 3) + " " + names(products, 5) + numbers.map { "\($0) " }.joined()
            + "2.00e+00 0.00e+00 logn 4 \(range.0) \(range.1) \(formula) 12 1 1"
    }

    private func readText(_ lines: [String]) throws -> ReactionNetwork {
        let path = NSTemporaryDirectory() + "sages-network-\(UUID().uuidString).dat"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        return try ReactionNetwork(file: path)
    }

    /// The network that ships, written as KIDA's text, is the same but for the order of its species.
    @Test func textForm() throws {
        let network = try ReactionNetwork(file: networkPath + "/osu2008.json")
        let names = network.species.map(\.name)
        let lines = network.reactions.map { reaction -> String in
            let (left, right) = (reaction.reactants.map { names[$0] }, reaction.products.map { names[$0] })
            return switch reaction.law {
            case .arrhenius(let alpha, let beta, let gamma): Self.line(left, right, [alpha, beta, gamma], formula: 3)
            case .cosmicRay(let alpha): Self.line(left + ["CR"], right, [alpha, 0, 0], formula: 1)
            default: "another law"
            }
        }
        let text = try readText(["! a comment", ""] + lines)
        #expect(Set(text.species) == Set(network.species) && text.reactions.count == 224)
        let conditions = try #require(network.conditions)
        #expect(text.coefficients(conditions) == network.coefficients(conditions))
        #expect(text.reactions.map(text.describe) == network.reactions.map(network.describe))
    }

    @Test func lawsOfTheTextForm() throws {
        let network = try readText([
            Self.line(["H2", "Photon"], ["H", "H"], [1e-11, 0, 2], formula: 2),
            Self.line(["H+", "H2O"], ["H2O+", "H"], [1, 2e-9, 3], formula: 4),
            Self.line(["C+", "H2O"], ["HCO+", "H"], [1, 2e-9, 3], formula: 5),
            Self.line(["H", "H"], ["H2"], [1, 0, 0], formula: 3, range: (10, 100)),
            Self.line(["H", "H"], ["H2"], [2, 0, 0], formula: 3, range: (100, 1000)),
        ])
        for (temperature, expected) in [(50.0, [1.0, 0]), (500, [0, 2]), (5000, [0, 2]), (5, [1, 0])] {
            let conditions = Conditions(temperature: temperature, ionizationRate: 0, radiation: 1, extinction: 1)
            let coefficients = network.coefficients(conditions)
            let root = (300 / temperature).squareRoot()
            #expect(abs(coefficients[0] / (1e-11 * exp(-2)) - 1) < 1e-14)
            #expect(abs(coefficients[1] / (2e-9 * (0.62 + 0.4767 * 3 * root)) - 1) < 1e-14)
            #expect(abs(coefficients[2] / (2e-9 * (1 + 0.0967 * 3 * root + 9 / 10.526 * root * root)) - 1) < 1e-14)
            #expect(Array(coefficients[3...]) == expected)
        }
    }

    @Test(arguments: [
        (line(["H", "H"], ["H2", "H"], [1, 0, 0], formula: 3), "not balanced"),
        (line(["H", "XH"], ["H2"], [1, 0, 0], formula: 3), "\"XH\" is the formula of no species"),
        (line(["H", "H"], ["H2"], [1, 0, 0], formula: 9), "formula 9 is not known"),
        (line(["H", "H"], ["H2"], [-1, 0, 0], formula: 3), "rate coefficient -1.0"),
        (line(["H", "H"], ["H2"], [1, 0, 0], formula: 3, range: (100, 10)), "do not ascend"),
        (line(["H", "H"], ["H2"], [1, 0, 0], formula: 3).replacing("1.0", with: "1.x"), "is no number"),
        (line(["CR"], ["H2"], [1, 0, 0], formula: 3), "has 0 reactants"),
        ("H + H -> H2", "0 fields behind the species"),
    ])
    func malformedText(_ text: String, _ message: String) throws {
        let error = #expect(throws: NetworkError.self) { try readText(["! a comment", text]) }
        #expect(error?.description.contains(message) == true && error?.line == 2, "\(error?.description ?? "")")
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
