import Foundation
import HDF5
import SAGESnetTestSupport
import Tensor
import Testing
import Trajectory
@testable import SAGESnet

/// Atoms on every eighth cell of a cubic lattice, whose deviation from ballistic motion is a known linear function of
/// the differences of offsets and velocities from those of the next atoms along x.
private struct KnownMap {
    let folder: URL
    let sites = 8
    let timeStep = 0.01
    static let displacementGain = 0.07, kickGain = -11.0, dampingGain = 0.013

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("sages-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    /// A run of two frames.
    func run(_ seed: UInt64, spread: Double = 0.1, missing: Int = 0) throws -> AtomRun {
        var generator = Philox(seed: seed, stream: 3)
        let box = SimulationBox(edges: SIMD3(repeating: Double(sites)))
        let perAxis = sites / 2
        let count = perAxis * perAxis * perAxis
        let offsets = (0..<count).map { _ in
            spread * SIMD3(generator.nextNormal(), generator.nextNormal(), generator.nextNormal())
        }
        let velocities = (0..<count).map { _ in
            SIMD3(generator.nextNormal(), generator.nextNormal(), generator.nextNormal())
        }
        var (start, end) = (AtomFrame(), AtomFrame())
        (start.box, end.box, end.step, end.time) = (box, box, 1, timeStep)
        for atom in 0..<(count - missing) {
            let x = atom % perAxis
            let (right, left) = (atom - x + (x + 1) % perAxis, atom - x + (x + perAxis - 1) % perAxis)
            let strain = offsets[right] + offsets[left] - 2 * offsets[atom]
            let shear = velocities[right] - velocities[left]
            let place = SIMD3(
                Double(2 * x) + 0.5, Double(2 * (atom / perAxis % perAxis)) + 0.5,
                Double(2 * (atom / perAxis / perAxis)) + 0.5)
            let moved = timeStep * velocities[atom] + Self.displacementGain * strain
            let kick = Self.kickGain * strain + Self.dampingGain * shear
            for axis in 0..<3 {
                start.positions.append(box.wrap(place[axis] + offsets[atom][axis], axis: axis).coordinate)
                end.positions.append(box.wrap(place[axis] + offsets[atom][axis] + moved[axis], axis: axis).coordinate)
                start.velocities.append(velocities[atom][axis])
                end.velocities.append(velocities[atom][axis] + kick[axis])
            }
            start.ids.append(Int64(atom + 1))
            start.species.append(0)
        }
        (end.ids, end.species) = (start.ids, start.species)
        let path = folder.appendingPathComponent("\(seed)-\(missing).h5").path
        let writer = try H5MDWriter.create(
            path, communicator: nil, atomCount: start.count, species: SpeciesTable(symbols: ["C"], masses: [12.011]),
            box: box, options: H5MDOptions(precision: .float64))
        try writer.append(start)
        try writer.append(end)
        try writer.close()
        return try AtomRun(path, for: configuration())
    }

    func configuration(_ more: String = "") throws -> SAGESnetConfiguration {
        try modelConfiguration("elements: [\"C\"], cell: 1, \(more)")
    }

    func fit(_ runs: [AtomRun]) throws -> LinearBaseline {
        let configuration = try configuration()
        return try LinearBaseline(fitting: runs, configuration, Normalization(runs, configuration))
    }
}

@Suite struct LinearBaselineTests {
    /// Sums of squares of what is missed and of what there is to predict, and how many atoms were left ballistic.
    private func errors(_ regression: LatticeRegression, _ run: AtomRun, _ configuration: SAGESnetConfiguration) throws
        -> (missed: Double, all: Double, ballistic: Int) {
        let (start, end) = (try run.frame(0), try run.frame(1))
        let neighborhood = LatticeNeighborhood(
            try run.grid(for: configuration, box: start.box), atomCount: run.atomCount)
        var (missed, all, ballistic) = (0.0, 0.0, 0)
        let applies = regression.predict(
            neighborhood, positions: UnsafePointer(start.positions.pointer),
            velocities: UnsafePointer(start.velocities.pointer), atomCount: run.atomCount
        ) { atom, displacement, kick in
            let velocity = SIMD3(start.velocities.pointer, 3 * atom)
            let moved = run.displacement(of: atom, from: start, to: end) - run.timeStep * velocity
            let change = SIMD3(end.velocities.pointer, 3 * atom) - velocity
            missed += (100 * (moved - displacement) * (moved - displacement)).sum() + ((change - kick) * (change - kick)).sum()
            all += (100 * moved * moved).sum() + (change * change).sum()
            if displacement == .zero && kick == .zero { ballistic += 1 }
        }
        #expect(applies)
        return (missed, all, ballistic)
    }

