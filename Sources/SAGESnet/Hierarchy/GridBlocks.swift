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
        var place = target
        forEachCell(box) { step, cell in
            let source = run.frame(order[first + step]) + run.cells.index(of: cell) * configuration.components
            for component in 0..<configuration.components {
                place[component] = Scalar(source[component])
            }
            place += configuration.components
        }
    }

    /// Calls `body` with the cells of the blocks of a box in the order of readable numbers.
    private func forEachCell(_ box: CellRange, _ body: (_ step: Int, _ cell: Extent3) -> Void) {
        let factors = configuration.factors
        for row in 0..<box.count {
            let block = box.lower + box.extent.cell(at: row)
            for step in 0..<configuration.steps {
                for index in 0..<factors.count {
                    let place = factors.cell(at: index)
                    body(step, Extent3(
                        z: block.z * factors.z + place.z, y: block.y * factors.y + place.y, x: block.x * factors.x + place.x))
                }
            }
        }
    }

    func writeSites<Scalar: KernelScalar>(symmetry: Int, _ box: CellRange, into target: UnsafeMutablePointer<Scalar>) {}

    func writeWeights<Scalar: KernelScalar>(
        symmetry: Int, share: Double, _ box: CellRange, into target: UnsafeMutablePointer<Scalar>
    ) {
        Kernels.fill(target, with: Scalar(share), count: box.count * configuration.inputs(1))
    }

    /// Writes the readable numbers of a box of blocks at one step as cells. [z, y, x, component] of the box's cells
    func unfold<Scalar: KernelScalar>(
        _ numbers: UnsafePointer<Scalar>, step: Int, _ box: CellRange, into target: UnsafeMutablePointer<Scalar>
    ) {
        let (factors, components) = (configuration.factors, configuration.components)
        let extent = Extent3(
            z: box.extent.z * factors.z, y: box.extent.y * factors.y, x: box.extent.x * factors.x)
        let lower = Extent3(z: box.lower.z * factors.z, y: box.lower.y * factors.y, x: box.lower.x * factors.x)
        var source = numbers
        forEachCell(box) { at, cell in
            if at == step {
                let place = target + extent.index(of: cell - lower) * components
                for component in 0..<components { place[component] = source[component] }
            }
            source += components
        }
    }
}
