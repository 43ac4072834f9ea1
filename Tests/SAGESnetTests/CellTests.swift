import Grid
import Tensor
import Testing
import Trajectory
@testable import SAGESnet

@Suite struct AtomGridTests {
    private static let boxes: [SimulationBox] = [
        SimulationBox(edges: SIMD3(17.835, 10.7, 7.1)),
        SimulationBox(origin: SIMD3(-103.7, -0.1, 55.3), edges: SIMD3(13.37, 9.99, 31.0)),
        SimulationBox(origin: SIMD3(-5, -3, 2), edges: SIMD3(11, 12.5, 9.2), boundaries: (.open, .periodic, .open)),
    ]

    @Test(arguments: 0..<3, [SIMD3(repeating: 0.5), SIMD3(0.1, 0.77, 0.999), SIMD3<Double>(repeating: 0)])
    func positionsComeBackBitForBit(box index: Int, phase: SIMD3<Double>) throws {
        let box = Self.boxes[index]
        let grid = try AtomGrid(box: box, side: 0.9, phase: phase)
        var generator = Philox(seed: 3, stream: UInt64(index))
        for _ in 0..<3000 {
            for axis in 0..<3 {
                let coordinate = AtomGrid.quantized(box.origin[axis] + box.edges[axis] * generator.nextUniform() * (1 - 1e-9))
                let place = try #require(grid.place(coordinate, axis: axis))
                #expect(place.cell >= 0 && place.cell < grid.count(axis))
                #expect(abs(place.offset) <= grid.cellSize[axis] / 2 + 1e-9)
                let back = grid.coordinate(cell: place.cell, offset: place.offset, axis: axis)
                #expect(back + Double(place.image) * grid.period[axis] == coordinate)
                guard box.boundary(axis) == .periodic else { continue }
                // An image has the same cell and offset, and says how far away it is.
                for boxes in [-2, 1, 3] {
                    let image = try #require(grid.place(coordinate + Double(boxes) * grid.period[axis], axis: axis))
                    #expect(image.cell == place.cell && image.offset == place.offset && image.image == place.image + boxes)
                }
            }
        }
    }

    @Test func beyondAnOpenEndThereIsNoCell() throws {
        let grid = try AtomGrid(box: Self.boxes[2], side: 0.9)
        #expect(grid.place(-5.01, axis: 0) == nil)
        #expect(grid.place(6.01, axis: 0) == nil)
        #expect(grid.place(-4.99, axis: 0) != nil)
        #expect(grid.place(-4, axis: 1) != nil)
        for axis in 0..<3 {
            #expect(grid.place(.nan, axis: axis) == nil)
            #expect(grid.place(.infinity, axis: axis) == nil)
        }
        #expect(throws: SAGESnetError.self) { try AtomGrid(box: Self.boxes[2], side: 30) }
    }
}

@Suite struct CubeSymmetryTests {
    /// What a symmetry does to (1, 2, 3): it names the symmetry.
    private func image(_ symmetry: CubeSymmetry) -> SIMD3<Double> { symmetry(SIMD3(1, 2, 3)) }

    @Test func theyAreAGroup() {
        let all = CubeSymmetry.all
        #expect(all.count == 48 && all[0] == .identity)
        let images = Set(all.map(image))
        #expect(images.count == 48)
        for a in all {
            // Closed: what a does after b is one of them. Inverse: one of them undoes a.
            #expect(all.allSatisfy { b in images.contains(a(image(b))) })
            #expect(all.contains { b in a(image(b)) == SIMD3(1, 2, 3) })
        }
    }

    @Test func theyKeepLengthsAndAngles() {
        let (u, v) = (SIMD3(0.3, -1.2, 2.5), SIMD3(1.7, 0.4, -0.9))
        for symmetry in CubeSymmetry.all {
            let (a, b) = (symmetry(u), symmetry(v))
            #expect(abs((a * b).sum() - (u * v).sum()) < 1e-12)
        }
    }

    @Test func onlyThoseOfTheBoxAreTaken() throws {
        func count(_ edges: SIMD3<Double>, open: Bool = false) throws -> Int {
            let box = SimulationBox(edges: edges, boundaries: (open ? .open : .periodic, .periodic, .periodic))
            return CubeSymmetry.preserving(try AtomGrid(box: box, side: 1)).count
        }
        #expect(try count(SIMD3(8, 8, 8)) == 48)
        #expect(try count(SIMD3(8, 8, 9)) == 16)
        #expect(try count(SIMD3(7, 8, 9)) == 8)
        #expect(try count(SIMD3(8, 8, 8), open: true) == 16)
    }
}

@Suite struct CellBinningTests {
    /// Rows as sets of slots in order, each atom by its name.
    private func rows(_ names: [Int], cells: [Int32], offsets: [Double], everyCell: Bool) throws -> [[Int]] {
        let binning = CellBinning(everyCell ? .cells : .occupiedCells, slots: 3)
        try offsets.withUnsafeBufferPointer { offsets in
            try cells.withUnsafeBufferPointer { cells in
                guard let places = offsets.baseAddress, let base = cells.baseAddress else { return }
                try binning.bin(cells: base, atoms: names.count, cellCount: 40) { a, b in
                    CellBinning.precedes(a, b, offsets: places) ?? (names[a] < names[b])
                }
            }
        }
        return (0..<binning.rowCount).map { row in
            [Int(binning.cellOfRow.pointer[row])] + (0..<3).map { slot in
                let atom = Int(binning.atomOfSlot.pointer[3 * row + slot])
                return atom < 0 ? -1 : names[atom]
            }
        }
    }

    @Test(arguments: [false, true]) func theOrderOfAtomsDoesNotMatter(everyCell: Bool) throws {
        var generator = Philox(seed: 8, stream: 1)
        // Three in a cell at most, some with equal offsets.
        let cells = (0..<60).map { Int32($0 % 20 * 2) }
        let offsets = (0..<180).map { _ in Double(generator.nextIndex(below: 3)) - 1 }
        let names = Array(0..<60)
        let expected = try rows(names, cells: cells, offsets: offsets, everyCell: everyCell)
        #expect(expected.count == (everyCell ? 40 : 20))
        #expect(Set(expected.flatMap { $0.dropFirst() }).subtracting([-1]).count == 60)
        for _ in 0..<20 {
            var order = names
            for index in order.indices.dropFirst() { order.swapAt(index, generator.nextIndex(below: index + 1)) }
            let shuffled = try rows(
                order, cells: order.map { cells[$0] }, offsets: order.flatMap { offsets[(3 * $0)..<(3 * $0 + 3)] },
                everyCell: everyCell)
            #expect(shuffled == expected)
        }
    }

    @Test func aCrowdedCellIsNamed() throws {
        let error = #expect(throws: CellBinning.Crowded.self) {
            try rows(Array(0..<6), cells: [1, 7, 7, 7, 1, 7], offsets: [Double](repeating: 0, count: 18), everyCell: false)
        }
        #expect(error?.cell == 7 && error?.atoms == 4)
    }
}
