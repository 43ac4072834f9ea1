import Autodiff
import Diagnostics
import Foundation
import HDF5
import MPI
import NeuralNetworks
import Tensor
@testable import Training

/// A small regression with noise on its inputs, on which the Trainer is tested.
final class RegressionTask: TrainingTask {
    struct Inputs {
        let x: Variable<Float>
        let y: Variable<Float>
    }

    let layout: ParameterLayout
    let sampleCount: Int
    let validationSampleCount: Int
    private let network: Perceptron
    private let points: [SIMD2<Float>]
    /// Called before a micro-batch is filled: to fail, to raise signals, to wait.
    var beforeFill: (UnsafeBufferPointer<SampleDraw>, SamplePurpose) throws -> Void = { _, _ in }
    /// Spoils something that `beforeFill` has no access to when it is made.
    var poison: () -> Void = {}
    /// Multiplies a training sample's target.
    var targetScale: (SampleDraw) -> Float = { _ in 1 }

    init(samples: Int = 23, validationSamples: Int = 7) {
        var layout = ParameterLayout()
        network = Perceptron("network", widths: [2, 12, 5, 1], activation: .tanh, in: &layout)
        self.layout = layout
        sampleCount = samples
        validationSampleCount = validationSamples
        points = (0..<(samples + validationSamples)).map { index in
            var generator = Philox(seed: 99, stream: UInt64(index))
            return SIMD2(Float(generator.nextNormal()), Float(generator.nextNormal()))
        }
    }

    func record(on tape: Tape<Float>, samples: Int) -> RecordedLoss<Float, Inputs> {
        let inputs = Inputs(x: tape.input("x", [samples, 2]), y: tape.input("y", [samples, 1]))
        let predicted = network(inputs.x)
        return RecordedLoss(
            loss: predicted.meanSquaredError(from: inputs.y),
            figures: [("absoluteError", predicted.smoothAbsoluteError(from: inputs.y, scale: 0.01))], inputs: inputs)
    }

    func fill(
        _ inputs: Inputs, of program: Program<Float>, draws: UnsafeBufferPointer<SampleDraw>, seed: UInt64,
        purpose: SamplePurpose
    ) throws {
        try beforeFill(draws, purpose)
        let x = program.pointer(to: inputs.x)
        let y = program.pointer(to: inputs.y)
        for (row, draw) in draws.enumerated() {
            var generator = draw.randomNumbers(seed: seed)
            let isTraining = purpose == .training
            let point = points[isTraining ? draw.sample : sampleCount + draw.sample]
            let noise: Float = isTraining ? 0.05 : 0
            x[2 * row] = point.x + noise * Float(generator.nextNormal())
            x[2 * row + 1] = point.y + noise * Float(generator.nextNormal())
            y[row] = (point.x * point.y + 0.3 * point.x) * (isTraining ? targetScale(draw) : 1)
        }
    }

    func write(to root: Group) throws {
        try root.createGroup("normalization").setAttribute("factor", 2.5)
    }
}

extension Trainer where Task == RegressionTask {
    /// Everything that must be the same for every number of ranks, as bits.
    var fingerprint: [UInt64] {
        var checksum = Checksum()
        checksum.add(weights.pointer, count: weights.count)
        for state in optimizerState.moments { checksum.add(state.pointer, count: state.count) }
        for state in [optimizerState.statistics, optimizerState.bases] {
            if let state { checksum.add(state.pointer, count: state.count) }
        }
        var result = Checksum()
        for value in parameters { result.add(Double(value)) }
        return [
            checksum.value, result.value, loss.bitPattern, figure(0).bitPattern, gradientNorm.bitPattern,
            earlyStop.bestLoss.bitPattern, UInt64(earlyStop.bestStep), UInt64(step), UInt64(calibrations),
        ]
    }
}

/// Runs `body` on the first `size` ranks only; nil on the others. Collective over all.
func onFirst<T>(_ size: Int, of communicator: Communicator, _ body: (Communicator) throws -> T) throws -> T? {
    let part = try communicator.split(color: communicator.rank < size ? 0 : nil)
    let result = try part.map(body)
    try communicator.barrier()
    return result
}

/// Rank 0's value, everywhere.
func shared(_ values: [UInt64]?, _ communicator: Communicator) throws -> [UInt64] {
    try communicator.broadcast(values ?? [], root: 0)
}

/// An empty folder that all ranks share and that is removed afterwards. Collective.
func withFolder(_ communicator: Communicator, _ body: (String) throws -> Void) throws {
    let path = try communicator.broadcast(
        communicator.rank == 0 ? NSTemporaryDirectory() + "sages-training-\(UUID().uuidString)" : "", root: 0)
    if communicator.rank == 0 { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    try communicator.barrier()
    try body(path)
    try communicator.barrier()
    if communicator.rank == 0 { try FileManager.default.removeItem(atPath: path) }
}
