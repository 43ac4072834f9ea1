import Grid
import MPI
import Tensor
import Training

/// Runs a grid at two levels at once, region by region: at the coarse one where a network of confidence expects it to be
/// good enough, at level 0 elsewhere (004, "Potential challenges").
///
/// Whenever the cells have made as many steps as one of the coarse level's, the level encodes their last frames and makes
/// its step, and the network says what loss each of its cells has to expect. A region is a cube of `side` cells. Where the
/// upper ends of the losses' bands, averaged over it, say that at most the tolerance of its cells is wrong, the decoded
/// frames are its next ones. Elsewhere the model of level 0 makes the steps, with what lies around the region as it is,
/// whichever level it came from.
///
/// Both levels have decompositions of their own; regions are whole on their rank, and the bits are the same on any number
/// of ranks.
public final class ScaleSimulator<Scalar: TrainingScalar & GridScalar>: SteppedGrid {
    /// Cells of a region along each axis.
    public static var side: Int { 16 }

    public let model: GridModel
    /// This rank's cells within the grid.
    public let range: CellRange
    public let cells: Extent3
    public let activeRanks: Int
    /// In steps of the data, that of the present state.
    public private(set) var dataStep: Int64 = 0
    /// Of all regions and steps so far, how many were at the coarse level, and all.
    public private(set) var coarseRegions = 0, allRegions = 0

    private let communicator: Communicator
    private let level: LevelSimulator<Scalar>
    private let decoded: LevelCells<Scalar>
    private let confidence: ConfidencePrediction<Float>
    private let calibration: Calibration
    private let tolerance: Double
    private let network: RegionNetwork<Scalar>
    private let cellsUp, cellsDown, halo: BoxTransfer<Scalar>
    private let errorsDown: BoxTransfer<Float>
    /// The last frames, around a ring; the present one is the last.
    private let frames: [Buffer<Scalar>]
    private let framesAbove: [Buffer<Scalar>]
    private let padded: Buffer<Scalar>
    /// Of the level's cells. [cells, features]
    private let features: Buffer<Scalar>
    private let errors: Buffer<Float>
    /// This rank's regions within their grid.
    private let regions: CellRange
    /// Since the last frame that was written: steps, and those of each of this rank's regions at level 0. [regions]
    private var steps: Float = 0
    private let fineSteps: Buffer<Float>
    private var frameCount = 0
    /// Steps since the coarse level made one.
    private var phase = 0
    /// The regions at level 0: their first cells within this rank's box.
    private var fine: [Extent3] = []
    private let sums = StepSums()

