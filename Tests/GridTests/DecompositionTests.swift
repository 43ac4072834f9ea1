import Testing

@testable import Grid

/// Grids that divide and that do not, thin and thick.
private let grids: [Extent3] = [
    Extent3(z: 1, y: 1, x: 1), Extent3(z: 3, y: 3, x: 3), Extent3(z: 7, y: 11, x: 13), Extent3(z: 8, y: 8, x: 8),
    Extent3(z: 2, y: 1, x: 40), Extent3(z: 5, y: 16, x: 6), Extent3(z: 64, y: 2, x: 3),
]

@Suite struct DecompositionTests {
    @Test(arguments: grids)
    func partsCoverTheGridOnceAndAreThickEnough(cells: Extent3) throws {
        for haloWidth in 1...3 {
            for ranks in [1, 2, 3, 4, 5, 6, 7, 8, 12, 27, 64] {
                let decomposition = try Decomposition(cells: cells, boundaries: .periodic, haloWidth: haloWidth, ranks: ranks)
                #expect(decomposition.activeRanks >= 1 && decomposition.activeRanks <= ranks)
                var owner = [Int](repeating: -1, count: cells.count)
                for rank in 0..<ranks {
                    let range = decomposition.range(ofRank: rank)
                    #expect(range.isEmpty == !decomposition.isActive(rank))
                    for axis in 0..<3 where !range.isEmpty {
                        let extent = range.extent[axis]
                        let parts = decomposition.parts[axis]
                        #expect(parts == 1 || extent >= haloWidth, "thinner than the halo")
                        #expect(extent == cells[axis] / parts || extent == (cells[axis] + parts - 1) / parts, "not balanced")
                    }
                    for z in range.lower.z..<range.upper.z {
                        for y in range.lower.y..<range.upper.y {
                            for x in range.lower.x..<range.upper.x {
                                let cell = Extent3(z: z, y: y, x: x)
                                #expect(owner[cells.index(of: cell)] == -1, "cell \(cell) is owned twice")
                                owner[cells.index(of: cell)] = rank
                                #expect(decomposition.owner(ofCell: cell) == rank)
                            }
                        }
                    }
                }
                #expect(!owner.contains(-1), "some cell has no owner")
            }
        }
    }

    @Test(arguments: grids)
    func neighborsOwnTheGhosts(cells: Extent3) throws {
        for boundaries in [Boundaries.periodic, .open, Boundaries(z: .open, y: .periodic, x: .open)] {
            for (haloWidth, ranks) in [(1, 8), (2, 6), (3, 4)] {
                let decomposition = try Decomposition(cells: cells, boundaries: boundaries, haloWidth: haloWidth, ranks: ranks)
                for rank in 0..<ranks {
                    let box = PaddedBox(decomposition, rank: rank)
                    let lower = decomposition.range(ofRank: rank).lower
                    for index in 0..<Direction.count where index != Direction.center {
                        let direction = Direction.offset(index)
                        let neighbor = decomposition.neighbor(ofRank: rank, direction: direction)
                        guard decomposition.isActive(rank) else {
                            #expect(neighbor == nil)
                            continue
                        }
                        let ghosts = box.ghosts(direction)
                        for corner in [ghosts.lower, ghosts.upper - Extent3(repeating: 1)] {
                            let owner = decomposition.wrap(lower + corner).map { decomposition.owner(ofCell: $0) }
                            #expect(owner == neighbor, "ghost \(corner) of rank \(rank)")
                        }
                        if let neighbor {
                            #expect(decomposition.neighbor(ofRank: neighbor, direction: -direction) == rank)
                        }
                    }
                }
            }
        }
    }

    @Test func choosesCompactPartsAndLeavesRanksIdle() throws {
        func parts(_ z: Int, _ y: Int, _ x: Int, halo: Int = 1, ranks: Int) throws -> Extent3 {
            try Decomposition(cells: Extent3(z: z, y: y, x: x), boundaries: .periodic, haloWidth: halo, ranks: ranks).parts
        }
        // As many face cells as 2x2x2, with fewer edges and messages.
        #expect(try parts(64, 64, 64, ranks: 8) == Extent3(z: 4, y: 2, x: 1))
        #expect(try parts(64, 64, 64, ranks: 64) == Extent3(repeating: 4))
        #expect(try parts(64, 64, 64, ranks: 2) == Extent3(z: 2, y: 1, x: 1))
        #expect(try parts(10, 10, 1000, ranks: 4) == Extent3(z: 1, y: 1, x: 4))
        #expect(try parts(3, 3, 3, halo: 3, ranks: 8) == Extent3(repeating: 1))
        // Seven ranks: six work faster than seven slabs.
        #expect(try parts(8, 8, 8, ranks: 7) == Extent3(z: 3, y: 2, x: 1))
    }

