import Autodiff
import Grid
import MPI
import SAGESnetTestSupport
import Tensor
import Testing
@testable import SAGESnet
@testable import Training

/// Derivatives through rollouts against finite perturbations, in double precision.
@Suite(.serialized) struct SensitivityTests {
    /// A simulator of random weights on a crystal, and where it starts.
    private func simulator(_ members: String, _ scratch: Scratch) throws -> (Simulator<Double>, SimulationStart) {
        let path = try scratch.lattice("crystal") { $0.frames = 3 }
        let configuration = try modelConfiguration(
            members, defaults: members.contains("bonds") ? [:] : ["cell": "1", "channels": "4", "blocks": "1"])
        let task = try SAGESnetTask<Double>(configuration, training: [path], validation: [])
        let start = try SimulationStart(path, for: task.model, communicator: .selfOnly)
        let simulator = try Simulator<Double>(
            model: task.model, parameters: task.someWeights(), start: start, communicator: .selfOnly,
            differentiatesKicks: true)
        return (simulator, start)
    }

    static let predictors = [
        BondTests.members, BondTests.members + ", kicks: 5", "predictor: \"energy\"", "predictor: \"energy\", cells: \"dense\"",
        // Atoms that shared a cell would change their order, where the energy of the predictor jumps.
        "predictor: \"energy\", slots: 2, environment: [\"temperature\"]", "predictor: \"increment\"",
    ]

    @Test(arguments: predictors)
    func agreesWithPerturbations(_ members: String) throws {
        let scratch = try Scratch()
        let (simulator, start) = try simulator(members, scratch)
        let region = AtomSelection.region(lower: SIMD3(0, 0, 0), upper: SIMD3(4, 2.5, 4))
        let questions: [RolloutSensitivity.Question] = [
            .init(.temperature, of: region, steps: 1), .init(.momentumX, of: region, steps: 3),
            .init(.kineticEnergy, steps: 3), .init(.meanSquareDisplacement, steps: 4), .init(.positionZ, of: .atom(3), steps: 4),
        ]
        for question in questions {
            let sensitivity = try RolloutSensitivity(of: question, simulator, start)
            let error = try sensitivity.errorAgainstPerturbations(question, simulator, start)
            #expect(error < 1e-3, "\(question.observable) after \(question.steps) steps")
            #expect(sensitivity.gradient.position.contains { ($0 * $0).sum() > 1e-12 })
        }
        // A wrong derivative is found.
        let (one, other) = (questions[3], RolloutSensitivity.Question(.meanSquareDisplacement, steps: 3))
        let error = try RolloutSensitivity(of: other, simulator, start).errorAgainstPerturbations(one, simulator, start)
        #expect(error > 1e-3)
    }