    /// A simulator of cells of 0. Collective.
    ///
    /// - Parameters:
    ///   - coarse: a level of the same cells, and its weights.
    ///   - confidence: in that level.
    ///   - tolerance: the part of a region's cells that may be wrong after a step of the coarse level.
    ///   - parts: of the decomposition of regions along each axis; chosen if nil.
    /// - Throws: on every rank, `SAGESnetError` for a grid or a level that does not suit, `GridError`, `MPIError`.
    public init(
        model: GridModel, parameters: Buffer<Scalar>, coarse: CoarseLevel, confidence: TrainedConfidence,
        tolerance: Double, cells: Extent3, boundaries: Boundaries, communicator: Communicator, parts: Extent3? = nil
    ) throws {
        let (side, factors, components) = (Self.side, coarse.factors, model.configuration.components)
        try model.requireNoFeedback(for: "--coarse")
        try coarse.require(components: components, stride: model.stride, cells: cells, of: "the grid")
        for axis in 0..<3 {
            let name = ["z", "y", "x"][axis]
            guard cells[axis] % side == 0, side % factors[axis] == 0 else {
                throw SAGESnetError.badGrid(
                    "regions of \(side) cells, whole cells of \(coarse.path), are to fill the grid, which has \(cells[axis]) along \(name)")
            }
            guard boundaries[axis] == .periodic || model.configuration.blocks == 1 && !model.configuration.hasParity else {
                throw SAGESnetError.badRequest(
                    "the grid is open along \(name), where a model of several blocks or with parities does not run by regions")
            }
        }
        let communicator = try Communicator(duplicating: communicator)
        let regions = try Decomposition(
            cells: Extent3(z: cells.z / side, y: cells.y / side, x: cells.x / side), boundaries: boundaries, haloWidth: 1,
            ranks: communicator.size, parts: parts)
        let configuration = coarse.model.configuration
        let level = try LevelSimulator<Scalar>(
            model: coarse.model, parameters: coarse.parameters(),
            blocks: Extent3(
                z: cells.z / configuration.factors.z, y: cells.y / configuration.factors.y,
                x: cells.x / configuration.factors.x),
            boundaries: boundaries, communicator: communicator)
        let ranks = 0..<communicator.size
        func scaled(_ box: CellRange, by factors: Extent3) -> CellRange {
            func scaled(_ cell: Extent3) -> Extent3 {
                Extent3(z: cell.z * factors.z, y: cell.y * factors.y, x: cell.x * factors.x)
            }
            return CellRange(lower: scaled(box.lower), upper: scaled(box.upper))
        }
        let own = ranks.map { scaled(regions.range(ofRank: $0), by: Extent3(repeating: side)) }
        let above = ranks.map { scaled(level.decomposition.range(ofRank: $0), by: factors) }
        let margin = Extent3(repeating: model.configuration.blocks)
        func transfer(_ sources: [CellRange], _ targets: [CellRange]) throws -> BoxTransfer<Scalar> {
            try BoxTransfer(
                from: sources, to: targets, cells: cells, boundaries: boundaries, channels: components,
                communicator: communicator)
        }
        self.model = model
        self.cells = cells
        self.communicator = communicator
        self.level = level
        self.tolerance = tolerance
        activeRanks = regions.activeRanks
        range = own[communicator.rank]
        self.regions = regions.range(ofRank: communicator.rank)
        fineSteps = Buffer(repeating: 0, count: self.regions.count)
        decoded = LevelCells(level)
        self.confidence = ConfidencePrediction(confidence.model, weights: UnsafePointer(confidence.parameters.pointer))
        calibration = confidence.calibration
        network = RegionNetwork(model, parameters: parameters, side: side)
        cellsUp = try transfer(own, above)
        cellsDown = try transfer(above, own)
        halo = try transfer(own, own.map { box in
            box.isEmpty ? box : CellRange(lower: box.lower - margin, upper: box.upper + margin)
        })
        let perRegion = Extent3(z: side / factors.z, y: side / factors.y, x: side / factors.x)
        errorsDown = try BoxTransfer(
            from: ranks.map { level.decomposition.range(ofRank: $0) },
            to: ranks.map { scaled(regions.range(ofRank: $0), by: perRegion) }, cells: level.decomposition.cells,
            boundaries: boundaries, channels: 1, communicator: communicator)
        let (size, sizeAbove) = (range.count * components, cellsUp.target.count * components)
        // One more than the level needs: the next state is written while the last ones are kept.
        frames = (0...coarse.steps).map { _ in Buffer(repeating: 0, count: size) }
        framesAbove = (0..<coarse.steps).map { _ in Buffer(repeating: 0, count: sizeAbove) }
        padded = Buffer(repeating: 0, count: halo.target.count * components)
        features = Buffer(repeating: 0, count: level.range.count * coarse.featureCount)
        errors = Buffer(repeating: 0, count: errorsDown.target.count)
    }

    /// The state of this rank's cells, each component 0 or 1. [z, y, x, component]
    public var state: UnsafeMutableBufferPointer<Scalar> { frame(back: 0).span }

    /// The present frame, or one of those before it.
    private func frame(back: Int) -> Buffer<Scalar> { frames[(frameCount + frames.count - back) % frames.count] }

    /// Takes a frame of a file and those before it that the coarse level needs. Not collective.
    ///
    /// - Throws: what reading does; `SAGESnetError.badRequest` for a file that lacks them.
    public func start(from source: GridSource, frame index: Int) throws {
        try source.requireFrames(framesAbove.count, endingWith: index, stride: model.stride.steps)
        for back in framesAbove.indices { try source.read(frame: index - back, range, into: frame(back: back).span) }
        dataStep = source.steps[index]
        phase = 0
    }

