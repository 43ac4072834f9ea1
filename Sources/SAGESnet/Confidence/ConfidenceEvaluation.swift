import MPI
import Tensor
import Training

/// How well a network of confidence knows the errors of its model's single steps over all frames of a run, beside the
/// spread of an ensemble of models.
///
/// The ensemble's guess of an atom's loss is the variance of its members' predictions about their mean, in the units of
/// the loss.
public struct ConfidenceEvaluation: Sendable {
    /// Cells or atoms compared.
    public let rows: Int
    /// Of each of `Calibration.levels`, the part of rows whose loss is in the band.
    public let coverage: [Double]
    /// Spearman's rank correlation of predicted and true losses over all rows, and its mean over frames.
    public let correlation: Double
    public let correlationInFrames: Double
    /// The same of the ensemble; nil without one.
    public let ensembleCorrelation: Double?
    public let ensembleCorrelationInFrames: Double?
    /// Seconds of one rank's work, added up: for the numbers that describe rows and the network's prediction, for the
    /// model's steps, and for those of all members.
    public let seconds: Double
    public let stepSeconds: Double
    public let ensembleSeconds: Double?
    /// Of the first frame, by atoms in ascending order of ids, as square roots: predicted, upper end of the last level's
    /// band, true, and of the ensemble.
    public let firstFrame: (predicted: [Double], upper: [Double], truth: [Double], ensemble: [Double]?)

    /// Each rank takes frames of its own; the figures, but for times, are the same on any number of ranks. Collective.
    ///
    /// - Parameter members: of the ensemble.
    /// - Throws: on every rank, what the simulator does; `SAGESnetError.unsuitableData` for data without frames that are one
    ///   step of the model apart.
    public init(
        _ confidence: TrainedConfidence, of model: SAGESnetModel, parameters: Buffer<Float>,
        members: [(model: SAGESnetModel, parameters: Buffer<Float>)], run: AtomRun, communicator: Communicator
    ) throws {
        var own = Share()
        var first: FrameResult?
        var samples = 0
        try communicator.agree {
            let source = try AtomLossSource(model, parameters: parameters, runs: [run])
            let ensemble = try members.map { try AtomLossSource($0.model, parameters: $0.parameters, runs: [run]) }
            let prediction = ConfidencePrediction<Float>(
                confidence.model, weights: UnsafePointer(confidence.parameters.pointer))
            samples = source.sampleCount
            for sample in samples * communicator.rank / communicator.size
                ..< samples * (communicator.rank + 1) / communicator.size {
                let result = try FrameResult(source, ensemble, prediction, confidence, sample, &own.seconds)
                own.add(result)
                if sample == 0 { first = result }
            }
            own.seconds[0] += source.seconds.surroundings
            own.seconds[1] += source.seconds.steps
            own.seconds[2] += ensemble.reduce(0) { $0 + $1.seconds.steps }
        }
        guard samples > 0 else {
            throw SAGESnetError.unsuitableData(file: run.path, reason: "it has no frames that are one step apart")
        }
        // In the order of frames, for ranks have consecutive ones.
        let numbers = try communicator.allGatherV(own.rows).elements
        let frames = try communicator.allGatherV(own.correlations).elements
        let counts = try own.held.map { try communicator.allReduce($0, .sum) }
        let columns = (0..<3).map { column in stride(from: column, to: numbers.count, by: 3).map { numbers[$0] } }
        rows = columns[0].count
        coverage = counts.map { Double($0) / Double(columns[0].count) }
        correlation = RankCorrelation.spearman(columns[0], columns[1])
        correlationInFrames = stride(from: 0, to: frames.count, by: 2).reduce(0) { $0 + frames[$1] } * 2 / Double(frames.count)
        let sums = try own.seconds.map { try communicator.allReduce($0, .sum) }
        (seconds, stepSeconds) = (sums[0], sums[1])
        if members.isEmpty {
            (ensembleCorrelation, ensembleCorrelationInFrames, ensembleSeconds) = (nil, nil, nil)
        } else {
            ensembleCorrelation = RankCorrelation.spearman(columns[2], columns[1])
            ensembleCorrelationInFrames =
                stride(from: 1, to: frames.count, by: 2).reduce(0) { $0 + frames[$1] } * 2 / Double(frames.count)
            ensembleSeconds = sums[2]
        }
        func shared(_ values: [Double]?) throws -> [Double] {
            // The frame is rank 0's, unless that has none.
            try communicator.allGatherV(values ?? []).elements
        }
        let ensemble = try shared(first?.ensembleOfAtoms)
        firstFrame = (
            try shared(first?.predictedOfAtoms), try shared(first?.upperOfAtoms), try shared(first?.truthOfAtoms),
            members.isEmpty ? nil : ensemble
        )
    }

