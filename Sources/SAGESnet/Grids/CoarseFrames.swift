import Grid
import MPI
import Tensor
import Training

/// What a coarse level tells the cells of a run from each of its frames on, for training.
final class CoarseFrames<Scalar: TrainingScalar & GridScalar> {
    let coarse: CoarseLevel
    /// The frames that samples can start from: as many before them, with each step of the cells that the level's last one
    /// may be back, as the level needs; and one after.
    let starts: [Int]
    private let blocks: Extent3
    /// [frame, coarse cell, codes]
    private let codes: Buffer<Scalar>

    /// Runs the level from each frame of a run. Not collective.
    ///
    /// - Throws: `SAGESnetError.unsuitableData`, `SAGESnetError.badGrid`; `SAGESnetError.divergedGrid`.
    init(_ coarse: CoarseLevel, run: GridRun, components: Int) throws {
        try coarse.require(components: components, stride: run.stride, cells: run.cells, of: run.path)
        let factors = coarse.factors
        let decomposition = try Decomposition(cells: run.cells, boundaries: run.boundaries, haloWidth: 1, ranks: 1)
        let feedback = try GridFeedback<Scalar>(coarse, decomposition, communicator: .selfOnly)
        let following = Set(run.starts)
        self.coarse = coarse
        blocks = Extent3(z: run.cells.z / factors.z, y: run.cells.y / factors.y, x: run.cells.x / factors.x)
        starts = run.starts.filter { start in
            let first = start - 2 * (coarse.steps - 1)
            return first >= 0 && (first...start).allSatisfy { following.contains($0) }
        }
        guard !starts.isEmpty else {
            throw SAGESnetError.unsuitableData(
                file: run.path, reason: "no \(2 * coarse.steps) frames follow one another, which a model with this coarse level "
                    + "needs (model.feedback)")
        }
        let size = blocks.count * coarse.codes
        codes = Buffer(repeating: 0, count: run.frameCount * size)
        let cells = Buffer<Scalar>(repeating: 0, count: run.cells.count * components)
        for frame in 0..<run.frameCount {
            let source = run.frame(frame)
            for index in 0..<cells.count { cells.pointer[index] = Scalar(source[index]) }
            try feedback.take(cells.pointer)
            guard frame + 1 >= coarse.steps else { continue }
            try feedback.refresh()
            (codes.pointer + frame * size).update(from: feedback.codes.pointer, count: size)
        }
    }

    /// Writes what the level tells a cell. [columns]
    ///
    /// - Parameters:
    ///   - frame: the last one that the level knows.
    ///   - step: of the cells since then.
    @inline(__always)
    func write(_ cell: Extent3, frame: Int, step: Int, into columns: UnsafeMutablePointer<Scalar>) {
        let factors = coarse.factors
        let block = Extent3(z: cell.z / factors.z, y: cell.y / factors.y, x: cell.x / factors.x)
        coarse.write(
            codes.pointer + (frame * blocks.count + blocks.index(of: block)) * coarse.codes, step: step, into: columns)
    }
}