    /// Where ghosts are little work a thin grid is cut, in the same way as far as they are equal.
    @Test func weighsGhosts() throws {
        func parts(_ side: Int, ranks: Int, ghostWeight: Double) throws -> Extent3 {
            try Decomposition(
                cells: Extent3(repeating: side), boundaries: .periodic, haloWidth: 1, ranks: ranks, ghostWeight: ghostWeight
            ).parts
        }
        #expect(try parts(5, ranks: 2, ghostWeight: 1) == Extent3(repeating: 1))
        #expect(try parts(5, ranks: 2, ghostWeight: 0.25) == Extent3(z: 2, y: 1, x: 1))
        #expect(try parts(16, ranks: 8, ghostWeight: 0.25) == Extent3(z: 4, y: 2, x: 1))
        #expect(try parts(2, ranks: 8, ghostWeight: 1) == Extent3(repeating: 1))
    }

    @Test func refusesTheImpossible() throws {
        func make(_ cells: Extent3, halo: Int = 1, ranks: Int = 4, parts: Extent3? = nil) throws {
            _ = try Decomposition(cells: cells, boundaries: .periodic, haloWidth: halo, ranks: ranks, parts: parts)
        }
        let cells = Extent3(z: 7, y: 11, x: 13)
        #expect(throws: GridError.invalidHaloWidth(4)) { try make(cells, halo: 4) }
        #expect(throws: GridError.invalidHaloWidth(0)) { try make(cells, halo: 0) }
        for bad in [Extent3(z: 0, y: 1, x: 1), Extent3(z: 1, y: -3, x: 1), Extent3(repeating: Int.max), Extent3(repeating: 1 << 20)] {
            #expect(throws: GridError.invalidCells(bad)) { try make(bad) }
        }
        let five = Extent3(z: 1, y: 1, x: 5)
        #expect(throws: GridError.tooManyParts(parts: five, ranks: 4)) { try make(cells, parts: five) }
        let huge = Extent3(repeating: 1 << 40)
        #expect(throws: GridError.tooManyParts(parts: huge, ranks: 4)) { try make(cells, parts: huge) }
        #expect(GridError.tooManyParts(parts: huge, ranks: 4).description.contains("more ranks"))
        #expect(throws: GridError.partTooThin(axis: "z", cells: 7, parts: 4, haloWidth: 2)) {
            try make(cells, halo: 2, parts: Extent3(z: 4, y: 1, x: 1))
        }
        #expect(try Decomposition(cells: cells, boundaries: .open, haloWidth: 2, ranks: 4,
                                  parts: Extent3(z: 3, y: 1, x: 1)).activeRanks == 3)
    }

    @Test func parsesOptions() throws {
        #expect(try Extent3(parsingXYZ: "2x3x4") == Extent3(z: 4, y: 3, x: 2))
        #expect(try Extent3(parsingZYX: "2x3x4") == Extent3(z: 2, y: 3, x: 4))
        for bad in ["", "2x3", "2x3x4x5", "2x-3x4", "0x1x1", "axbxc", "2x3x", "2 x3x4", "99999999999x1x1"] {
            #expect(throws: GridError.self, "\(bad)") { _ = try Extent3(parsingXYZ: bad) }
        }
        #expect(try Boundaries(parsing: "p,p,o") == Boundaries(z: .open, y: .periodic, x: .periodic))
        #expect(try Boundaries(parsing: "o") == .open)
        #expect(try Boundaries(parsing: "o,p,p").description == "o,p,p")
        for bad in ["", "p,p", "p,q,p", "p,p,p,p", "pp", "P,P,P"] {
            #expect(throws: GridError.self, "\(bad)") { _ = try Boundaries(parsing: bad) }
        }
    }

    @Test func wrapsPositions() throws {
        let decomposition = try Decomposition(cells: Extent3(z: 2, y: 3, x: 1), boundaries: Boundaries(z: .periodic, y: .open, x: .periodic),
                                              haloWidth: 3, ranks: 1)
        #expect(decomposition.wrap(Extent3(z: -3, y: 2, x: 2)) == Extent3(z: 1, y: 2, x: 0))
        #expect(decomposition.wrap(Extent3(z: 4, y: 0, x: -3)) == Extent3(z: 0, y: 0, x: 0))
        #expect(decomposition.wrap(Extent3(z: 0, y: 3, x: 0)) == nil)
        #expect(decomposition.wrap(Extent3(z: 0, y: -1, x: 0)) == nil)
    }

    @Test func directionsAreNumberedAsDocumented() {
        #expect(Direction.index(.zero) == Direction.center)
        for index in 0..<Direction.count {
            #expect(Direction.index(Direction.offset(index)) == index)
            #expect(Direction.offset(Direction.opposite(index)) == -Direction.offset(index))
        }
    }

    @Test func fieldsAreAlignedAndLaidOutChannelsFastest() {
        let field = GridField<Float>(box: PaddedBox(cells: Extent3(z: 2, y: 3, x: 4), haloWidth: 2), channels: 5)
        #expect(Int(bitPattern: field.storage.baseAddress) % 64 == 0)
        #expect(field.storage.count == 6 * 7 * 8 * 5 && field.storage.allSatisfy { $0 == 0 })
        field[1, -2, 5, 3] = 7
        #expect(field.storage[((3 * 7 + 0) * 8 + 7) * 5 + 3] == 7)
        #expect(field.vector(z: 1, y: -2, x: 5)[3] == 7)
        field.fill(2)
        #expect(field.storage.allSatisfy { $0 == 2 })
    }
}
