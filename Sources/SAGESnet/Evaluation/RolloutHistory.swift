import Trajectory

/// What is kept of a simulation while it runs, on the rank that sums up.
struct RolloutHistory {
    let run: AtomRun
    /// K, of each step.
    private(set) var temperatures: [Double] = []
    /// Of the last steps, [N, 3] each, for the autocorrelation.
    private(set) var velocities: [[Double]] = []
    private(set) var radialDistribution: RadialDistribution?
    let shortestEdge: Double
    private let edges: [Double]
    private let stride: Int
    private let window: Int

    init(run: AtomRun, steps: Int, box: SimulationBox) {
        self.run = run
        edges = [box.edges.x, box.edges.y, box.edges.z]
        shortestEdge = edges.min() ?? 0
        stride = steps / RolloutEvaluation.mostFrames + 1
        window = max(1, RolloutEvaluation.mostNumbers / max(1, 3 * run.atomCount))
        radialDistribution = RolloutReference.radialDistribution(box, edge: shortestEdge)
    }

    mutating func add(_ atoms: GatheredAtoms, step: Int) {
        temperatures.append(atoms.state.temperature)
        if velocities.count == window { velocities.removeFirst() }
        velocities.append(atoms.velocities)
        if step % stride == 0 { radialDistribution?.add(positions: atoms.positions, edges: edges) }
    }

    /// The longest lag, in steps, for which a simulation of that length has something to say.
    var longestLag: Int { min(velocities.count / 2, Int((RolloutEvaluation.longestLag / run.timeStep).rounded())) }
}

/// The same figures of the data, and of its two halves.
struct RolloutReference {
    /// K, the mean over the frames.
    let temperature: Double
    /// Of all frames; nil for boxes that are not periodic or too small.
    let radialDistribution: RadialDistribution?
    let radialDifferenceOfHalves: Double?
    /// For lags from 0 on; empty where there are too few frames.
    let autocorrelation: [Double]
    let autocorrelationDifferenceOfHalves: Double?

    /// - Parameters:
    ///   - lag: the longest lag, in frames; a quarter of the frames at most is taken.
    ///   - edge: the shortest edge that g(r) must fit into, Angstrom.
    init(_ run: AtomRun, lag: Int, edge: Double) throws {
        let frames = run.frameCount
        let stride = frames / RolloutEvaluation.mostFrames + 1
        let window = min(frames, RolloutEvaluation.mostNumbers / max(1, 3 * run.atomCount))
        let box = try run.frame(0, keeping: false).box
        var shortest = edge
        for frame in Swift.stride(from: 0, to: frames, by: stride) {
            shortest = min(shortest, try run.frame(frame, keeping: false).box.edges.min())
        }
        let bins = RolloutReference.radialDistribution(box, edge: edge)
        // Bins that fit the simulation must fit the data, or nothing is compared.
        let fits = bins.map { 2 * $0.cutoff <= shortest * (1 + 1e-9) } ?? false
        var whole = fits ? bins : nil
        var halves = [whole, whole]
        var temperatures = 0.0
        var velocities: [[Double]] = []
        for index in 0..<frames {
            let isSampled = index % stride == 0
            guard isSampled || index < window else { continue }
            let frame = try run.frame(index, keeping: false)
            let motion = Array(frame.velocities.span)
            if index < window { velocities.append(motion) }
            guard isSampled else { continue }
            temperatures += KineticState(velocities: motion, masses: run.masses).temperature
            let positions = Array(frame.positions.span)
            let edges = [frame.box.edges.x, frame.box.edges.y, frame.box.edges.z]
            whole?.add(positions: positions, edges: edges)
            halves[2 * index < frames ? 0 : 1]?.add(positions: positions, edges: edges)
        }
        temperature = temperatures / Double((frames - 1) / stride + 1)
        radialDistribution = whole
        if let first = halves[0], let second = halves[1], first.frameCount > 0, second.frameCount > 0 {
            radialDifferenceOfHalves = first.largestDifference(from: second).difference
        } else {
            radialDifferenceOfHalves = nil
        }
        let longest = min(lag, velocities.count / 4)
        guard longest > 0 else {
            (autocorrelation, autocorrelationDifferenceOfHalves) = ([], nil)
            return
        }
        autocorrelation = AtomicMotion.velocityAutocorrelation(velocities, maximumLag: longest)
        let middle = velocities.count / 2
        autocorrelationDifferenceOfHalves = RolloutEvaluation.largestDifference(
            AtomicMotion.velocityAutocorrelation(Array(velocities[..<middle]), maximumLag: longest),
            AtomicMotion.velocityAutocorrelation(Array(velocities[middle...]), maximumLag: longest))
    }

    /// An empty g(r) for a box; nil if it is not periodic along every axis or too small.
    static func radialDistribution(_ box: SimulationBox, edge: Double) -> RadialDistribution? {
        guard (0..<3).allSatisfy({ box.boundary($0) == .periodic }) else { return nil }
        return RadialDistribution.standard(shortestEdge: edge)
    }
}
