import Configuration
import Grid
import HDF5
import MPI
import NeuralNetworks
import SAGESnetTestSupport
import Tensor
import Testing
@testable import SAGESnet
@testable import Training

/// Rows whose losses are known: the logarithm is normal, with mean 2 x and a spread that grows with |y|.
private final class SyntheticSource: LossSource {
    let stream: UInt64
    let sampleCount: Int
    let featureCount = 3

    init(stream: UInt64, samples: Int) { (self.stream, sampleCount) = (stream, samples) }

    func rows(ofSample sample: Int) -> LossRows {
        var random = Philox(seed: stream, stream: UInt64(sample))
        var rows = LossRows()
        for _ in 0..<200 {
            let (x, y) = (random.nextNormal(), random.nextNormal())
            rows.features += [Float(x), Float(y), 4]
            let logarithm = 2 * x - 3 + (0.1 + 0.4 * abs(y)) * random.nextNormal()
            rows.losses.append(Logarithm.exponential(logarithm))
        }
        return rows
    }
}

private func confidenceConfiguration(_ members: String) throws -> ConfidenceConfiguration {
    try ConfigurationDocument(text: "{of: \"model.h5\", \(members)}", source: "the test")
        .decode(ConfidenceConfiguration.self).value
}

/// Networks that predict losses, and the bands about them.
@Suite(.serialized) struct ConfidenceTests {
    private func subject(_ scratch: Scratch) -> ConfidenceSubject { ConfidenceSubject(path: "model.h5", checksum: 7) }

    @Test func gradientAgreesWithDifferences() throws {
        let scratch = try Scratch()
        let task = try ConfidenceTask<Double>(
            confidenceConfiguration("width: 4, rows: 50"), subject: subject(scratch),
            training: SyntheticSource(stream: 1, samples: 3), validation: SyntheticSource(stream: 2, samples: 1))
        let (gradient, difference) = try task.gradientAndDifferences(at: task.someWeights())
        for (parameter, values) in zip(task.layout.parameters, gradient) {
            for index in values.indices.prefix(4) {
                let difference = try difference(parameter.offset + index)
                #expect(abs(values[index] - difference) < 1e-7 * max(1, abs(difference)), "\(parameter.name)[\(index)]")
            }
        }
        #expect(gradient.flatMap { $0 }.contains { abs($0) > 1e-3 })
    }

