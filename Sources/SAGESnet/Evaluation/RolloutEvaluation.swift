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

    /// Of the temperature over time, K/ps; nil for fewer than two steps.
    public let temperatureTrend: LinearTrend?
    /// Means over the steps and over the data's frames, K; the motion of the center of mass is no heat.
    public let temperatureMean: Double
    public let temperatureReference: Double

    /// The largest absolute difference of g(r) from the data's, and of the two halves of the data from each other, in the
    /// bins of `RadialDistribution.standard`; nil for boxes that are not periodic.
    public let rdfError: Double?
    public let rdfErrorReference: Double?
    /// The highest peak of the data's g(r).
    public let rdfPeak: Double?

    /// How atoms vibrate; nil where the data have too few frames or frames at other intervals.
    public let vibration: Vibration?
    /// How far atoms go; nil where fewer than two frames of the data follow the start.
    public let displacement: Displacement?
    /// How far a sheet bulges; nil where the atoms fill the box.
    public let sheet: Sheet?

    /// Atoms of the start whose id is not exactly once in the end.
    public let atomsLost: Int
    /// u
    public let massDrift: Double
    /// Magnitude of the change of the total momentum, u Angstrom/ps, and that over the root of the sum of the atoms' squared
    /// momenta at the start.
    public let momentumDrift: Double
    public let relativeMomentumDrift: Double
    /// The largest corrections of all velocities (Angstrom/ps) and positions (Angstrom) in a step.
    public let largestVelocityCorrection: Double
    public let largestDisplacementCorrection: Double

    /// Wall time of the simulation, and of one of its picoseconds.
    public let seconds: Double
    public let secondsPerPicosecond: Double

    /// Differences of the velocity autocorrelation and of its spectrum from the data's, and between the data's halves.
    public struct Vibration: Equatable, Sendable {
        /// The largest absolute difference of the normalized autocorrelation, for lags up to `lag`.
        public let correlationError, correlationErrorReference: Double
        /// `AtomicMotion.difference(ofSpectra:_:)`.
        public let spectrumError, spectrumErrorReference: Double
        /// The frequency of the highest peak, THz.
        public let peak, peakReference: Double
        /// ps
        public let lag: Double
    }

    /// Mean-square displacement from the start, Angstrom^2: the mean over the second half of the time that both cover.
    public struct Displacement: Equatable, Sendable {
        public let meanSquare, meanSquareReference: Double
        /// The time that both cover, ps.
        public let time: Double
    }

    /// Root mean square distances of a sheet's atoms from its mean plane, Angstrom.
    public struct Sheet: Equatable, Sendable {
        /// Means over the steps, over the data's frames, and over those of the data's halves.
        public let amplitude, amplitudeReference, amplitudeOfFirstHalf, amplitudeOfSecondHalf: Double
    }

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
        let first = try GatheredAtoms(simulator, communicator)
        var history = RolloutHistory(run: run, steps: steps, first: first, box: start.box)
        var last = first
        if communicator.rank == 0 { history.add(first, step: 0) }
        // Of the steps alone: what is kept of them is not theirs.
        var seconds = 0.0
        var failure: String?
        while simulator.step < steps, failure == nil {
            let begin = MPIEnvironment.wallTime()
            do {
                try simulator.advance()
            } catch let error as SAGESnetError {
                failure = error.description
            } catch let error as RemoteRankError {
                failure = error.message
            }
            guard failure == nil else { break }
            seconds += MPIEnvironment.wallTime() - begin
            last = try GatheredAtoms(simulator, communicator)
            if communicator.rank == 0 { history.add(last, step: simulator.step) }
            progress(simulator.step)
        }
        return try communicator.agree { () -> RolloutEvaluation? in
            guard communicator.rank == 0 else { return nil }
            return try RolloutEvaluation(
                steps: steps, stepsDone: simulator.step, failure: failure, history, start: frame, first, last,
                simulator.conservation, seconds: seconds)
        }
    }
}
