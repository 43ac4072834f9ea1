import Autodiff
import MPI
import SAGESnetTestSupport
import Tensor
import Testing
import Trajectory
@testable import SAGESnet

@Suite(.serialized) struct PatternTests {
    /// Vectors around points, with keys.
    private func blobs(_ points: [[Double]], each count: Int, spread: Double) -> KMeans.Vectors {
        var vectors = KMeans.Vectors(width: points[0].count)
        var random = Philox(seed: 5)
        for index in 0..<(points.count * count) {
            vectors.values += points[index % points.count].map { $0 + spread * random.nextNormal() }
            vectors.keys.append(Int64(index))
        }
        return vectors
    }

    @Test func kMeansFindsBlobs() throws {
        let points = [[0.0, 0, 0], [6, 0, 0], [0, 7, 1], [3, 3, -9]]
        let vectors = blobs(points, each: 50, spread: 0.5)
        let found = try KMeans(vectors, clusters: 4, seed: 1, communicator: .selfOnly)
        #expect(found.counts == [50, 50, 50, 50])
        #expect(Set((0..<4).map { found.assignment[$0] }).count == 4)
        for index in 4..<200 { #expect(found.assignment[index] == found.assignment[index % 4]) }
        var inertia = 0.0
        for index in 0..<200 {
            let center = Int(found.assignment[index])
            inertia += KMeans.squaredDistance(vectors.values, 3 * index, found.centers, 3 * center, 3)
            // No other is nearer.
            #expect(found.nearest(to: vectors.values, at: 3 * index).cluster == center)
        }
        #expect(abs(found.inertia - inertia) < 1e-9 * inertia)
        // Of other keys, other seeds, but the same clusters.
        var others = vectors
        others.keys = vectors.keys.map { 7 * $0 + 3 }
        #expect(try KMeans(others, clusters: 4, seed: 1, communicator: .selfOnly).counts == [50, 50, 50, 50])
    }

    @Test func fewerVectorsThanClusters() throws {
        let found = try KMeans(
            blobs([[1, 2], [3, 4]], each: 4, spread: 0), clusters: 5, seed: 1, communicator: .selfOnly)
        #expect(found.counts == [4, 4] && found.inertia == 0)
    }

    /// A seed is drawn in proportion to the squared distance.
    @Test func seedsByDistance() throws {
        // 90 vectors at 0, 9 at 1 and one at 3: the second seed is at 3 for half of the draws where the first is at 0.
        var vectors = KMeans.Vectors(width: 1)
        vectors.values = [Double](repeating: 0, count: 90) + [Double](repeating: 1, count: 9) + [3]
        vectors.keys = (0..<100).map { Int64($0) }
        var (far, draws) = (0, 0)
        for seed in 0..<400 {
            // Without an iteration that moves them, two centers of a pair of places show the seeds.
            let found = try KMeans(vectors, clusters: 3, seed: UInt64(1000 * seed), communicator: .selfOnly)
            #expect(found.counts.sorted() == [1, 9, 90])
            if found.assignment[0] == 0 {
                draws += 1
                if found.assignment[99] == 1 { far += 1 }
            }
        }
        let share = Double(far) / Double(draws)
        #expect(draws > 300 && abs(share - 0.5) < 0.1, "\(far) of \(draws)")
    }

    @Test func wardJoinsTheNearest() {
        let centers = [0.0, 1, 10, 12, 30]
        let counts = [1, 1, 1, 1, 4]
        let tree = ClusterHierarchy(centers: centers, counts: counts)
        // 1 1 / 2 * 1, 1 1 / 2 * 4, 2 2 / 4 * 10.5^2, 4 4 / 8 * 24.25^2
        #expect(tree.merges.map(\.cost) == [0.5, 2, 110.25, 1176.125])
        #expect(tree.merges.map(\.first) == [0, 2, 5, 7] && tree.merges.map(\.second) == [1, 3, 6, 4])
        #expect(tree.cut(clusters: 5, counts: counts) == [1, 2, 3, 4, 0])
        #expect(tree.cut(clusters: 3, counts: counts) == [1, 1, 2, 2, 0])
        #expect(tree.cut(clusters: 1, counts: counts) == [0, 0, 0, 0, 0])
    }

    /// The energy of codes is the potential of the kicks: m dv = -grad U dt over the three kicks of a step.
    @Test(arguments: [BondTests.members, "cell: 1, channels: 6, blocks: 2"])
    func energyOfCodes(_ members: String) throws {
        let scratch = try Scratch()
        let path = try scratch.lattice("crystal")
        let task = try SAGESnetTask<Double>(try modelConfiguration(members), training: [path], validation: [])
        let model = task.model
        let parameters = Buffer<Double>(repeating: 0, count: task.layout.count)
        task.layout.initialize(parameters.pointer, seed: 9)
        func energy(displacing displacement: Double) throws -> (energy: Double, simulator: Simulator<Double>) {
            var start = try SimulationStart(path, frame: 2, for: model, communicator: .selfOnly)
            start.atoms[5].position.y = AtomGrid.quantized(start.atoms[5].position.y + displacement)
            let simulator = try Simulator(
                model: model, parameters: parameters, start: start, communicator: .selfOnly,
                alignment: task.training[0].alignment)
            let energies = try #require(try simulator.codes().energies)
            return (energies.reduce(0, +), simulator)
        }
        let step = 0x1p-12
        let slope = (try energy(displacing: step).energy - energy(displacing: -step).energy) / (2 * step)
        let simulator = try energy(displacing: 0).simulator
        let atom = try #require(simulator.localAtoms.firstIndex { $0.id == 6 })
        let before = simulator.localAtoms[atom]
        let kicks = try simulator.kicks(ofAtom: atom)
        let change = (2 * kicks.outer + kicks.middle).y
        let expected = -slope * model.normalization.timeStep / before.mass / PhysicalConstants.kineticEnergyUnit
        #expect(abs(change - expected) < 1e-4 * abs(expected), "\(change), \(expected)")
    }
}

extension Simulator {
    /// Both kicks of an atom where it is, before any correction, Angstrom/ps.
    fileprivate func kicks(ofAtom atom: Int) throws -> (outer: SIMD3<Double>, middle: SIMD3<Double>) {
        guard case .kicks(let outer, let middle) = try arrangedNetwork().step else { preconditionFailure("no kicks") }
        for index in 0..<(3 * filler.binning.rowCount * model.cellLayout.slots) { middle.places[index] = outer.places[index] }
        try outer.program.run()
        try middle.program.run()
        func vector(_ kick: UnsafePointer<Scalar>) -> SIMD3<Double> {
            let first = kick + 3 * Int(atoms.arrays.entries[atom])
            return SIMD3(Double(first[0]), Double(first[1]), Double(first[2]))
        }
        return (vector(outer.kick), vector(middle.kick))
    }
}
