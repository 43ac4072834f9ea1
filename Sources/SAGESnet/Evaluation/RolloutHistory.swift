import Trajectory

/// What is kept of a simulation while it runs, on the rank that sums up.
struct RolloutHistory {
    let run: AtomRun
    /// K, of each step.
    private(set) var temperatures: [Double] = []
    /// Of the last steps, [N, 3] each, for the autocorrelation.
    private(set) var velocities: [[Double]] = []
    private(set) var radialDistribution: RadialDistribution?
    private(set) var displacement: DisplacementHistory
    /// The axis across a sheet; nil where the atoms fill the box.
    let sheetNormal: Int?
    /// Angstrom, of each step; empty where there is no sheet.
    private(set) var amplitudes: [Double] = []
    let shortestEdge: Double
    private let edges: [Double]
    private let isPeriodic: [Bool]
    private let stride: Int
    private let window: Int

    init(run: AtomRun, steps: Int, first: GatheredAtoms, box: SimulationBox) {
        self.run = run
        edges = [box.edges.x, box.edges.y, box.edges.z]
        isPeriodic = (0..<3).map { box.boundary($0) == .periodic }
        shortestEdge = edges.min() ?? 0
        stride = steps / RolloutEvaluation.mostFrames + 1
        window = max(1, RolloutEvaluation.mostNumbers / max(1, 3 * run.atomCount))
        radialDistribution = RolloutReference.radialDistribution(box, edge: shortestEdge)
        displacement = DisplacementHistory(first.positions)
        sheetNormal = AtomicSheet.normal(positions: first.positions, edges: edges, isPeriodic: isPeriodic)
    }

    mutating func add(_ atoms: GatheredAtoms, step: Int) {
        temperatures.append(atoms.state.temperature)
        if velocities.count == window { velocities.removeFirst() }
        velocities.append(atoms.velocities)
        if step % stride == 0 { radialDistribution?.add(positions: atoms.positions, edges: edges) }
        displacement.add(atoms.positions, edges: edges, isPeriodic: isPeriodic)
        if let axis = sheetNormal {
            amplitudes.append(
                AtomicSheet.amplitude(
                    positions: atoms.positions, edges: edges, axis: axis, isPeriodic: isPeriodic[axis]))
        }
    }

    /// The longest lag, in steps, for which a simulation of that length has something to say.
    var longestLag: Int { min(velocities.count / 2, Int((RolloutEvaluation.longestLag / run.timeStep).rounded())) }
}

/// How far atoms are from where they were first, followed over periodic boundaries from frame to frame.
struct DisplacementHistory {
    /// The mean over atoms, Angstrom^2, of each frame that was added.
    private(set) var meanSquares: [Double] = []
    private let first: [Double]
    /// Unwrapped. [N, 3]
    private var last: [Double]

    /// - Parameter first: Angstrom; to be added too, if it is to be the first of `meanSquares`. [N, 3]
    init(_ first: [Double]) {
        self.first = first
        last = first
    }

    mutating func add(_ positions: [Double], edges: [Double], isPeriodic: [Bool]) {
        for index in last.indices {
            var moved = positions[index] - last[index]
            let edge = edges[index % 3]
            if isPeriodic[index % 3] { moved -= edge * (moved / edge).rounded() }
            last[index] += moved
        }
        meanSquares.append(AtomicMotion.meanSquareDisplacement([first, last])[1])
    }
}
