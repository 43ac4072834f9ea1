import Grid
import Kernels

/// A series of frames as blocks of level 1: what every level above is made of.
///
/// The readable numbers of a block are those of its steps, one behind the other, in units of `LevelNormalization`.
protocol BlockRun: AnyObject {
    var path: String { get }
    /// Blocks of the whole grid along each axis.
    var blocks: Extent3 { get }
    var boundaries: Boundaries { get }
    /// What a step of level 0 is to the data.
    var stride: GridModel.Stride { get }
    /// Ways to turn the run that keep its grid; 0 is to leave it.
    var symmetryCount: Int { get }

    /// The frames that so many others follow, each a step of level 0 after the one before.
    func starts(steps: Int) -> [Int]

    /// Of a frame, in the data's own count of steps and unit of time.
    func step(ofFrame index: Int) -> Int64
    func time(ofFrame index: Int) -> Double

    /// Writes the readable numbers of a box of blocks. [blocks of the box, steps, numbers]
    ///
    /// - Parameters:
    ///   - order: the frames of a sample.
    ///   - first: the block's first step in it.
    /// - Throws: `HDF5Error`, `SAGESnetError.unsuitableData`.
    func write<Scalar: KernelScalar>(
        _ order: FrameOrder, from first: Int, symmetry: Int, _ normalization: LevelNormalization, _ box: CellRange,
        into target: UnsafeMutablePointer<Scalar>) throws

    /// Writes which cells of the blocks hold what. [blocks of the box, sites]
    func writeSites<Scalar: KernelScalar>(symmetry: Int, _ box: CellRange, into target: UnsafeMutablePointer<Scalar>)

    /// Writes `share` where a readable number means something, 0 elsewhere. [blocks of the box, steps, numbers]
    func writeWeights<Scalar: KernelScalar>(
        symmetry: Int, share: Double, _ box: CellRange, into target: UnsafeMutablePointer<Scalar>)

    /// Readable numbers of the whole grid at one time that mean something.
    var liveNumbers: Int { get }
}

/// The units of a level's readable numbers, from the training set alone, and its step.
public struct LevelNormalization: Equatable, Sendable {
    /// What a ballistic step of level 0 misses of positions, Angstrom; 1 for grids.
    public var offset = 1.0
    /// The same of velocities, Angstrom/ps.
    public var velocity = 1.0
    /// Of level 0.
    public var stride: GridModel.Stride
}