    /// What one rank has found.
    private struct Share {
        /// Predicted, true and the ensemble's loss of each row.
        var rows: [Double] = []
        /// Of each frame, that of the network and that of the ensemble.
        var correlations: [Double] = []
        var held = [Int](repeating: 0, count: Calibration.levels.count)
        /// See `seconds`, `stepSeconds` and `ensembleSeconds`.
        var seconds = [0.0, 0.0, 0.0]

        mutating func add(_ frame: FrameResult) {
            for row in frame.truth.indices { rows += [frame.predicted[row], frame.truth[row], frame.ensemble[row]] }
            correlations += [
                RankCorrelation.spearman(frame.predicted, frame.truth), RankCorrelation.spearman(frame.ensemble, frame.truth),
            ]
            for level in held.indices { held[level] += frame.held[level] }
        }
    }
}

/// A frame's rows as they were predicted, and as they are.
private struct FrameResult {
    let predicted, truth, ensemble: [Double]
    /// Rows in the band of each level.
    let held: [Int]
    let predictedOfAtoms, upperOfAtoms, truthOfAtoms, ensembleOfAtoms: [Double]

    init(
        _ source: AtomLossSource, _ members: [AtomLossSource], _ prediction: ConfidencePrediction<Float>,
        _ confidence: TrainedConfidence, _ sample: Int, _ seconds: inout [Double]
    ) throws {
        let frame = try source.frame(ofSample: sample)
        let begin = MPIEnvironment.wallTime()
        let expected = try prediction.predict(frame.rows.features)
        seconds[0] += MPIEnvironment.wallTime() - begin
        let scores = expected.indices.map { expected[$0].score(of: frame.rows.losses[$0]) }
        held = Calibration.levels.indices.map { level in
            scores.count { confidence.calibration.holds($0, level: level) }
        }
        predicted = expected.map(\.mean)
        truth = frame.rows.losses
        let spread = FrameResult.spread(of: try members.map { try $0.frame(ofSample: sample) }, source.model, frame)
        var (sums, counts) = (truth.map { _ in 0.0 }, truth.map { _ in 0.0 })
        for (atom, row) in frame.rowOfAtom.enumerated() {
            sums[row] += spread[atom]
            counts[row] += 1
        }
        ensemble = zip(sums, counts).map { $0 / max($1, 1) }
        predictedOfAtoms = frame.rowOfAtom.map { expected[$0].error }
        upperOfAtoms = frame.rowOfAtom.map {
            expected[$0].upperError(confidence.calibration, level: Calibration.levels.count - 1)
        }
        truthOfAtoms = frame.lossOfAtom.map { $0.squareRoot() }
        ensembleOfAtoms = spread.map { $0.squareRoot() }
    }

    /// The variance of members' steps about their mean, of each atom, in the units of the loss; zeros without members.
    private static func spread(
        of members: [AtomLossSource.Frame], _ model: SAGESnetModel, _ frame: AtomLossSource.Frame
    ) -> [Double] {
        guard !members.isEmpty else { return frame.lossOfAtom.map { _ in 0 } }
        let (distance, speed) = (model.normalization.displacement, model.normalization.kick)
        func variance(_ vectors: [SIMD3<Double>]) -> Double {
            let mean = vectors.reduce(.zero, +) / Double(vectors.count)
            return vectors.reduce(0) { $0 + (($1 - mean) * ($1 - mean)).sum() } / Double(3 * vectors.count)
        }
        return frame.lossOfAtom.indices.map { atom in
            variance(members.map { $0.moved[atom] / distance }) + variance(members.map { $0.velocities[atom] / speed })
        }
    }
}
