import Grid
import HDF5
import MPI
import Tensor
import Training
import Trajectory

/// How the population of a region at the end of a rollout of a grid's model depends on every cell at its start, with
/// states relaxed to probabilities (`RelaxedGrid`).
///
/// The population is the sum of all components of the region's cells. As many states are kept as for atoms
/// (`RolloutSensitivity`).
public struct GridSensitivity: Sendable {
    /// The population at the end.
    public let value: Double
    /// Derivatives by the components of this rank's cells. [z, y, x, component]
    public let gradient: [Double]
    /// These cells.
    public let range: CellRange
    /// This rank's cells at the start.
    let start: [Double]

    /// What is asked for.
    public struct Question: Sendable {
        /// The cells whose population is observed; nil for all.
        public var region: CellRange?
        public var steps: Int
        /// The frame that the rollout starts from.
        public var frame: Int

        public init(region: CellRange? = nil, steps: Int, frame: Int) {
            (self.region, self.steps, self.frame) = (region, steps, frame)
        }
    }

    /// Rolls out and goes back. Collective; the same bits on any number of ranks.
    ///
    /// - Throws: on every rank, `SAGESnetError.badRequest` for a region beyond the grid, what reading and MPI throw.
    public static func run(
        _ question: Question, _ model: GridModel, parameters: Buffer<Double>, source: GridSource,
        communicator: Communicator, isChecked: Bool
    ) throws -> (sensitivity: GridSensitivity, error: Double?) {
        try model.requireNoFeedback(for: "--sensitivity")
        let grid = try RelaxedGrid<Double>(
            model: model, parameters: parameters, cells: source.cells, boundaries: source.boundaries,
            communicator: communicator)
        let region = question.region ?? CellRange(lower: .zero, upper: source.cells)
        guard (0..<3).allSatisfy({ 0 <= region.lower[$0] && region.lower[$0] < region.upper[$0]
            && region.upper[$0] <= source.cells[$0] }) else {
            throw SAGESnetError.badRequest("the region is not within the grid of \(source.cells) cells")
        }
        let count = grid.range.count * source.components
        var start = [Double](repeating: 0, count: count)
        try communicator.agree {
            try start.withUnsafeMutableBufferPointer { try source.read(frame: question.frame, grid.range, into: $0) }
        }
        let first = source.steps[question.frame]
        let sensitivity = try GridSensitivity(question, grid, region, start: start, dataStep: first)
        let error = isChecked ? try sensitivity.errorAgainstPerturbations(question, grid, region, dataStep: first) : nil
        return (sensitivity, error)
    }

    private init(
        _ question: Question, _ grid: RelaxedGrid<Double>, _ region: CellRange, start: [Double], dataStep first: Int64
    ) throws {
        let (steps, stride) = (question.steps, grid.model.stride.steps)
        let length = Int(Double(steps).squareRoot().rounded(.up))
        (grid.state, grid.dataStep) = (start, first)
        var kept = [start]
        for step in 1...steps {
            try grid.advance()
            if step % length == 0 && step < steps { kept.append(grid.state) }
        }
        value = try grid.population(of: region)
        var gradient = start.indices.map { region.contains(grid.cell(ofComponent: $0)) ? 1.0 : 0 }
        for segment in kept.indices.reversed() {
            let (begin, end) = (segment * length, min((segment + 1) * length, steps))
            var states = [kept[segment]]
            (grid.state, grid.dataStep) = (kept[segment], first + Int64(begin) * stride)
            for _ in begin + 1..<end {
                try grid.advance()
                states.append(grid.state)
            }
            for step in (begin..<end).reversed() {
                try grid.reverse(&gradient, from: states[step - begin], dataStep: first + Int64(step) * stride)
            }
            kept.removeLast()
        }
        self.gradient = gradient
        self.start = start
        range = grid.range
    }

