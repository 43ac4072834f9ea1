import Trajectory

extension RolloutEvaluation {
    /// - Parameter start: the frame where the rollout began.
    init(
        steps: Int, stepsDone: Int, failure: String?, _ history: RolloutHistory, start: Int, _ first: GatheredAtoms,
        _ last: GatheredAtoms, _ conservation: Conservation, seconds: Double
    ) throws {
        self.steps = steps
        self.stepsDone = stepsDone
        self.failure = failure
        let reference = try RolloutReference(history, start: start)
        temperatureMean = history.temperatures.reduce(0, +) / Double(max(history.temperatures.count, 1))
        temperatureTrend = LinearTrend(history.temperatures, interval: history.run.timeStep)
        temperatureReference = reference.temperature
        if let own = history.radialDistribution, let data = reference.radialDistribution {
            rdfError = own.largestDifference(from: data).difference
            rdfErrorReference = reference.radialDifferenceOfHalves
            rdfPeak = data.values.max()
        } else {
            (rdfError, rdfErrorReference, rdfPeak) = (nil, nil, nil)
        }
        vibration = Vibration(history, reference)
        displacement = Displacement(history, reference)
        sheet = Sheet(history, reference)
        atomsLost = RolloutEvaluation.lost(first.ids, last.ids)
        massDrift = last.masses.reduce(0, +) - first.masses.reduce(0, +)
        let change = zip(last.state.momentum, first.state.momentum).map { $0 - $1 }
        momentumDrift = change.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let thermal = first.velocities.indices.reduce(0.0) { sum, index in
            let momentum = first.masses[index / 3] * first.velocities[index]
            return sum + momentum * momentum
        }.squareRoot()
        relativeMomentumDrift = thermal > 0 ? momentumDrift / thermal : 0
        largestVelocityCorrection = conservation.largestVelocityCorrection
        largestDisplacementCorrection = conservation.largestDisplacementCorrection
        self.seconds = seconds
        secondsPerPicosecond = seconds / (Double(max(stepsDone, 1)) * history.run.timeStep)
    }

    /// How many of the ascending `before` are not exactly once in the ascending `after`.
    static func lost(_ before: [Int64], _ after: [Int64]) -> Int {
        var times: [Int64: Int] = [:]
        for id in after { times[id, default: 0] += 1 }
        return before.filter { times[$0] != 1 }.count
    }
}

extension RolloutEvaluation.Vibration {
    /// Nil where one of them has too few frames.
    init?(_ history: RolloutHistory, _ reference: RolloutReference) {
        guard let data = reference.motion, let halves = reference.halves,
              history.velocities.count >= 2 * (data.correlation.count - 1) else { return nil }
        let longest = data.correlation.count - 1
        let own = MotionFigures(history.velocities, lag: longest, interval: history.run.timeStep)
        correlationError = own.correlationDifference(from: data)
        correlationErrorReference = halves.0.correlationDifference(from: halves.1)
        spectrumError = own.spectralDifference(from: data)
        spectrumErrorReference = halves.0.spectralDifference(from: halves.1)
        (peak, peakReference) = (own.peak, data.peak)
        lag = Double(longest) * history.run.timeStep
    }
}

extension RolloutEvaluation.Displacement {
    /// Nil where they share fewer than two steps.
    init?(_ history: RolloutHistory, _ reference: RolloutReference) {
        let (own, data) = (history.displacement.meanSquares, reference.displacement.meanSquares)
        let shared = min(own.count, data.count)
        guard shared > 2 else { return nil }
        func late(_ values: [Double]) -> Double {
            let part = values[(shared / 2)..<shared]
            return part.reduce(0, +) / Double(part.count)
        }
        (meanSquare, meanSquareReference) = (late(own), late(data))
        time = Double(shared - 1) * history.run.timeStep
    }
}

extension RolloutEvaluation.Sheet {
    init?(_ history: RolloutHistory, _ reference: RolloutReference) {
        guard !history.amplitudes.isEmpty, let data = reference.amplitude, let halves = reference.amplitudesOfHalves else {
            return nil
        }
        amplitude = history.amplitudes.reduce(0, +) / Double(history.amplitudes.count)
        amplitudeReference = data
        (amplitudeOfFirstHalf, amplitudeOfSecondHalf) = halves
    }
}
