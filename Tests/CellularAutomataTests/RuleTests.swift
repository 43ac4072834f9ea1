import Testing
@testable import CellularAutomata

@Suite struct RuleTests {
    /// Bays: survives with 4...5, is born with 5.
    @Test func baysNotation() throws {
        let rule = try OuterTotalisticRule(parsing: "4555")
        for neighbors in 0...26 {
            #expect(rule.next(isAlive: true, livingNeighbors: neighbors) == (4...5).contains(neighbors))
            #expect(rule.next(isAlive: false, livingNeighbors: neighbors) == (neighbors == 5))
        }
        #expect(rule == OuterTotalisticRule(birth: [5], survival: [4, 5]))
        #expect(try OuterTotalisticRule(parsing: "5766") == OuterTotalisticRule(birth: [6], survival: [5, 6, 7]))
    }

    @Test func lists() throws {
        #expect(try OuterTotalisticRule(parsing: "B5/S4,5") == OuterTotalisticRule(parsing: "4555"))
        #expect(try OuterTotalisticRule(parsing: "B5-7,20/S") == OuterTotalisticRule(birth: [5, 6, 7, 20], survival: []))
        let rule = OuterTotalisticRule(birth: [0, 26], survival: [13, 26])
        #expect(rule.description == "B0,26/S13,26")
        #expect(try OuterTotalisticRule(parsing: rule.description) == rule)
        #expect(try AutomatonRule(parsing: "gas") == .blocks(.gas))
    }

    @Test(arguments: ["", "455", "45555", "5455", "4565x", "B5", "S4/B5", "B27/S1", "B5/S4-", "B5/S6-5", "B5/S4,,5", "B-1/S4", "Gas",
                      "regions:", "regions:3546,7878", "regions:3546,7878,513", "regions:3546,78,1"])
    func noRules(_ text: String) {
        #expect(throws: AutomatonError.self) { try AutomatonRule(parsing: text) }
    }

    /// The gas permutes states, conserves particles and their momentum, and differs from free flight where two meet.
    @Test func gas() {
        let rule = BlockRule.gas
        #expect(Set(rule.permutation).count == 256)
        /// Twice the sum of the places of the living cells from the block's center.
        func moment(_ state: Int) -> [Int] {
            var sum = [0, 0, 0]
            for bit in 0..<8 where (state >> bit) & 1 == 1 {
                for axis in 0..<3 { sum[axis] += (bit >> axis) & 1 == 1 ? 1 : -1 }
            }
            return sum
        }
        /// Every cell at the opposite corner.
        func flown(_ state: Int) -> Int {
            var result = 0
            for bit in 0..<8 where (state >> bit) & 1 == 1 { result |= 1 << (7 - bit) }
            return result
        }
        var scattered = 0
        for state in 0..<256 {
            let next = Int(rule.permutation[state])
            #expect(next.nonzeroBitCount == state.nonzeroBitCount)
            let opposite: [Int] = moment(state).map { -$0 }
            #expect(moment(next) == opposite)
            #expect(Int(rule.inverse.permutation[next]) == state)
            if next != flown(state) { scattered += 1 }
        }
        #expect(scattered == 4)
    }
}
