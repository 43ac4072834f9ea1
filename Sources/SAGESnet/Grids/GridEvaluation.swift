import Grid
import MPI
import Tensor
import Training

/// How many cells a grid's model gets right on data: in single steps from each frame, or over a rollout from one.
///
/// All figures count components of cells (one a cell in automata), over all ranks and compared frames.
public struct GridEvaluation: Sendable {
    /// Frames compared.
    public var frames = 0
    /// Components of the grid's cells in a frame.
    public let frameSize: Int
    /// Components that differ from the data.
    public var wrong = 0
    /// Frames without a wrong component.
    public var exactFrames = 0
    /// The first frame, counted from 1, with a wrong component; nil if there is none.
    public var firstWrongFrame: Int?
    /// Components that are wrong if nothing changes: in single steps from the frame before, in a rollout from its start.
    public var wrongOfPersistence = 0
    /// Components that are wrong if all are 0.
    public var wrongOfZero = 0
    public var seconds = 0.0

    /// The part of components that is right.
    public func accuracy(wrong: Int) -> Double { 1 - Double(wrong) / Double(max(1, frames * frameSize)) }
    public var cellAccuracy: Double { accuracy(wrong: wrong) }

    private init(frameSize: Int) { self.frameSize = frameSize }

    /// One step from each frame that another follows by the model's stride. Collective.
    ///
    /// - Throws: on every rank, `SAGESnetError.unsuitableData` for data without such frames; what the simulator throws.
    public static func ofSteps<Scalar>(
        _ simulator: GridSimulator<Scalar>, _ source: GridSource, communicator: Communicator
    ) throws -> GridEvaluation {
        let stride = simulator.model.stride.steps
        let known = simulator.model.coarse?.steps ?? 1
        let starts = source.steps.indices.dropLast().filter { start in
            start + 1 >= known && (start + 1 - known...start).allSatisfy { source.steps[$0 + 1] - source.steps[$0] == stride }
        }
        guard !starts.isEmpty else {
            throw SAGESnetError.unsuitableData(
                file: source.path, reason: "it has no \(known + 1) frames that are \(stride) steps apart, as a step of the model")
        }
        var result = GridEvaluation(frameSize: source.cells.count * source.components)
        let begin = MPIEnvironment.wallTime()
        let truth = Truth<Scalar>(simulator, source, communicator)
        for frame in starts {
            try communicator.agree { try simulator.start(from: source, frame: frame) }
            try truth.read(frame + 1)
            result.wrongOfPersistence += try simulator.differences(from: truth.values)
            try simulator.advance()
            try result.compare(simulator, truth, communicator)
        }
        result.seconds = MPIEnvironment.wallTime() - begin
        return result
    }

    /// Steps from a frame on, each compared with the data. Collective.
    ///
    /// - Throws: on every rank, `SAGESnetError.badRequest` for data that end before; what the simulator throws.
    public static func ofRollout<Scalar>(
        _ simulator: GridSimulator<Scalar>, _ source: GridSource, frame: Int, steps: Int, communicator: Communicator,
        progress: (Int) -> Void = { _ in }
    ) throws -> GridEvaluation {
        let stride = simulator.model.stride.steps
        let following = source.steps[frame...].dropFirst()
        guard following.count >= steps,
              zip(following.prefix(steps), 1...).allSatisfy({ $0 == source.steps[frame] + Int64($1) * stride }) else {
            throw SAGESnetError.badRequest(
                "\(source.path) does not hold \(steps) frames after frame \(frame) that are \(stride) steps apart")
        }
        var result = GridEvaluation(frameSize: source.cells.count * source.components)
        let begin = MPIEnvironment.wallTime()
        let (truth, first) = (Truth<Scalar>(simulator, source, communicator), Truth<Scalar>(simulator, source, communicator))
        try communicator.agree { try simulator.start(from: source, frame: frame) }
        try first.read(frame)
        for step in 1...steps {
            try simulator.advance()
            try truth.read(frame + step)
            try result.compare(simulator, truth, communicator)
            result.wrongOfPersistence += try truth.differences(from: first)
            progress(step)
        }
        result.seconds = MPIEnvironment.wallTime() - begin
        return result
    }

    private mutating func compare<Scalar>(
        _ simulator: GridSimulator<Scalar>, _ truth: Truth<Scalar>, _ communicator: Communicator
    ) throws {
        frames += 1
        let differences = try simulator.differences(from: truth.values)
        wrong += differences
        if differences == 0 { exactFrames += 1 } else { firstWrongFrame = firstWrongFrame ?? frames }
        wrongOfZero += try truth.ones()
    }
}

/// A frame of the data: this rank's cells.
private final class Truth<Scalar: TrainingScalar> {
    private let source: GridSource
    private let range: CellRange
    private let communicator: Communicator
    private let buffer: Buffer<Scalar>

    init<S>(_ simulator: GridSimulator<S>, _ source: GridSource, _ communicator: Communicator) {
        (self.source, range, self.communicator) = (source, simulator.range, communicator)
        buffer = Buffer(repeating: 0, count: simulator.range.count * source.components)
    }

    var values: UnsafeBufferPointer<Scalar> { UnsafeBufferPointer(buffer.span) }

    /// Collective.
    func read(_ frame: Int) throws { try communicator.agree { try source.read(frame: frame, range, into: buffer.span) } }

    /// Components of 1, over all ranks. Collective.
    func ones() throws -> Int { try communicator.allReduce(values.count { $0 == 1 }, .sum) }

    /// Components that differ, over all ranks. Collective.
    func differences(from other: Truth) throws -> Int {
        var count = 0
        for index in 0..<buffer.count where buffer.pointer[index] != other.buffer.pointer[index] { count += 1 }
        return try communicator.allReduce(count, .sum)
    }
}
