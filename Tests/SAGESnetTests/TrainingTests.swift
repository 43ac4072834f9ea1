import Grid
import SAGESnetTestSupport
import Tensor
import Testing
import Training
import Trajectory
@testable import SAGESnet

/// Training on a harmonic crystal of 32 atoms, in all its variants.
@Suite(.serialized) struct SAGESnetTrainingTests {
    /// What is trained, and the part of the first loss that must not be left.
    static let variants: [(members: String, microBatch: Int, part: Double)] = [
        ("", 1, 0.1),
        ("", 4, 0.1),
        ("cells: \"dense\"", 1, 0.1),
        ("cells: \"dense\"", 2, 0.1),
        ("form: \"scatter\", activation: \"tanh\"", 2, 0.2),
        ("predictor: \"increment\"", 1, 0.5),
        ("predictor: \"increment\", cells: \"dense\"", 2, 0.5),
        ("rollout: 3, timeReversal: true", 2, 0.2),
        ("predictor: \"increment\", rollout: 2, codecWeight: 1", 2, 0.5),
        ("positionNoise: 0.0005, velocityNoise: 0.1", 1, 0.5),
        ("origin: \"corner\", augmentation: false", 1, 0.1),
        ("origin: \"random\", slots: 4", 2, 0.6),
        ("environment: [\"temperature\", \"pressure\"]", 2, 0.1),
    ]

    @Test(arguments: variants) func lossFalls(_ variant: (members: String, microBatch: Int, part: Double)) throws {
        let scratch = try Scratch()
        let task = try SAGESnetTask<Float>(variant.members, [try scratch.lattice("crystal")])
        let (first, last, _) = try train(task, steps: 120, microBatch: variant.microBatch)
        // The network adds little at first: what ballistic motion misses.
        #expect(first > 0.5)
        #expect(last < variant.part * first, "\(variant.members): \(first) became \(last)")
    }

    /// Along open axes the crystal ends; the random origin leaves them as they are.
    @Test(arguments: ["", "cells: \"dense\"", "origin: \"random\", slots: 4", "predictor: \"increment\""])
    func openBoundaries(_ members: String) throws {
        let scratch = try Scratch()
        let path = try scratch.lattice("slab") {
            $0.sites = SIMD3(4, 4, 3)
            $0.boundaries = (.periodic, .periodic, .open)
        }
        let task = try SAGESnetTask<Float>(members, [path])
        let (first, last, _) = try train(task, steps: 100, microBatch: 2)
        #expect(last < 0.6 * first, "\(first) became \(last)")
    }