    /// Advances by one step of level 0. Collective.
    ///
    /// - Parameter request: a wish of this rank, for example to stop, that travels with a reduction of the step.
    /// - Returns: whether any rank had a wish; the same on all ranks.
    /// - Throws: on every rank, `SAGESnetError.divergedGrid` and `MPIError`.
    @discardableResult
    public func advance(request: Bool = false) throws -> Bool {
        if phase == 0 { try choose() }
        let now = frame(back: 0)
        let next = frames[(frameCount + 1) % frames.count]
        try cellsDown.move(decoded.state(step: phase).baseAddress.unsafelyUnwrapped, to: next.pointer)
        try halo.move(now.pointer, to: padded.pointer)
        let unusable = try network.step(
            fine, padded: padded.pointer, extent: range.extent, dataStep: dataStep, into: next.pointer)
        let (faults, requests, coarse) = try sums.reduce(
            unusable, request ? 1 : 0, regions.count - fine.count, communicator)
        guard faults == 0 else { throw SAGESnetError.divergedGrid(step: Int(dataStep)) }
        coarseRegions += coarse
        allRegions += cells.count / (Self.side * Self.side * Self.side)
        for cell in fine {
            let region = Extent3(z: cell.z / Self.side, y: cell.y / Self.side, x: cell.x / Self.side)
            fineSteps.pointer[regions.extent.index(of: region)] += 1
        }
        steps += 1
        frameCount += 1
        phase = (phase + 1) % framesAbove.count
        dataStep += model.stride.steps
        return requests > 0
    }

    /// Writes the present state as the next frame, with the shares of steps at the coarse level since the last. Collective.
    public func write(to output: GridSimulationOutput<Scalar>, time: Double) throws {
        let shares = fineSteps.span
        for region in shares.indices { shares[region] = steps == 0 ? 0 : 1 - shares[region] / steps }
        try output.write(shares: UnsafeBufferPointer(shares), regions, step: dataStep, time: time)
        try output.write(UnsafeBufferPointer(state), range, step: dataStep, time: time)
        for region in shares.indices { shares[region] = 0 }
        steps = 0
    }

    /// Makes the coarse level's step from the last frames, and chooses the regions that need level 0. Collective.
    private func choose() throws {
        for (index, target) in framesAbove.enumerated() {
            try cellsUp.move(frame(back: framesAbove.count - 1 - index).pointer, to: target.pointer)
        }
        try level.start(from: framesAbove.map { UnsafePointer($0.pointer) })
        try level.advance(describingInto: features.span)
        try level.decode()
        let last = Calibration.levels.count - 1
        let upper = try confidence.predict(features.pointer, rows: level.range.count).map { expected -> Float in
            let error = expected.upperError(calibration, level: last)
            return Float(error * error)
        }
        try upper.withUnsafeBufferPointer { upper in
            try errorsDown.move(upper.baseAddress ?? UnsafePointer(errors.pointer), to: errors.pointer)
        }
        fine = []
        let (extent, side) = (errorsDown.target.extent, Self.side)
        let factors = Extent3(
            z: cells.z / level.decomposition.cells.z, y: cells.y / level.decomposition.cells.y,
            x: cells.x / level.decomposition.cells.x)
        let box = Extent3(z: side / factors.z, y: side / factors.y, x: side / factors.x)
        for z in stride(from: 0, to: extent.z, by: box.z) {
            for y in stride(from: 0, to: extent.y, by: box.y) {
                for x in stride(from: 0, to: extent.x, by: box.x) {
                    let first = Extent3(z: z, y: y, x: x)
                    let sum = (0..<box.count).reduce(0.0) {
                        $0 + Double(errors.pointer[extent.index(of: first + box.cell(at: $1))])
                    }
                    // See `LevelLossSource`: no larger part is wrong than four times the loss, and never more than all.
                    guard min(1, 4 * sum / Double(box.count)) > tolerance else { continue }
                    fine.append(Extent3(z: z * factors.z, y: y * factors.y, x: x * factors.x))
                }
            }
        }
    }
}