    /// The largest difference from finite perturbations: of all cells along the gradient, relative to the derivative along
    /// it, and of single cells, relative to the greatest derivative by one. Collective.
    private func errorAgainstPerturbations(
        _ question: Question, _ grid: RelaxedGrid<Double>, _ region: CellRange, dataStep: Int64
    ) throws -> Double {
        let communicator = grid.communicator
        func difference(_ change: (Int) -> Double) throws -> Double {
            func population(_ factor: Double) throws -> Double {
                (grid.state, grid.dataStep) = (start.indices.map { start[$0] + factor * change($0) }, dataStep)
                for _ in 0..<question.steps { try grid.advance() }
                return try grid.population(of: region)
            }
            let size = 1e-4
            return try (population(size) - population(-size)) / (2 * size)
        }
        let largest = try communicator.allReduce(gradient.map(abs).max() ?? 0, .maximum)
        guard largest > 0 else { return 0 }
        let square = try communicator.allReduce(gradient.reduce(0) { $0 + $1 * $1 }, .sum)
        var worst = abs(try difference { gradient[$0] / largest } / (square / largest) - 1)
        // Each rank perturbs a cell of its own in turn, the others none.
        var random = Philox(seed: 1, stream: UInt64(communicator.rank))
        for rank in 0..<communicator.size {
            let greatest = gradient.indices.max { abs(gradient[$0]) < abs(gradient[$1]) }
            for isGreatest in [true, false] {
                let own = rank == communicator.rank && !gradient.isEmpty
                let chosen = own ? (isGreatest ? greatest : random.nextIndex(below: gradient.count)) : nil
                let found = try difference { $0 == chosen ? 1 : 0 }
                let expected = try communicator.allReduce(chosen.map { gradient[$0] } ?? 0, .sum)
                worst = max(worst, abs(found - expected) / largest)
            }
        }
        return worst
    }
}

extension RelaxedGrid {
    /// The sum of all components of a region's cells; of integers, so that any number of ranks gets the same bits.
    /// Collective.
    func population(of region: CellRange) throws -> Double {
        // Two digits, the second for what the first leaves: finer than the spacing of doubles.
        let scale = 0x1p30
        var sums: (Int64, Int64) = (0, 0)
        for (index, value) in state.enumerated() where region.contains(cell(ofComponent: index)) {
            let first = (Double(value) * scale).rounded()
            sums.0 += Int64(first)
            sums.1 += Int64(((Double(value) * scale - first) * scale).rounded())
        }
        let totals = (try communicator.allReduce(sums.0, .sum), try communicator.allReduce(sums.1, .sum))
        return (Double(totals.0) + Double(totals.1) / scale) / scale
    }
}

extension GridSensitivity {
    /// The Euclidean norm of the derivatives over all ranks. Collective.
    public func norm(_ communicator: Communicator) throws -> Double {
        let largest = try communicator.allReduce(gradient.map(abs).max() ?? 0, .maximum)
        guard largest > 0 else { return 0 }
        // Integers, for the same bits on any number of ranks.
        let scale = 0x1p36
        let own = gradient.reduce(Int64(0)) { $0 + Int64(($1 / largest * ($1 / largest) * scale).rounded()) }
        return largest * (Double(try communicator.allReduce(own, .sum)) / scale).squareRoot()
    }
}

extension GridSource {
    /// Writes numbers of this rank's cells as the one frame of a file like this one. Collective.
    ///
    /// - Parameters:
    ///   - values: [z, y, x, component] of the cells of `range`.
    ///   - frame: whose step and time they have.
    public func writeField(
        _ values: [Double], _ range: CellRange, frame: Int, to path: String, _ communicator: Communicator
    ) throws {
        let file = try File.create(path, communicator: communicator)
        let writer = try GridSeriesWriter.create(
            in: file, level: 0, cells: reader.cells, channels: reader.channels, cellSize: reader.cellSize,
            origin: reader.origin, isPeriodic: reader.isPeriodic, lengthUnit: reader.lengthUnit, timeUnit: reader.timeUnit,
            precision: .float64)
        let (lower, extent) = (range.lower, range.extent)
        try values.withUnsafeBufferPointer {
            try writer.append(
                $0, offset: [lower.z, lower.y, lower.x], extent: [extent.z, extent.y, extent.x], step: steps[frame],
                time: times[frame])
        }
        try file.close()
    }
}