    /// A micro-batch is the mean of its samples: of two runs in different environments too.
    @Test(arguments: ["", "cells: \"dense\"", "predictor: \"increment\", rollout: 2"])
    func microBatchIsTheMeanOfItsSamples(_ members: String) throws {
        let scratch = try Scratch()
        let runs = [
            try scratch.lattice("cold") { $0.speed = 1 },
            try scratch.lattice("hot") { ($0.speed, $0.seed) = (4, 2) },
        ]
        let task = try SAGESnetTask<Double>("environment: [\"temperature\"], \(members)", runs)
        #expect(task.training[1].environment[0] > 10 * task.training[0].environment[0])
        let weights = task.someWeights()
        let samples = [1, task.sampleCount - 2, task.sampleCount / 2]
        let single = try samples.map { try task.lossAndGradient(weights, samples: [$0]) }
        let together = try task.lossAndGradient(weights, samples: samples)
        let mean = single.map(\.loss).reduce(0, +) / 3
        #expect(abs(together.loss - mean) < 1e-12 * abs(mean))
        for parameter in together.gradient.indices {
            let scale = together.gradient[parameter].map(abs).max() ?? 0
            for index in together.gradient[parameter].indices {
                let mean = single.map { $0.gradient[parameter][index] }.reduce(0, +) / 3
                #expect(abs(together.gradient[parameter][index] - mean) < 1e-10 * max(scale, 1e-3))
            }
        }
        // The environment matters, so that a mix-up would show.
        let layer = task.layout.parameters.firstIndex { $0.name.contains("environment") }
        let gradient = together.gradient[try #require(layer)]
        #expect(gradient.contains { abs($0) > 1e-6 })
    }

    @Test func denseTrainingWantsOneNumberOfCells() throws {
        let scratch = try Scratch()
        let runs = [try scratch.lattice("cube"), try scratch.lattice("column") { $0.sites = SIMD3(4, 4, 6) }]
        #expect(throws: SAGESnetError.self) { try SAGESnetTask<Float>("cells: \"dense\"", runs) }
        let task = try SAGESnetTask<Float>("", runs)
        let (first, last, _) = try train(task, steps: 80, microBatch: 2)
        #expect(last < 0.3 * first, "\(first) became \(last)")
    }

    @Test func dataThatDoNotSuit() throws {
        let scratch = try Scratch()
        let crystal = try scratch.lattice("crystal")
        let slow = try scratch.lattice("slow") { $0.timeStep = 0.005 }
        #expect(throws: SAGESnetError.self) { try SAGESnetTask<Float>("", [crystal, slow]) }
        #expect(throws: SAGESnetError.self) { try SAGESnetTask<Float>("rollout: 13", [crystal]) }
        #expect(throws: SAGESnetError.unknownElement(file: crystal, element: "C", known: ["Si"])) {
            try SAGESnetTask<Float>("elements: [\"Si\"]", [crystal])
        }
        // Two sites in a cell.
        #expect(
            throws: SAGESnetError.crowdedCell(
                file: crystal, frame: 0, cell: "0x0x0 (z, y, x)", atoms: 4, slots: 3, cellSide: 2)
        ) { try SAGESnetTask<Float>("cell: 2, slots: 3, origin: \"corner\"", [crystal]) }
    }

    /// A run that has memory for two frames gives the frames of one that has memory for all.
    @Test func framesBeyondMemoryAreReadAgain() throws {
        let scratch = try Scratch()
        let path = try scratch.lattice("crystal") { $0.frames = 9 }
        let configuration = try SAGESnetTask<Float>("", [path]).model.configuration
        let (all, few) = (try AtomRun(path, for: configuration), try AtomRun(path, for: configuration, memory: 0))
        #expect(all.frameCapacity == 9 && few.frameCapacity == 2)
        for index in [0, 1, 2, 1, 8, 0, 3, 3, 7, 2, 8] {
            let (one, other) = (try all.frame(index), try few.frame(index))
            #expect(Array(one.positions.span) == Array(other.positions.span))
            #expect(Array(one.velocities.span) == Array(other.velocities.span))
            #expect(few.keptFrames <= 2)
        }
        #expect(all.keptFrames == 6)
    }

    /// Kicks that are gradients of an energy keep a rollout's temperature, here for 20 times as long as the data.
    @Test func rolloutKeepsItsTemperature() throws {
        let scratch = try Scratch()
        let path = try scratch.lattice("crystal") { $0.frames = 41 }
        let task = try SAGESnetTask<Float>("channels: 12", [path])
        let (_, last, trainer) = try train(task, steps: 400)
        #expect(last < 0.05)
        let weights = Buffer<Float>(repeating: 0, count: task.layout.count)
        for (index, weight) in trainer.parameters.enumerated() { weights.pointer[index] = weight }
        let start = try SimulationStart(path, frame: 40, for: task.model, communicator: .selfOnly)
        let simulator = try Simulator(
            model: task.model, parameters: weights, start: start, communicator: .selfOnly)
        let data = task.training[0]
        var reference = 0.0
        for frame in 0..<41 {
            let velocities = UnsafeBufferPointer(try data.frame(frame).velocities.span)
            reference += KineticState(velocities: velocities, masses: data.masses).temperature / 41
        }
        var (mean, highest) = (0.0, 0.0)
        for step in 1...800 {
            try simulator.advance()
            let temperature = try simulator.temperature()
            highest = max(highest, temperature)
            if step > 600 { mean += temperature / 200 }
        }
        #expect(abs(mean / reference - 1) < 0.15, "\(reference) K became \(mean) K")
        // Half of a harmonic crystal's energy is kinetic; all of it may be for a moment.
        #expect(highest < 2.3 * reference, "up to \(highest) K of \(reference) K")
    }
}
