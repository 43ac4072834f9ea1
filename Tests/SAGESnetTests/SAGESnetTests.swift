import Autodiff
import Foundation
import Kernels
import MPI
import NeuralNetworks
import SAGESnetTestSupport
import Tensor
import Testing
import Trajectory
@testable import SAGESnet
@testable import Training

/// A folder that ends with the test. Makes MPI available, in which the tests are a job of one rank.
final class Scratch {
    let path: String

    init() throws {
        try MPIEnvironment.initialize()
        path = NSTemporaryDirectory() + "sages-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of a crystal's trajectory.
    func lattice(_ name: String, _ change: (inout HarmonicLattice) -> Void = { _ in }) throws -> String {
        var lattice = HarmonicLattice()
        change(&lattice)
        try lattice.write(to: "\(path)/\(name).h5")
        return "\(path)/\(name).h5"
    }
}

extension SAGESnetTask {
    convenience init(_ members: String, _ training: [String], validation: [String] = []) throws {
        try self.init(
            modelConfiguration(members, defaults: ["cell": "1", "channels": "8", "blocks": "1"]),
            training: training, validation: validation)
    }

}

extension TrainingTask {
    /// The training loss and its gradient at the given weights, for a micro-batch of given samples.
    func lossAndGradient(
        _ weights: Buffer<Scalar>, samples: [Int], epoch: Int = 0
    ) throws -> (loss: Scalar, gradient: [[Scalar]], program: RecordedProgram<Self>) {
        let recorded = RecordedProgram(self, samples: samples.count, withGradients: true, parameters: weights.pointer)
        let draws = samples.map { SampleDraw(sample: $0, epoch: epoch) }
        try draws.withUnsafeBufferPointer {
            try fill(recorded.inputs, of: recorded.program, draws: $0, seed: 5, purpose: .training)
        }
        try recorded.program.run()
        let gradient = recorded.gradients.map { variable in
            let pointer = recorded.program.pointer(to: variable)
            return (0..<variable.shape.count).map { pointer[$0] }
        }
        return (recorded.figure(0), gradient, recorded)
    }

    /// First weights, moved so that none is zero.
    func someWeights() -> Buffer<Scalar> {
        let weights = Buffer<Scalar>(repeating: 0, count: layout.count)
        layout.initialize(weights.pointer, seed: 2)
        var random = Philox(seed: 9)
        for parameter in layout.parameters {
            for index in 0..<parameter.shape.count {
                weights.pointer[parameter.offset + index] += Scalar(0.1 * random.nextNormal())
            }
        }
        return weights
    }
}

/// The loss of the first step and of the last ones of a training.
func train<Task: TrainingTask>(
    _ task: Task, steps: Int, microBatch: Int = 1, globalBatch: Int = 4
) throws -> (first: Double, last: Double, trainer: Trainer<Task>) {
    let configuration = TrainingConfiguration(
        length: .steps(steps), globalBatch: globalBatch, microBatch: microBatch,
        schedule: Schedule(peak: 5e-3, final: 1e-4, warmup: 5), clip: 1, averaging: 0)
    let trainer = try Trainer(task: task, configuration: configuration, communicator: .selfOnly)
    try trainer.takeStep()
    let first = trainer.loss
    var last = 0.0
    while trainer.step < steps {
        try trainer.takeStep()
        if trainer.step > steps - 10 { last += trainer.loss / 10 }
    }
    return (first, last, trainer)
}
