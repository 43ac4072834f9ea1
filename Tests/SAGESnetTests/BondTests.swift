import Autodiff
import Grid
import MPI
import SAGESnetTestSupport
import Tensor
import Testing
import Trajectory
@testable import SAGESnet
@testable import Training

/// Lists of pairs, bonds and angles, and the energies that are made of them.
@Suite(.serialized) struct BondTests {
    /// Small, and with bonds to the twelve nearest neighbors of the lattice.
    static let members = "predictor: \"bonds\", bonds: { cutoff: 1.75, bondCutoff: 1.6, margin: 0.2, pairFunctions: 3, "
        + "pairChannels: 2, bondFunctions: 4, bondChannels: 3, bondWidth: 4, angleFunctions: 3, angleChannels: 3, "
        + "atomWidth: 3 }"

    /// The gradient of the whole loss by every parameter against central differences, in double precision.
    @Test(arguments: ["", ", rollout: 2, environment: [\"temperature\"]", ", elements: [\"H\", \"C\"]"])
    func gradientAgreesWithDifferences(_ more: String) throws {
        let scratch = try Scratch()
        let path = try scratch.lattice("crystal") { $0.frames = 6 }
        let task = try SAGESnetTask<Double>(try modelConfiguration(Self.members + more), training: [path], validation: [])
        let weights = task.someWeights()
        let (_, gradient, recorded) = try task.lossAndGradient(weights, samples: [0, 2])
        func loss(movingBy step: Double, _ index: Int) throws -> Double {
            let kept = weights.pointer[index]
            weights.pointer[index] += step
            defer { weights.pointer[index] = kept }
            try recorded.program.run()
            return recorded.figure(0)
        }
        var random = Philox(seed: 3)
        for (parameter, values) in zip(task.layout.parameters, gradient) {
            let scale = max(values.map(abs).max() ?? 0, 1e-4)
            for _ in 0..<3 {
                let index = random.nextIndex(below: values.count)
                let step = 1e-5
                let difference = try (loss(movingBy: step, parameter.offset + index)
                    - loss(movingBy: -step, parameter.offset + index)) / (2 * step)
                #expect(
                    abs(values[index] - difference) < 1e-6 * scale + 1e-9,
                    "\(parameter.name)[\(index)]: \(values[index]), by differences \(difference)")
            }
        }
        #expect(gradient.flatMap { $0 }.filter { abs($0) > 1e-8 }.count > gradient.count)
    }

    /// Against all pairs of atoms and their images, in boxes of one, two and more cells along an axis.
    @Test(arguments: [SIMD3(3.1, 4.4, 9.2), SIMD3(2.2, 2.2, 2.2), SIMD3(7.9, 8.3, 6.5)])
    func listsAreComplete(_ edges: SIMD3<Double>) throws {
        for boundaries in [(BoxBoundary.periodic, BoxBoundary.periodic, BoxBoundary.periodic), (.open, .periodic, .open)] {
            let box = SimulationBox(edges: edges, boundaries: boundaries)
            let configuration = try modelConfiguration(Self.members)
            let grid = try AtomGrid(box: box, for: configuration)
            var random = Philox(seed: 8)
            let count = Int(0.4 * edges.x * edges.y * edges.z)
            let positions = (0..<count).map { _ in
                SIMD3(random.nextUniform(), random.nextUniform(), random.nextUniform()) * edges
            }
            let found = try lists(positions, grid, configuration)

            let reach = try #require(configuration.bonds).reach
            var pairs = 0
            for one in 0..<count {
                for other in 0..<count {
                    for image in 0..<27 {
                        let offset = SIMD3(Double(image % 3 - 1), Double(image / 3 % 3 - 1), Double(image / 9 - 1))
                        if one == other && offset == .zero { continue }
                        if (0..<3).contains(where: { offset[$0] != 0 && box.boundary($0) == .open }) { continue }
                        let difference = positions[other] + offset * edges - positions[one]
                        if (difference * difference).sum() < reach * reach { pairs += 1 }
                    }
                }
            }
            #expect(found.pairCount == pairs && pairs > 0)
            #expect(Int(found.firstPair[count]) == pairs)
            var sides = Set<[Int32]>()
            for atom in 0..<count {
                for pair in Int(found.firstPair[atom])..<Int(found.firstPair[atom + 1]) {
                    sides.insert([Int32(atom), found.neighbor[pair], found.direction[pair]])
                }
            }
            #expect(sides.count == pairs)
            #expect(sides.allSatisfy { sides.contains([$0[1], $0[0], 26 - $0[2]]) })
            for bond in 0..<found.bondCount {
                let partner = Int(found.bondPartner[bond])
                #expect(Int(found.bondPartner[partner]) == bond && partner != bond)
                #expect(found.centerOfBond[partner] == found.neighborOfBond[bond])
                #expect(found.neighborOfBond[partner] == found.centerOfBond[bond])
                #expect(found.directionOfBond[partner] == 26 - found.directionOfBond[bond])
                #expect(sides.contains([found.centerOfBond[bond], found.neighborOfBond[bond], found.directionOfBond[bond]]))
            }
            var degree = [Int](repeating: 0, count: count)
            for bond in 0..<found.bondCount { degree[Int(found.centerOfBond[bond])] += 1 }
            #expect(found.angleCount == degree.reduce(0) { $0 + $1 * ($1 - 1) })
            for angle in 0..<found.angleCount {
                let (first, second) = (Int(found.firstBond[angle]), Int(found.secondBond[angle]))
                #expect(first != second && found.centerOfBond[first] == found.centerOfBond[second])
            }
        }
    }

    private func lists(
        _ positions: [SIMD3<Double>], _ grid: AtomGrid, _ configuration: SAGESnetConfiguration
    ) throws -> BondLists {
        let decomposition = try Decomposition(cells: grid.cells, boundaries: grid.boundaries, haloWidth: 1, ranks: 1)
        let filler = try CellFiller(
            decomposition, communicator: .selfOnly, rows: .atoms, slots: 1, capacity: positions.count)
        var cells: [Int32] = []
        var offsets: [Double] = []
        for position in positions {
            let places = try (0..<3).map { try #require(grid.place(position[$0], axis: $0)) }
            let cell = Extent3(z: places[2].cell, y: places[1].cell, x: places[0].cell)
            cells.append(Int32(grid.cells.index(of: cell)))
            offsets += places.map(\.offset)
        }
        try cells.withUnsafeBufferPointer { cells in
            guard let base = cells.baseAddress else { return }
            try filler.arrange(cells: base, atoms: positions.count) { $0 < $1 }
        }
        try filler.findGhosts()
        let places = (0..<positions.count).flatMap { row -> [Double] in
            let atom = Int(filler.binning.atomOfSlot.pointer[row])
            return Array(offsets[(3 * atom)..<(3 * atom + 3)])
        }
        let lists = BondLists(try #require(configuration.bonds), hasAngles: true)
        places.withUnsafeBufferPointer { places in
            guard let base = places.baseAddress else { return }
            lists.append(
                filler.occupied, cellOfRow: UnsafePointer(filler.binning.cellOfRow.pointer), places: base,
                cellSize: grid.cellSize)
        }
        return lists
    }

    @Test func lossFalls() throws {
        let scratch = try Scratch()
        let task = try SAGESnetTask<Float>(
            try modelConfiguration(Self.members), training: [try scratch.lattice("crystal")], validation: [])
        let (first, last, _) = try train(task, steps: 150, microBatch: 2)
        #expect(first > 0.5)
        #expect(last < 0.3 * first, "\(first) became \(last)")
    }
}
