import Autodiff
import Grid
import MPI
import NeuralNetworks
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
    static let membersWithTorsion = members.replacing("atomWidth: 3", with: "atomWidth: 3, torsionChannels: 2")

    /// The gradient of the whole loss by every parameter against central differences, in double precision.
    @Test(arguments: [
        members, members + ", kicks: 5, slowWeight: 3", members + ", rollout: 2, environment: [\"temperature\"]", members + ", elements: [\"H\", \"C\"]",
        members + ", virialWeight: 0.1", membersWithTorsion, membersWithTorsion + ", elements: [\"H\", \"C\"], balance: 1",
    ])
    func gradientAgreesWithDifferences(_ members: String) throws {
        let scratch = try Scratch()
        let path = try scratch.lattice("crystal") {
            $0.frames = 6
            $0.virial = [1, -2, 3, 0.5, 0, -1]
        }
        let task = try SAGESnetTask<Double>(try modelConfiguration(members), training: [path], validation: [])
        try task.expectGradientAgreesWithDifferences(at: task.someWeights())
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

    /// Of 60 atoms anywhere in a box.
    private func scattered(
        _ members: String, _ edges: SIMD3<Double>, _ random: inout Philox, isForTraining: Bool
    ) throws -> (lists: BondLists, topology: BondTopology) {
        let configuration = try modelConfiguration(members)
        let positions = (0..<60).map { _ in
            SIMD3(random.nextUniform(), random.nextUniform(), random.nextUniform()) * edges
        }
        let grid = try AtomGrid(box: SimulationBox(edges: edges), for: configuration)
        let found = try lists(positions, grid, configuration)
        let topology = BondTopology(capacity: BondTopology.Capacity(found), isForTraining: isForTraining)
        topology.rebuild(found)
        return (found, topology)
    }

    /// Moments give what sums over all chains of four atoms do.
    @Test(arguments: [false, true]) func torsionsAreSumsOverChains(isRecorded: Bool) throws {
        var random = Philox(seed: 11)
        let (found, topology) = try scattered(
            Self.membersWithTorsion, SIMD3(6.3, 5.9, 7.1), &random, isForTraining: isRecorded)
        let tape = Tape<Double>()
        let amplitudes = tape.input("amplitudes", [found.bondCount, 2], over: topology.bonds)
        let direction = tape.input("direction", [found.bondCount, 3], over: topology.bonds)
        let sums = amplitudes.summedOverTorsions(topology.angles, partners: topology.bondPartners, directions: direction)
        let program = Program(computing: [sums, amplitudes, direction])
        let (w, d) = (program.pointer(to: amplitudes), program.pointer(to: direction))
        // Both directions of a bond point opposite ways; amplitudes are of one direction each.
        for bond in 0..<found.bondCount {
            for channel in 0..<2 { w[2 * bond + channel] = random.nextNormal() }
            let partner = Int(found.bondPartner[bond])
            guard partner > bond else { continue }
            let vector = SIMD3(random.nextNormal(), random.nextNormal(), random.nextNormal())
            let unit = vector / (vector * vector).sum().squareRoot()
            for axis in 0..<3 { (d[3 * bond + axis], d[3 * partner + axis]) = (unit[axis], -unit[axis]) }
        }
        try program.run()
        let result = program.pointer(to: sums)
        var largest = 0.0
        for bond in 0..<found.bondCount {
            let partner = Int(found.bondPartner[bond])
            let along = SIMD3(d, 3 * bond)
            func across(_ other: Int) -> SIMD3<Double> {
                let vector = SIMD3(d, 3 * other)
                return vector - (vector * along).sum() * along
            }
            for channel in 0..<2 {
                var expected = (0.0, 0.0)
                for k in 0..<found.bondCount where k != bond && found.centerOfBond[k] == found.centerOfBond[bond] {
                    for l in 0..<found.bondCount where l != partner && found.centerOfBond[l] == found.centerOfBond[partner] {
                        let weight = w[2 * k + channel] * w[2 * l + channel]
                        let product = (across(k) * across(l)).sum()
                        expected.0 += weight * product
                        expected.1 += weight * product * product
                    }
                }
                #expect(abs(result[4 * bond + channel] - expected.0) < 1e-12)
                #expect(abs(result[4 * bond + 2 + channel] - expected.1) < 1e-12)
                largest = max(largest, abs(expected.0), abs(expected.1))
            }
        }
        #expect(found.bondCount > 50 && largest > 0.1)
    }

    /// Half of an atom's own number and half of the mean of its neighbors', four times; where there are none, half of its own.
    @Test func smoothedNumbers() throws {
        var random = Philox(seed: 13)
        let (found, topology) = try scattered(Self.members, SIMD3(7.3, 6.9, 8.1), &random, isForTraining: true)
        let tape = Tape<Double>()
        let numbers = tape.input("numbers", [found.atomCount, 1], over: topology.atoms)
        let weight = tape.input("weight", [found.atomCount, 1], over: topology.atoms)
        let smoothed = topology.smoothed(numbers, weight: weight)
        let program = Program(computing: [smoothed, numbers, weight])
        var expected = (0..<found.atomCount).map { _ in random.nextNormal() }
        for (atom, number) in expected.enumerated() {
            program.pointer(to: numbers)[atom] = number
            program.pointer(to: weight)[atom] = 0.25
        }
        let neighbors = (0..<found.atomCount).map { atom in
            (0..<found.bondCount).filter { Int(found.centerOfBond[$0]) == atom }.map {
                Int(found.centerOfBond[Int(found.bondPartner[$0])])
            }
        }
        for _ in 0..<4 {
            expected = neighbors.enumerated().map { atom, neighbors in
                let sum = neighbors.reduce(0.0) { $0 + expected[$1] }
                return 0.5 * (expected[atom] + (neighbors.isEmpty ? 0 : sum / Double(neighbors.count)))
            }
        }
        try program.run()
        for atom in 0..<found.atomCount { #expect(abs(program.pointer(to: smoothed)[atom] - expected[atom]) < 1e-9) }
        #expect(Set(neighbors.map(\.count)).count > 2)
    }

    /// Of some atoms in the open, with as many channels as fill a vector and as do not.
    @Test(arguments: [1, 2, 5]) func derivativesOfTorsions(channels: Int) throws {
        let configuration = try modelConfiguration(Self.members)
        let box = SimulationBox(edges: SIMD3(repeating: 2.3), boundaries: (.open, .open, .open))
        var random = Philox(seed: 12)
        // Near the corners of a cube.
        let positions = (0..<7).map { (corner: Int) -> SIMD3<Double> in
            let place = SIMD3(Double(corner & 1), Double(corner >> 1 & 1), Double(corner >> 2))
            let jitter = SIMD3(random.nextUniform(), random.nextUniform(), random.nextUniform())
            return 0.4 + 1.1 * place + 0.3 * jitter
        }
        let grid = try AtomGrid(box: box, for: configuration)
        let found = try lists(positions, grid, configuration)
        var layout = ParameterLayout()
        let network = BondNetwork("bonds", configuration, in: &layout)
        // Of one cell, in which rows are atoms.
        var places = Tensor<Double>([positions.count, 3], normal: 0, seed: 1)
        for (atom, position) in positions.enumerated() {
            for axis in 0..<3 { places[3 * atom + axis] = try #require(grid.place(position[axis], axis: axis)).offset }
        }
        for isRecorded in [false, true] {
            let topology = BondTopology(capacity: BondTopology.Capacity(found), isForTraining: isRecorded)
            topology.rebuild(found)
            let check = try GradientCheck(at: [places], over: topology.atoms) { inputs in
                let shift = inputs[0].tape.constant(0, [Direction.count, 3], over: topology.directions)
                let (direction, length, weight) = network.bonds(inputs[0], shift: shift, topology)
                return length.expanded(in: .bessel(count: channels, cutoff: 1.6)).scaledByColumn(weight)
                    .summedOverTorsions(topology.angles, partners: topology.bondPartners, directions: direction)
            }
            #expect(found.bondCount > 20)
            #expect(check.firstOrderError < 1e-8)
            #expect(check.secondOrderError < 1e-7)
            #expect(check.forwardModeError < 1e-12)
        }
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
