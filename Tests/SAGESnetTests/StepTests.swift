import Autodiff
import Grid
import Kernels
import SAGESnetTestSupport
import Tensor
import Testing
import Trajectory
@testable import SAGESnet

@Suite(.serialized) struct SimulatorStepTests {
    /// A step of the simulator is the step that is trained, but for what conservation takes out.
    @Test(arguments: [
        "", "cells: \"dense\"", "predictor: \"increment\", codecWeight: 0", "environment: [\"temperature\"]", "kicks: 7",
    ])
    func isTheTrainedStep(_ members: String) throws {
        let scratch = try Scratch()
        let path = try scratch.lattice("crystal")
        let task = try SAGESnetTask<Float>("augmentation: false, \(members)", [path])
        let (_, _, trainer) = try train(task, steps: 60)
        let weights = Buffer<Float>(repeating: 0, count: task.layout.count)
        for (index, weight) in trainer.parameters.enumerated() { weights.pointer[index] = weight }
        let loss = Double(try task.lossAndGradient(weights, samples: [3]).loss)
        let start = try SimulationStart(path, frame: 3, for: task.model, communicator: .selfOnly)
        let values = Dictionary(
            uniqueKeysWithValues: zip(task.model.configuration.environment, task.training[0].environment))
        let simulator = try Simulator(
            model: task.model, parameters: weights, start: start, communicator: .selfOnly, environment: values,
            alignment: task.training[0].alignment)
        try simulator.advance()

        // Mean squares of what the step misses, in units of the normalization: the loss.
        let run = task.training[0]
        let (before, after) = (try run.frame(3), try run.frame(4))
        var (position, velocity) = (0.0, 0.0)
        for atom in simulator.localAtoms {
            let index = try #require(run.ids.firstIndex(of: atom.id))
            var missed = atom.position - SIMD3(before.positions.pointer, 3 * index)
            for axis in 0..<3 {
                missed[axis] -= run.displacement(of: index, from: before, to: after)[axis]
                missed[axis] -= before.box.edges[axis] * (missed[axis] / before.box.edges[axis]).rounded()
            }
            missed /= task.model.normalization.displacement
            let stray = (atom.velocity - SIMD3(after.velocities.pointer, 3 * index)) / task.model.normalization.kick
            position += (missed * missed).sum() / Double(3 * run.atomCount)
            velocity += (stray * stray).sum() / Double(3 * run.atomCount)
        }
        // A kick left out or doubled would miss by the order of one.
        #expect(abs((position + velocity).squareRoot() - loss.squareRoot()) < 1e-3, "\(position) + \(velocity), \(loss)")
        #expect(loss < 1, "the model knows little: \(loss)")
    }

    /// An environment that all cells share is added like one that every row holds.
    @Test func sharedEnvironment() throws {
        let configuration = try modelConfiguration(
            "elements: [\"C\"], cell: 1, channels: 5, blocks: 1, environment: [\"temperature\", \"pressure\"]")
        var normalization = Normalization()
        (normalization.environmentMean, normalization.environmentSpread) = ([0, 0], [1, 1])
        let model = SAGESnetModel(configuration, normalization)
        let parameters = Buffer<Float>(repeating: 0, count: model.layout.count)
        model.layout.initialize(parameters.pointer, seed: 4)
        func kicks(sharing: Bool) throws -> [Float] {
            let domain = RowDomain("cells", capacity: 3)
            let topology = NeighborTopology(over: domain, offsets: Direction.count)
            var neighbors = [Int32](repeating: -1, count: 3 * Direction.count)
            for row in 0..<3 { neighbors[row * Direction.count + Direction.center] = Int32(row) }
            topology.rebuild(neighbors: neighbors, ownedRows: 3, ghostRows: 0)
            let tape = Tape<Float>()
            let cells = CellVariables(
                "cell", for: model, on: tape, over: .occupied(topology), sharingEnvironment: sharing)
            let kick = model.kick(.middle, of: cells, at: cells.offset, .occupied(topology))
            let inputs = [cells.occupancy, cells.mobility, cells.offset]
            let environment = try #require(cells.environment)
            let program = Program(computing: [kick, environment] + inputs, parameters: parameters.pointer)
            let writer = CellWriter(program, cells, model.cellLayout, firstRow: 0)
            writer.clear(rows: 3)
            for row in 0..<3 {
                writer.write(row, element: 0, mobility: 1, offset: SIMD3(0.1, -0.2, 0.3) / Double(row + 1), velocity: .zero)
            }
            [0.7, -1.3].withUnsafeBufferPointer { writer.write(environment: $0, rows: sharing ? 1 : 3) }
            try program.run()
            return (0..<9).map { program.pointer(to: kick)[$0] }
        }
        let (shared, each) = (try kicks(sharing: true), try kicks(sharing: false))
        #expect(shared == each)
        #expect(Set(shared.map(\.bitPattern)).count == 9, "\(shared)")
    }

    @Test func roundingWithoutCalls() {
        var random = Philox(seed: 8)
        for magnitude in [1e-9, 1e-3, 1, 30, 900.0] {
            for _ in 0..<200 {
                let vector = magnitude * SIMD3(random.nextNormal(), random.nextNormal(), random.nextNormal()) / 5
                let quantized = AtomGrid.quantized(displacement: vector)
                let units = Conservation.units(vector)
                for axis in 0..<3 {
                    #expect(abs(quantized[axis] - vector[axis]) <= AtomGrid.quantum / 2)
                    #expect(AtomGrid.quantized(quantized[axis]) == quantized[axis])
                    #expect(Double(units[axis]) == (vector[axis] * 0x1p24).rounded(.toNearestOrEven))
                }
            }
        }
    }
}
