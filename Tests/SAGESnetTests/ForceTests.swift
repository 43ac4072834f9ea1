import Testing
@testable import SAGESnet

@Suite struct ForceTests {
    @Test func regions() throws {
        let slab = try AppliedForce(parsing: "x=-1.5..3,z=..4e1:0.1,0,-2e-1@5-9")
        #expect(slab.force == SIMD3(0.1, 0, -0.2) && slab.steps == 5...9)
        let cell = SIMD3(0, 7, 0)
        #expect(slab.acts(on: 1, at: SIMD3(-1.5, 100, -100), in: cell))
        #expect(!slab.acts(on: 1, at: SIMD3(3, 0, 0), in: cell))
        #expect(!slab.acts(on: 1, at: SIMD3(0, 0, 40), in: cell))
        let cells = try AppliedForce(parsing: "cell-y=2..7,id=3..:1,2,3@4-")
        #expect(cells.steps == 4...Int.max)
        #expect(cells.acts(on: 3, at: .zero, in: cell))
        #expect(!cells.acts(on: 2, at: .zero, in: cell))
        #expect(!cells.acts(on: 3, at: .zero, in: SIMD3(7, 8, 7)))
        let all = try AppliedForce(parsing: "all:0,0,1")
        #expect(all.steps == 1...Int.max && all.acts(on: 0, at: SIMD3(repeating: -1e9), in: .zero))
    }

    @Test(arguments: [
        ("all", "is not REGION:FX,FY,FZ"), ("all:1,2", "three numbers"), ("all:1,2,x", "three numbers"),
        ("all:1,2,inf", "three numbers"), ("all:1,2,3@0-4", "steps from 1 on"), ("all:1,2,3@5-4", "steps from 1 on"),
        ("all:1,2,3@5", "steps from 1 on"), ("x=3:1,2,3", "'x=3'"), ("x=3..2:1,2,3", "ascending order for x"),
        ("cell-x=-1..2:1,2,3", "ascending order for cell-x"), ("w=1..2:1,2,3", "'w'"), ("x=1..2,:1,2,3", "condition ''"),
        ("cell-x=1.5..2:1,2,3", "for cell-x"), ("x=nan..2:1,2,3", "for x"), (":1,2,3", "condition ''"),
    ])
    func mistakes(_ text: String, _ part: String) throws {
        let error = try #require(throws: SAGESnetError.self) { try AppliedForce(parsing: text) }
        #expect("\(error)".contains(part) && error.exitStatus == .usage, "\(error)")
    }
}
