import Configuration
import MPI
import SAGESnetTestSupport
import Tensor
import Testing
import Training
@testable import SAGESnet

/// Training that goes on from another model.
@Suite(.serialized) struct StartingWeightsTests {
    /// A model, hardly trained, in a file.
    private func write(_ name: String, _ members: String, data: String, in scratch: Scratch) throws -> String {
        let path = scratch.path + "/\(name).h5"
        let document = try ConfigurationDocument(
            text: """
                {model: {kind: "sagesnet", \(members)}, data: {train: ["\(data)"]},
                 training: {steps: 2, globalBatch: 1, schedule: {peak: 0.01}}, output: {model: "\(path)"}}
                """, source: "the test")
        let (run, text) = try document.decode(RunConfiguration.self)
        let task = try SAGESnetTask<Double>(try modelConfiguration(members), training: [data], validation: [])
        let trainer = try Trainer(
            task: task, configuration: run.training, communicator: .selfOnly,
            output: TrainingOutput(path: path, kind: run.model.kind.rawValue, configuration: text))
        #expect(try trainer.run() == .finished)
        return path
    }

    /// Weights and units are those of the model; torsions, which it has not, begin anew and are silent.
    @Test func startsWhereTheModelWas() throws {
        let scratch = try Scratch()
        let cold = try scratch.lattice("cold") { $0.speed = 1 }
        let hot = try scratch.lattice("hot") { $0.speed = 3 }
        let path = try write("first", BondTests.members, data: cold, in: scratch)
        let (model, parameters, _, _) = try SAGESnetModel.load(path, as: Double.self, communicator: .selfOnly)

        func task(_ members: String, start: Bool) throws -> SAGESnetTask<Double> {
            try SAGESnetTask<Double>(
                try modelConfiguration(members + (start ? ", start: \"\(path)\"" : "")), training: [cold, hot], validation: [])
        }
        let next = try task(BondTests.membersWithTorsion, start: true)
        #expect(next.model.normalization == model.normalization)
        #expect(try task(BondTests.members, start: false).model.normalization != model.normalization)
        let weights = Buffer<Double>(repeating: 0, count: next.layout.count)
        next.initialize(weights.pointer, seed: 4)
        for parameter in model.layout.parameters {
            let place = try #require(next.layout.parameters.first { $0.name == parameter.name })
            for index in 0..<parameter.shape.count {
                #expect(weights.pointer[place.offset + index] == parameters.pointer[parameter.offset + index])
            }
        }
        #expect(next.layout.scalarCount > model.layout.scalarCount)
        let same = try task(BondTests.members, start: true)
        let expected = try same.lossAndGradient(parameters, samples: [0]).loss
        let found = try next.lossAndGradient(weights, samples: [0]).loss
        #expect(abs(found - expected) < 1e-12 * expected, "\(found), \(expected)")
    }

    @Test func modelsThatDoNotSuitAreRefused() throws {
        let scratch = try Scratch()
        let data = try scratch.lattice("crystal")
        let path = try write("torsions", BondTests.membersWithTorsion, data: data, in: scratch)
        func refusal(_ members: String) -> String? {
            do {
                _ = try SAGESnetTask<Double>(
                    try modelConfiguration(members + ", start: \"\(path)\""), training: [data], validation: [])
                return nil
            } catch { return "\(error)" }
        }
        #expect(refusal(BondTests.members)?.contains("predictor/torsion/amplitude/weights") == true)
        #expect(refusal(BondTests.membersWithTorsion + ", elements: [\"C\", \"H\"]")?.contains("elements") == true)
        #expect(refusal("") != nil)
        #expect(refusal(BondTests.membersWithTorsion) == nil)
    }
}