    /// What is not kept is computed again, with the same bits.
    @Test func segmentsChangeNothing() throws {
        let scratch = try Scratch()
        let (simulator, start) = try simulator(BondTests.members, scratch)
        let all = try [1, 2, 3, 7, 9].map { length in
            try RolloutSensitivity(of: .init(.temperature, steps: 7, segment: length), simulator, start)
        }
        for other in all.dropFirst() { #expect(other.gradient == all[0].gradient && other.value == all[0].value) }
        #expect(simulator.step == 0)
    }

    @Test func saysWhatIsNotThere() throws {
        let scratch = try Scratch()
        let (simulator, start) = try simulator(BondTests.members, scratch)
        #expect(throws: SAGESnetError.badRequest("there is no atom 99")) {
            try RolloutSensitivity(of: .init(.positionX, of: .atom(99), steps: 1), simulator, start)
        }
        let nowhere = AtomSelection.region(lower: SIMD3(1, 1, 1), upper: SIMD3(1, 2, 2))
        #expect(throws: SAGESnetError.badRequest("there is no atom in the region at the start")) {
            try RolloutSensitivity(of: .init(.temperature, of: nowhere, steps: 1), simulator, start)
        }
    }

    @Test(arguments: ["", ", parity: true, blocks: 2"])
    func ofGridAgreesWithPerturbations(_ more: String) throws {
        let scratch = try Scratch()
        let path = try scratch.automaton("grid", more.isEmpty ? "4555" : "gas", Extent3(z: 6, y: 8, x: 10)) {
            $0.boundaries = Boundaries(z: .open, y: .periodic, x: .periodic)
        }
        let task = try GridTask<Double>(try gridConfiguration("channels: 6, crop: 2" + more), training: [path], validation: [])
        let source = try GridSource(path, for: task.model.configuration)
        for (steps, region) in [
            (1, nil), (3, CellRange(lower: Extent3(z: 1, y: 2, x: 0), upper: Extent3(z: 3, y: 4, x: 5))),
        ] {
            let (sensitivity, error) = try GridSensitivity.run(
                .init(region: region, steps: steps, frame: 1), task.model, parameters: task.someWeights(), source: source,
                communicator: .selfOnly, isChecked: true)
            #expect(try #require(error) < 1e-4)
            #expect(sensitivity.gradient.contains { $0 != 0 } && sensitivity.value > 0)
        }
        #expect(throws: SAGESnetError.self) {
            _ = try GridSensitivity.run(
                .init(region: CellRange(lower: .zero, upper: Extent3(z: 7, y: 1, x: 1)), steps: 1, frame: 0), task.model,
                parameters: task.someWeights(), source: source, communicator: .selfOnly, isChecked: false)
        }
    }

    /// Weights in proportion to a known derivative, through which no gradient passes.
    @Test func weightsFollowDerivative() throws {
        let tape = Tape<Double>()
        let state = tape.input("state", [3, 2])
        let weight = tape.input("weight", [3, 1])
        // Its derivative by a component is the component.
        let number = 0.5 * state.squared.sum()
        let amount = 0.25
        let weighted = weight.weighted(bySensitivityOf: number, to: state, amount: amount, total: 0.5)
        let gradient = tape.gradients(of: weighted.sum(), withRespectTo: [state, weight])
        let program = Program(computing: [weighted] + gradient + [state, weight])
        let values: [Double] = [3, 4, 0, 0, 5, 12]
        let weights = [0.1, 0.1, 0.3]
        for (index, value) in values.enumerated() { program.pointer(to: state)[index] = value }
        for (index, value) in weights.enumerated() { program.pointer(to: weight)[index] = value }
        try program.run()
        let lengths = [5.0, 0, 13]
        let mean = zip(weights, lengths).reduce(0) { $0 + $1.0 * $1.1 } / 0.5
        let found = program.value(of: weighted)
        for row in 0..<3 {
            #expect(abs(found[row] - weights[row] * (1 - amount + amount * lengths[row] / mean)) < 1e-9)
        }
        #expect(abs(found[0] + found[1] + found[2] - 0.5) < 1e-9)
        let byState = program.value(of: gradient[0])
        #expect((0..<6).allSatisfy { byState[$0] == 0 })
    }

    /// The loss changes with the key, is between its ends, and still learns.
    @Test(arguments: ["predictor: \"energy\"", "predictor: \"increment\", rollout: 2, slots: 6, cell: 2, origin: \"corner\""])
    func weighsLoss(_ members: String) throws {
        let scratch = try Scratch()
        let path = try scratch.lattice("crystal") { $0.frames = 6 }
        let losses = try [0, 0.5, 1].map { amount in
            let task = try SAGESnetTask<Double>("\(members), codecWeight: 0, sensitivityWeight: \(amount)", [path])
            return try task.lossAndGradient(task.someWeights(), samples: [0]).loss
        }
        #expect(abs(losses[1] - (losses[0] + losses[2]) / 2) < 1e-9 * losses[0])
        #expect(abs(losses[2] / losses[0] - 1) > 1e-3)
        #expect(throws: (any Error).self) { try modelConfiguration("sensitivityWeight: 2") }
    }

    @Test func weighsLossOfGrid() throws {
        let scratch = try Scratch()
        let path = try scratch.automaton("grid", "4555", Extent3(z: 6, y: 6, x: 6))
        let losses = try [0, 0.5, 1].map { amount in
            let task = try GridTask<Double>(
                try gridConfiguration("channels: 6, crop: 4, sensitivityWeight: \(amount)"), training: [path], validation: [])
            return try task.lossAndGradient(task.someWeights(), samples: [0]).loss
        }
        #expect(abs(losses[1] - (losses[0] + losses[2]) / 2) < 1e-9 * losses[0])
        #expect(abs(losses[2] / losses[0] - 1) > 1e-4)
    }
}
