import Grid
import MPI
import Tensor
import Training
import Trajectory

/// What becomes of a simulation over many steps, beside the data: temperature, structure, motion, and what must stay.
public struct RolloutEvaluation: Equatable, Sendable {
    /// Steps asked for and done; they differ where the simulation failed.
    public let steps: Int
    public let stepsDone: Int
    /// Why it ended early; nil where it did not.
    public let failure: String?

    /// Slope of the temperature over time by least squares, K/ps; nil for fewer than two steps.
    public let temperatureDrift: Double?
    /// Means over the steps and over the data's frames, K; the motion of the center of mass is no heat.
    public let temperatureMean: Double
    public let temperatureReference: Double

    /// The largest absolute difference of g(r) from the data's, and of the two halves of the data from each other, in the
    /// bins of `RadialDistribution.standard`; nil for boxes that are not periodic.
    public let rdfError: Double?
    public let rdfErrorReference: Double?
    /// The highest peak of the data's g(r).
    public let rdfPeak: Double?

    /// The largest absolute difference of the normalized velocity autocorrelation from the data's, and between the
    /// halves of the data, for lags up to `vacfLag` (ps); nil where there are too few frames.
    public let vacfError: Double?
    public let vacfErrorReference: Double?
    public let vacfLag: Double?

    /// Atoms of the start whose id is not exactly once in the end.
    public let atomsLost: Int
    /// u
    public let massDrift: Double
    /// Magnitude of the change of the total momentum, u Angstrom/ps.
    public let momentumDrift: Double
    /// The largest corrections of all velocities (Angstrom/ps) and positions (Angstrom) in a step.
    public let largestVelocityCorrection: Double
    public let largestDisplacementCorrection: Double

    /// Wall time of the simulation.
    public let seconds: Double

    /// Numbers of each kind that are kept for the autocorrelation at most, and frames that g(r) is averaged over.
    static let mostNumbers = 30_000_000
    static let mostFrames = 200
    /// The longest lag, ps: vibrations of solids have lost most of their memory by then.
    static let longestLag = 0.5

    /// Simulates, over the cells of all ranks, and compares with the whole run. Collective.
    ///
    /// A simulation that fails (it diverges, or a cell gets too many atoms) is a result: `failure` says why.
    ///
    /// - Parameters:
    ///   - frame: where the simulation begins, from 0.
    ///   - progress: called after each step with the number of steps done.
    /// - Returns: on rank 0; nil on the others.
    /// - Throws: on every rank, what reading and the simulator's start do; `SAGESnetError.badRequest` for a frame that
    ///   the run has not.
    public static func run<Scalar: TrainingScalar & GridScalar>(
        _ model: SAGESnetModel, parameters: Buffer<Scalar>, run: AtomRun, frame: Int, steps: Int,
        communicator: Communicator, progress: (Int) -> Void = { _ in }
    ) throws -> RolloutEvaluation? {
        guard (0..<run.frameCount).contains(frame) else {
            throw SAGESnetError.badRequest("\(run.path) has \(run.frameCount) frames, so there is no frame \(frame)")
        }
        try communicator.agree { try run.requireTimeStep(of: model) }
        let start = try SimulationStart(run.path, frame: frame, for: model, communicator: communicator)
        let simulator = try Simulator<Scalar>(
            model: model, parameters: parameters, start: start, communicator: communicator,
            environment: run.environmentValues(of: model), alignment: run.alignment)
        var history = RolloutHistory(run: run, steps: steps, box: start.box)
        let first = try GatheredAtoms(simulator, communicator)
        var last = first
        if communicator.rank == 0 { history.add(first, step: 0) }
        let begin = MPIEnvironment.wallTime()
        var failure: String?
        while simulator.step < steps, failure == nil {
            do {
                try simulator.advance()
            } catch let error as SAGESnetError {
                failure = error.description
            } catch let error as RemoteRankError {
                failure = error.message
            }
            guard failure == nil else { break }
            last = try GatheredAtoms(simulator, communicator)
            if communicator.rank == 0 { history.add(last, step: simulator.step) }
            progress(simulator.step)
        }
        let seconds = MPIEnvironment.wallTime() - begin
        return try communicator.agree { () -> RolloutEvaluation? in
            guard communicator.rank == 0 else { return nil }
            return try RolloutEvaluation(
                steps: steps, stepsDone: simulator.step, failure: failure, history, first, last,
                simulator.conservation, seconds: seconds)
        }
    }

    init(
        steps: Int, stepsDone: Int, failure: String?, _ history: RolloutHistory, _ first: GatheredAtoms,
        _ last: GatheredAtoms, _ conservation: Conservation, seconds: Double
    ) throws {
        self.steps = steps
        self.stepsDone = stepsDone
        self.failure = failure
        let reference = try RolloutReference(history.run, lag: history.longestLag, edge: history.shortestEdge)
        temperatureMean = history.temperatures.reduce(0, +) / Double(max(history.temperatures.count, 1))
        temperatureDrift = RolloutEvaluation.slope(history.temperatures, interval: history.run.timeStep)
        temperatureReference = reference.temperature
        if let own = history.radialDistribution, let data = reference.radialDistribution {
            rdfError = own.largestDifference(from: data).difference
            rdfErrorReference = reference.radialDifferenceOfHalves
            rdfPeak = data.values.max()
        } else {
            (rdfError, rdfErrorReference, rdfPeak) = (nil, nil, nil)
        }
        let lag = reference.autocorrelation.count - 1
        if lag > 0, history.velocities.count >= 2 * lag {
            let own = AtomicMotion.velocityAutocorrelation(history.velocities, maximumLag: lag)
            vacfError = RolloutEvaluation.largestDifference(own, reference.autocorrelation)
            vacfErrorReference = reference.autocorrelationDifferenceOfHalves
            vacfLag = Double(lag) * history.run.timeStep
        } else {
            (vacfError, vacfErrorReference, vacfLag) = (nil, nil, nil)
        }
        atomsLost = RolloutEvaluation.lost(first.ids, last.ids)
        massDrift = last.masses.reduce(0, +) - first.masses.reduce(0, +)
        let change = zip(last.state.momentum, first.state.momentum).map { $0 - $1 }
        momentumDrift = change.reduce(0) { $0 + $1 * $1 }.squareRoot()
        largestVelocityCorrection = conservation.largestVelocityCorrection
        largestDisplacementCorrection = conservation.largestDisplacementCorrection
        self.seconds = seconds
    }

    /// How many of the ascending `before` are not exactly once in the ascending `after`.
    static func lost(_ before: [Int64], _ after: [Int64]) -> Int {
        var times: [Int64: Int] = [:]
        for id in after { times[id, default: 0] += 1 }
        return before.filter { times[$0] != 1 }.count
    }

    /// The slope of values at equal intervals by least squares; nil for fewer than two.
    static func slope(_ values: [Double], interval: Double) -> Double? {
        guard values.count >= 2 else { return nil }
        let middle = Double(values.count - 1) / 2
        let mean = values.reduce(0, +) / Double(values.count)
        var (product, square) = (0.0, 0.0)
        for (index, value) in values.enumerated() {
            product += (Double(index) - middle) * (value - mean)
            square += (Double(index) - middle) * (Double(index) - middle)
        }
        return product / square / interval
    }

    static func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }
}
