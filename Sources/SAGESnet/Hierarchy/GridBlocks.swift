import Grid
import Kernels

/// The cells of a grid's frames in blocks.
final class GridBlocks: BlockRun {
    let path: String
    let blocks: Extent3
    let boundaries: Boundaries
    let stride: GridModel.Stride
    let symmetryCount = 1
    private let run: GridRun
    private let configuration: LevelConfiguration

    /// Reads a file. Not collective.
    ///
    /// - Throws: as `GridRun`; `SAGESnetError.badGrid` for a grid that is not made of whole blocks.
    init(_ path: String, for configuration: LevelConfiguration) throws {
        let run = try GridRun(path, components: configuration.components)
        for axis in 0..<3 where run.cells[axis] % configuration.factors[axis] != 0 {
            throw SAGESnetError.badGrid(
                "\(run.cells[axis]) cells along \(["z", "y", "x"][axis]) are no whole blocks of "
                    + "\(configuration.factors[axis]) (\(path), model.factors)")
        }
        self.path = path
        self.run = run
        self.configuration = configuration
        let factors = configuration.factors
        blocks = Extent3(z: run.cells.z / factors.z, y: run.cells.y / factors.y, x: run.cells.x / factors.x)
        boundaries = run.boundaries
        stride = run.stride
    }

    var cells: Extent3 { run.cells }
    var frameCount: Int { run.frameCount }
    var liveNumbers: Int { run.cells.count * configuration.components }

    func starts(steps: Int) -> [Int] {
        let following = Set(run.starts)
        return (0..<run.frameCount).filter { start in (0..<steps).allSatisfy { following.contains(start + $0) } }
    }

    func step(ofFrame index: Int) -> Int64 { run.steps[index] }
    func time(ofFrame index: Int) -> Double { Double(run.steps[index]) / Double(stride.steps) * stride.time }

    /// The cells of a frame. [z, y, x, component]
    func frame(_ index: Int) -> UnsafePointer<UInt8> { run.frame(index) }

    func write<Scalar: KernelScalar>(
        _ order: FrameOrder, from first: Int, symmetry: Int, _ normalization: LevelNormalization, _ box: CellRange,
        into target: UnsafeMutablePointer<Scalar>
    ) {
        let places = BlockCells(configuration, blocks: box, among: CellRange(lower: .zero, upper: run.cells))
        for step in 0..<configuration.steps {
            let source = run.frame(order[first + step])
            places.forEachLine(step: step) { readable, cell, count in
                for index in 0..<count { target[readable + index] = Scalar(source[cell + index]) }
            }
        }
    }

    func writeSites<Scalar: KernelScalar>(symmetry: Int, _ box: CellRange, into target: UnsafeMutablePointer<Scalar>) {}

    func writeWeights<Scalar: KernelScalar>(
        symmetry: Int, share: Double, _ box: CellRange, into target: UnsafeMutablePointer<Scalar>
    ) {
        Kernels.fill(target, with: Scalar(share), count: box.count * configuration.inputs(1))
    }
}