    /// Trained and calibrated on some rows, it orders others, knows where they spread, and its bands hold what they say.
    @Test func learnsKnownLosses() throws {
        let scratch = try Scratch()
        let task = try ConfidenceTask<Float>(
            confidenceConfiguration("width: 16, rows: 150"), subject: subject(scratch),
            training: SyntheticSource(stream: 1, samples: 40), validation: SyntheticSource(stream: 2, samples: 60))
        let configuration = TrainingConfiguration(
            length: .steps(300), globalBatch: 4, optimizer: .adamW(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0),
            schedule: Schedule(peak: 1e-2, final: 1e-3, warmup: 10), clip: 1,
            validation: ValidationConfiguration(every: 100))
        let path = scratch.path + "/confidence.h5"
        let text = "{\"model\": {\"kind\": \"confidence\", \"of\": \"model.h5\", \"width\": 16, \"rows\": 150}, "
            + "\"data\": {\"train\": [\"a.h5\"]}, \"training\": {\"steps\": 300}}"
        let trainer = try Trainer(
            task: task, configuration: configuration, communicator: .selfOnly,
            output: TrainingOutput(path: path, kind: "confidence", configuration: text))
        #expect(try trainer.run(resuming: false) == .finished)

        let confidence = try TrainedConfidence(path, of: subject(scratch), featureCount: 3, communicator: .selfOnly)
        let prediction = ConfidencePrediction<Float>(
            confidence.model, weights: UnsafePointer(confidence.parameters.pointer))
        var held = Calibration.levels.map { _ in 0 }
        var (means, truths, spreads, sizes): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        let source = SyntheticSource(stream: 3, samples: 60)
        for sample in 0..<source.sampleCount {
            let rows = source.rows(ofSample: sample)
            for (row, expected) in try prediction.predict(rows.features).enumerated() {
                let score = expected.score(of: rows.losses[row])
                for level in held.indices where confidence.calibration.holds(score, level: level) { held[level] += 1 }
                means.append(expected.mean)
                truths.append(rows.losses[row])
                spreads.append(expected.spread)
                sizes.append(Double(abs(rows.features[3 * row + 1])))
                #expect(expected.upperError(confidence.calibration, level: 3) > expected.upperError(confidence.calibration, level: 0))
            }
        }
        for (level, count) in zip(Calibration.levels, held) {
            let part = Double(count) / Double(truths.count)
            #expect(abs(part - level) < 0.03, "the band of \(level) holds \(part)")
        }
        #expect(RankCorrelation.spearman(means, truths) > 0.95)
        #expect(RankCorrelation.spearman(spreads, sizes) > 0.8)
        // Of other weights, or of rows of other numbers.
        #expect(throws: SAGESnetError.self) {
            try TrainedConfidence(
                path, of: ConfidenceSubject(path: "other.h5", checksum: 8), featureCount: 3, communicator: .selfOnly)
        }
        #expect(throws: TrainingError.self) {
            try TrainedConfidence(path, of: subject(scratch), featureCount: 4, communicator: .selfOnly)
        }
    }

    @Test func bandsHoldTheirPart() {
        // Of scores 1...n and one more that is as likely anywhere between them.
        for count in [7, 100, 1999] {
            let calibration = Calibration(scores: (1...count).map(Double.init).shuffled())
            for (level, nominal) in Calibration.levels.enumerated() {
                let inside = (0...count).count { calibration.holds(Double($0) + 0.5, level: level) }
                let part = Double(inside) / Double(count + 1)
                // With too few scores a band cannot be wide enough.
                let possible = min(nominal, Double(count - 1) / Double(count + 1))
                #expect(part >= possible - 1e-9 && part < nominal + 2.1 / Double(count + 1), "\(count) scores: \(part)")
            }
        }
    }

    @Test func rankCorrelationIsSpearmans() {
        #expect(RankCorrelation.spearman([1, 2, 3, 4], [10, 20, 25, 900]) == 1)
        #expect(RankCorrelation.spearman([1, 2, 3, 4], [4, 3, 2, 1]) == -1)
        #expect(RankCorrelation.spearman([1, 1, 1], [1, 2, 3]) == 0)
        // By hand: ranks 0.5 0.5 2 3 4 and 1 0 2.5 2.5 4.
        #expect(abs(RankCorrelation.spearman([2, 2, 3, 5, 8], [1, 0, 4, 4, 9]) - 9 / 9.5) < 1e-12)
    }

    /// The losses of rows are those that training has.
    @Test(arguments: [
        BondTests.members, "cell: 1, channels: 4, blocks: 1", "cell: 1, channels: 4, blocks: 1, cells: \"dense\"",
        "cell: 2, slots: 6, channels: 4, blocks: 1, origin: \"corner\", predictor: \"increment\"",
    ])
    func lossesAreThoseOfTraining(_ members: String) throws {
        let scratch = try Scratch()
        let path = try scratch.lattice("crystal") { $0.frames = 5 }
        let task = try SAGESnetTask<Float>(
            try modelConfiguration(members + ", augmentation: false, codecWeight: 0"), training: [path], validation: [])
        let weights = task.someWeights()
        let source = try AtomLossSource(task.model, parameters: weights, runs: task.training)
        #expect(source.sampleCount == task.sampleCount)
        for sample in [2, 0] {
            let frame = try source.frame(ofSample: sample)
            let mean = frame.lossOfAtom.reduce(0, +) / Double(frame.lossOfAtom.count)
            let loss = Double(try task.lossAndGradient(weights, samples: [sample]).loss)
            // A simulation takes out what would change momentum, which is an error; with bonds there is none.
            #expect(mean > 0 && mean / loss < 1.01, "\(mean) and \(loss)")
            if members.contains("bonds") { #expect(abs(mean / loss - 1) < 1e-3) }
            #expect(frame.rows.features.count == frame.rows.count * source.featureCount)
            #expect(frame.rows.features.allSatisfy(\.isFinite) && frame.rows.losses.allSatisfy { $0 > 0 })
            for row in frame.rows.losses.indices {
                let own = frame.rowOfAtom.indices.filter { frame.rowOfAtom[$0] == row }.map { frame.lossOfAtom[$0] }
                #expect(abs(own.reduce(0, +) / Double(own.count) - frame.rows.losses[row]) < 1e-9 * frame.rows.losses[row])
            }
        }
    }

    @Test func lossesOfGridAreCrossEntropies() throws {
        let scratch = try Scratch()
        let path = try scratch.automaton("grid", "4555", Extent3(z: 6, y: 6, x: 6))
        let task = try GridTask<Float>(try gridConfiguration("channels: 6, crop: 6"), training: [path], validation: [])
        let source = try GridLossSource(task.model, parameters: task.someWeights(), runs: task.training)
        let rows = try source.rows(ofSample: 1)
        #expect(rows.count == 216 && rows.features.count == 216 * source.featureCount)
        // The crop is the whole grid.
        let loss = Double(try task.lossAndGradient(task.someWeights(), samples: [1]).loss)
        #expect(abs(rows.losses.reduce(0, +) / 216 / loss - 1) < 1e-4)
    }
}