    @Test func aKnownLinearMapIsRecovered() throws {
        let map = try KnownMap()
        defer { map.remove() }
        guard case .fitted(let regression) = try map.fit((1...12).map { try map.run($0) }) else {
            Issue.record("the regression does not apply to a lattice")
            return
        }
        // Every second cell of the 5x5x5 along each axis: 3x3x3 atoms, one pattern.
        #expect(regression.sublattices.map(\.cells.count) == [27])
        let fresh = try errors(regression, map.run(77), map.configuration())
        #expect(fresh.missed < 1e-8 * fresh.all)
        #expect(fresh.ballistic == 0)
    }

    @Test func atomsInUnknownPatternsMoveBallistically() throws {
        let map = try KnownMap()
        defer { map.remove() }
        guard case .fitted(let regression) = try map.fit((1...12).map { try map.run($0) }) else {
            Issue.record("the regression does not apply to a lattice")
            return
        }
        // The 26 atoms around the missing one see another pattern; with 4 along an axis no atom has it twice around.
        let fresh = try errors(regression, map.run(78, missing: 1), map.configuration())
        #expect(fresh.ballistic == 26)
    }

    @Test func itIsKeptInTheModelFile() throws {
        let map = try KnownMap()
        defer { map.remove() }
        let baselines = [try map.fit((1...12).map { try map.run($0) }), .unavailable(reason: "no lattice")]
        for baseline in baselines {
            let path = map.folder.appendingPathComponent("model.h5").path
            let file = try File.create(path, communicator: nil)
            try baseline.write(to: try file.root)
            #expect(try LinearBaseline(from: try file.root) == baseline)
            try file.close()
        }
    }

    @Test func itDoesNotApplyWhereThereIsNoLattice() throws {
        let map = try KnownMap()
        defer { map.remove() }
        // Too few equations for the unknowns.
        guard case .unavailable(let few) = try map.fit([map.run(1)]) else {
            Issue.record("fitted on one frame of 64 atoms")
            return
        }
        #expect(few.contains("on no lattice"))
        // Two atoms in a cell.
        guard case .unavailable(let crowded) = try map.fit([map.run(2, spread: 0.8)]) else {
            Issue.record("fitted on a liquid")
            return
        }
        #expect(crowded.contains("a cell holds two atoms") || crowded.contains("on no lattice"))
        let run = try map.run(3)
        for more in ["slots: 2", "origin: \"corner\""] {
            let configuration = try map.configuration(more)
            guard case .unavailable = try LinearBaseline(
                fitting: [run], configuration, Normalization([run], configuration))
            else {
                Issue.record("fitted with \(more)")
                return
            }
        }
    }

    @Test func normalEquationsSolveLeastSquares() throws {
        // y = 2 a - 3 b + 0.5, and an output that has noise orthogonal to both columns.
        var equations = NormalEquations(columns: 3, outputs: 2)
        for (a, b, noise) in [(1.0, 2.0, 1.0), (1, -2, 1), (-1, 2, 1), (-1, -2, 1), (1, 2, -1), (1, -2, -1), (-1, 2, -1), (-1, -2, -1)] {
            equations.add([a, b, 1], [2 * a - 3 * b + 0.5, a + noise])
        }
        let weights = try #require(equations.solve(ridge: 0))
        for (weight, expected) in zip(weights, [2, 1, -3, 0, 0.5, 0]) { #expect(abs(weight - expected) < 1e-12) }
        #expect(NormalEquations(columns: 2, outputs: 1).solve(ridge: 0) == nil)
    }
}

@Suite struct RolloutFigureTests {
    @Test func lostAtoms() {
        #expect(RolloutEvaluation.lost([1, 2, 5, 9], [1, 2, 5, 9]) == 0)
        #expect(RolloutEvaluation.lost([1, 2, 5, 9], [1, 5, 5, 7]) == 3)
    }
}
