import Grid
import MPI
import Testing
@testable import CellularAutomata

/// The states of an automaton on this rank alone. [z, y, x]
private func cells(of automaton: Automaton) -> [Int] {
    var values = [Float](repeating: -1, count: automaton.range.count)
    values.withUnsafeMutableBufferPointer { automaton.write(to: $0) }
    return values.map { Int($0) }
}

private let grids: [(cells: Extent3, boundaries: Boundaries)] = [
    (Extent3(z: 4, y: 6, x: 8), .periodic), (Extent3(z: 5, y: 3, x: 7), .open),
    (Extent3(z: 1, y: 2, x: 9), .periodic), (Extent3(z: 6, y: 4, x: 5), Boundaries(z: .periodic, y: .periodic, x: .open)),
    (Extent3(z: 2, y: 2, x: 2), .periodic), (Extent3(z: 1, y: 1, x: 1), .open),
]

@Suite(.serialized) struct AutomatonTests {
    init() throws { try MPIEnvironment.initialize() }

    /// Every cell by itself, neighbors found by arithmetic.
    @Test(arguments: grids, ["4555", "5766", "B0,3-9/S2,13-26"])
    func countsNeighbors(_ grid: (cells: Extent3, boundaries: Boundaries), _ text: String) throws {
        let rule = try OuterTotalisticRule(parsing: text)
        let automaton = try Automaton(
            .outerTotalistic(rule), cells: grid.cells, boundaries: grid.boundaries, communicator: .selfOnly)
        let wrap = automaton.decomposition
        try automaton.sow(density: 0.35, seed: 3)
        for _ in 0..<4 {
            let before = cells(of: automaton)
            try automaton.advance()
            let after = cells(of: automaton)
            for index in before.indices {
                let cell = grid.cells.cell(at: index)
                var living = 0
                for direction in 0..<Direction.count where direction != Direction.center {
                    guard let neighbor = wrap.wrap(cell + Direction.offset(direction)) else { continue }
                    living += before[grid.cells.index(of: neighbor)]
                }
                let lives = rule.next(isAlive: before[index] == 1, livingNeighbors: living)
                #expect(after[index] == (lives ? 1 : 0))
            }
        }
        #expect(automaton.step == 4)
    }

