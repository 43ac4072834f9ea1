import Trajectory

/// The figures of a rollout of the data, and of its two halves.
struct RolloutReference {
    /// K, the mean over the frames.
    let temperature: Double
    /// Of all frames; nil for boxes that are not periodic or too small.
    let radialDistribution: RadialDistribution?
    let radialDifferenceOfHalves: Double?
    /// Nil where frames are too few or not at equal intervals.
    let motion: MotionFigures?
    let halves: (MotionFigures, MotionFigures)?
    /// Of the frames that follow the rollout's start at its time step; itself among them.
    let displacement: DisplacementHistory
    /// Angstrom, of sheets: the mean over the frames, and over those of each half; nil where there is no sheet.
    let amplitude: Double?
    let amplitudesOfHalves: (Double, Double)?

    /// - Parameters:
    ///   - history: of the rollout that is compared.
    ///   - start: the frame where it began.
    init(_ history: RolloutHistory, start: Int) throws {
        let run = history.run
        let frames = run.frameCount
        let stride = frames / RolloutEvaluation.mostFrames + 1
        let window = min(frames, RolloutEvaluation.mostNumbers / max(1, 3 * run.atomCount))
        let followers = start + run.following(start)
        let box = try run.frame(0, keeping: false).box
        let isPeriodic = (0..<3).map { box.boundary($0) == .periodic }
        var shortest = history.shortestEdge
        for frame in Swift.stride(from: 0, to: frames, by: stride) {
            shortest = min(shortest, try run.frame(frame, keeping: false).box.edges.min())
        }
        let bins = RolloutReference.radialDistribution(box, edge: history.shortestEdge)
        // Bins that fit the simulation must fit the data, or nothing is compared.
        let fits = bins.map { 2 * $0.cutoff <= shortest * (1 + 1e-9) } ?? false
        var whole = fits ? bins : nil
        var halves = [whole, whole]
        var displacement = DisplacementHistory(Array(try run.frame(start, keeping: false).positions.span))
        var temperatures = 0.0
        var velocities: [[Double]] = []
        var amplitudes: [[Double]] = [[], []]
        for index in 0..<frames {
            let isSampled = index % stride == 0
            guard isSampled || index < window || (start...followers).contains(index) else { continue }
            let frame = try run.frame(index, keeping: false)
            let motion = Array(frame.velocities.span), positions = Array(frame.positions.span)
            let edges = [frame.box.edges.x, frame.box.edges.y, frame.box.edges.z]
            let half = 2 * index < frames ? 0 : 1
            if index < window { velocities.append(motion) }
            if (start...followers).contains(index) { displacement.add(positions, edges: edges, isPeriodic: isPeriodic) }
            guard isSampled else { continue }
            temperatures += KineticState(velocities: motion, masses: run.masses).temperature
            whole?.add(positions: positions, edges: edges)
            halves[half]?.add(positions: positions, edges: edges)
            if let axis = history.sheetNormal {
                amplitudes[half].append(
                    AtomicSheet.amplitude(positions: positions, edges: edges, axis: axis, isPeriodic: isPeriodic[axis]))
            }
        }
        self.displacement = displacement
        temperature = temperatures / Double((frames - 1) / stride + 1)
        radialDistribution = whole
        if let first = halves[0], let second = halves[1], first.frameCount > 0, second.frameCount > 0 {
            radialDifferenceOfHalves = first.largestDifference(from: second).difference
        } else {
            radialDifferenceOfHalves = nil
        }
        func mean(_ values: [Double]) -> Double? {
            values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
        }
        amplitude = mean(amplitudes.flatMap(\.self))
        amplitudesOfHalves = mean(amplitudes[0]).flatMap { first in mean(amplitudes[1]).map { (first, $0) } }

        let lag = min(history.longestLag, velocities.count / 4)
        guard lag > 0, run.following(0) == frames - 1 else {
            (motion, self.halves) = (nil, nil)
            return
        }
        let middle = velocities.count / 2
        func figures(_ part: ArraySlice<[Double]>) -> MotionFigures {
            MotionFigures(Array(part), lag: lag, interval: run.timeStep)
        }
        motion = figures(velocities[...])
        self.halves = (figures(velocities[..<middle]), figures(velocities[middle...]))
    }

    /// An empty g(r) for a box; nil if it is not periodic along every axis or too small.
    static func radialDistribution(_ box: SimulationBox, edge: Double) -> RadialDistribution? {
        guard (0..<3).allSatisfy({ box.boundary($0) == .periodic }) else { return nil }
        return RadialDistribution.standard(shortestEdge: edge)
    }
}