    /// Every cell follows the rule of its region, as many of them as live in it say.
    @Test func regionsHaveTheirRules() throws {
        guard case .regions(let rule) = try AutomatonRule(parsing: "regions:3546,7878,120") else {
            Issue.record("no rule of regions")
            return
        }
        let grid = Extent3(z: 16, y: 8, x: 24)
        func single(_ rule: OuterTotalisticRule, from before: [Int]) throws -> [Int] {
            let automaton = try Automaton(.outerTotalistic(rule), cells: grid, boundaries: .periodic, communicator: .selfOnly)
            automaton.set { before[grid.index(of: $0)] == 1 }
            try automaton.advance()
            return cells(of: automaton)
        }
        let automaton = try Automaton(.regions(rule), cells: grid, boundaries: .periodic, communicator: .selfOnly)
        try automaton.sow(density: 0.25, seed: 3)
        var seen: Set<Bool> = []
        for _ in 0..<6 {
            let before = cells(of: automaton)
            try automaton.advance()
            let (after, thin, crowded) = (
                cells(of: automaton), try single(rule.thin, from: before), try single(rule.crowded, from: before)
            )
            func region(_ index: Int) -> Extent3 {
                let cell = grid.cell(at: index)
                return Extent3(z: cell.z / 8, y: cell.y / 8, x: cell.x / 8)
            }
            let living = before.indices.reduce(into: [:]) { $0[region($1), default: 0] += before[$1] }
            for index in before.indices {
                let isCrowded = living[region(index), default: 0] > 120
                seen.insert(isCrowded)
                #expect(after[index] == (isCrowded ? crowded : thin)[index])
            }
        }
        #expect(seen.count == 2)
        #expect(throws: AutomatonError.brokenRegions(axis: "y", cells: 12)) {
            try Automaton(
                .regions(rule), cells: Extent3(z: 8, y: 12, x: 8), boundaries: .periodic, communicator: .selfOnly)
        }
    }

    /// A permutation without any symmetry.
    private static let shuffled: BlockRule = {
        var permutation = (0..<256).map { UInt8($0) }
        for count in 1...7 {
            let states = (0..<256).filter { $0.nonzeroBitCount == count }
            // A cycle through all states of a count.
            for (index, state) in states.enumerated() { permutation[state] = UInt8(states[(index + 1) % states.count]) }
        }
        return BlockRule(permutation: permutation)
    }()

    /// Every block by itself.
    @Test(arguments: [
        (Extent3(z: 4, y: 6, x: 8), Boundaries.periodic), (Extent3(z: 5, y: 3, x: 7), .open),
        (Extent3(z: 2, y: 2, x: 4), .periodic), (Extent3(z: 6, y: 4, x: 5), Boundaries(z: .periodic, y: .periodic, x: .open)),
    ])
    func permutesBlocks(_ extents: Extent3, _ boundaries: Boundaries) throws {
        for rule in [BlockRule.gas, Self.shuffled] {
            let automaton = try Automaton(.blocks(rule), cells: extents, boundaries: boundaries, communicator: .selfOnly)
            try automaton.sow(density: 0.4, seed: 9)
            let population = try automaton.population()
            var history = [cells(of: automaton)]
            for step in 0..<5 {
                var expected = history[step]
                for z in -1..<extents.z {
                    for y in -1..<extents.y {
                        for x in -1..<extents.x {
                            guard [z, y, x].allSatisfy({ ($0 + step) % 2 == 0 }) else { continue }
                            let corners = (0..<8).map { bit in
                                automaton.decomposition.wrap(
                                    Extent3(z: z + bit / 4, y: y + bit / 2 % 2, x: x + bit % 2))
                            }
                            let places = corners.compactMap { $0.map { extents.index(of: $0) } }
                            guard places.count == 8 else { continue }
                            var state = 0
                            for (bit, place) in places.enumerated() { state += history[step][place] << bit }
                            let next = Int(rule.permutation[state])
                            for (bit, place) in places.enumerated() { expected[place] = (next >> bit) & 1 }
                        }
                    }
                }
                try automaton.advance()
                history.append(cells(of: automaton))
                #expect(history[step + 1] == expected)
                #expect(try automaton.population() == population)
            }
            #expect(history[5] != history[0])
            for step in (0..<5).reversed() {
                try automaton.retreat()
                #expect(cells(of: automaton) == history[step])
            }
        }
    }

    /// A lone particle of the gas flies along a diagonal.
    @Test func particleFlies() throws {
        let extents = Extent3(z: 8, y: 6, x: 10)
        let automaton = try Automaton(.blocks(.gas), cells: extents, boundaries: .periodic, communicator: .selfOnly)
        automaton.set { $0 == Extent3(z: 2, y: 4, x: 3) }
        for _ in 0..<7 { try automaton.advance() }
        // Up along z and y, down along x, around the ends: 2 + 7, 4 + 7, 3 - 7.
        let place = extents.index(of: Extent3(z: 1, y: 5, x: 6))
        #expect(cells(of: automaton).firstIndex(of: 1) == place)
        #expect(try automaton.population() == 1)
    }

    @Test func whatCannotBe() throws {
        #expect(throws: AutomatonError.oddAxis(axis: "y", cells: 5)) {
            try Automaton(.blocks(.gas), cells: Extent3(z: 4, y: 5, x: 6), boundaries: .periodic, communicator: .selfOnly)
        }
        let automaton = try Automaton(
            .outerTotalistic(OuterTotalisticRule(parsing: "4555")), cells: Extent3(repeating: 3), boundaries: .open,
            communicator: .selfOnly)
        #expect(throws: AutomatonError.invalidDensity(1.5)) { try automaton.sow(density: 1.5, seed: 1) }
        #expect(throws: AutomatonError.self) { try automaton.sow(density: .nan, seed: 1) }
        try automaton.sow(density: 1, seed: 1)
        #expect(try automaton.population() == 27)
    }

    /// The density is the part of the cells that live, seeds differ, and equal seeds are equal.
    @Test func sowing() throws {
        let automaton = try Automaton(
            .blocks(.gas), cells: Extent3(repeating: 32), boundaries: .periodic, communicator: .selfOnly)
        try automaton.sow(density: 0.3, seed: 4)
        let first = cells(of: automaton)
        let part = Double(first.reduce(0, +)) / 32768
        // Five standard deviations.
        let spread: Double = 5 * (0.21 / 32768).squareRoot()
        #expect(abs(part - 0.3) < spread)
        try automaton.sow(density: 0.3, seed: 5)
        #expect(cells(of: automaton) != first)
        try automaton.advance()
        try automaton.sow(density: 0.3, seed: 4)
        #expect(cells(of: automaton) == first && automaton.step == 0)
    }
}
