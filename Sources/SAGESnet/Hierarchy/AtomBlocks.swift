import Grid
import Kernels
import Trajectory

/// Atoms of a solid in blocks of cells: an atom keeps the block and the slot that it has in the run's first frame, and its
/// offset from the center of its first cell may grow beyond that cell. So atoms and ids are conserved by construction;
/// atoms that change places, as in a liquid, leave what a model has learned.
///
/// Blocks begin at those cells of the grid for which they are filled most evenly.
final class AtomBlocks: BlockRun {
    let run: AtomRun
    let box: SimulationBox
    let blocks: Extent3
    let boundaries: Boundaries
    let stride: GridModel.Stride
    private let configuration: LevelConfiguration
    /// Of each atom's first cell, Angstrom.
    private let centers: [SIMD3<Double>]
    /// Of each atom in order x, y, z: its block, and its first cell's place in that.
    private let homes: [(block: SIMD3<Int>, place: SIMD3<Int>)]
    private let symmetries: [CubeSymmetry]
    /// Shifts of the grid by whole cells that leave atoms in the same cells of the same blocks: one, of nothing, where no
    /// other does.
    private lazy var shiftCount = max(1, fittingShifts(symmetries[0]).count)
    /// Where atoms are once they are turned, for each symmetry that was asked for.
    private var arrangements: [Int: Arrangement] = [:]

    /// Where each atom's numbers are.
    private struct Arrangement {
        /// The block, z, y, x. [N]
        var block: [Extent3]
        var slot: [Int]
        /// The column of the block's sites. [N]
        var site: [Int]
    }

    /// Opens a run and gives each atom its place. Not collective.
    ///
    /// - Throws: as `AtomRun`; `SAGESnetError` for a grid that is not made of whole blocks, or a block with too many atoms.
    init(_ path: String, for configuration: LevelConfiguration, memory: Int = AtomRun.memory) throws {
        let run = try AtomRun(path, elements: configuration.elements, memory: memory) {
            try AtomGrid(box: $0, side: configuration.cellSide).cellSize
        }
        let first = try run.frame(0)
        let grid = try AtomGrid(box: first.box, side: configuration.cellSide, phase: run.alignment.phase)
        let factors = SIMD3(configuration.factors.x, configuration.factors.y, configuration.factors.z)
        var counts = SIMD3<Int>()
        for axis in 0..<3 {
            let cells = grid.count(axis)
            guard cells % factors[axis] == 0 || first.box.boundary(axis) == .open else {
                throw SAGESnetError.badGrid(
                    "\(cells) cells along \(["x", "y", "z"][axis]), which is periodic, are no whole blocks of "
                        + "\(factors[axis]) (\(path), model.cell, model.factors)")
            }
            // Open axes have room for a shift.
            counts[axis] = (cells + factors[axis] - 1) / factors[axis]
                + (first.box.boundary(axis) == .open && cells % factors[axis] == 0 && factors[axis] > 1 ? 1 : 0)
        }
        var cells: [SIMD3<Int>] = []
        var centers: [SIMD3<Double>] = []
        for atom in 0..<run.atomCount {
            var (cell, center) = (SIMD3<Int>(), SIMD3<Double>())
            for axis in 0..<3 {
                let coordinate = first.positions.pointer[3 * atom + axis]
                guard let place = grid.place(coordinate, axis: axis) else {
                    throw SAGESnetError.atomOutside(
                        file: path, frame: 0, atom: run.ids[atom], axis: ["x", "y", "z"][axis], coordinate: coordinate)
                }
                cell[axis] = place.cell
                center[axis] = grid.center(place.cell, axis: axis)
            }
            cells.append(cell)
            centers.append(center)
        }
        (homes, _) = AtomBlocks.mostEven(cells, grid, factors, counts)
        self.run = run
        self.configuration = configuration
        self.centers = centers
        box = first.box
        blocks = Extent3(z: counts.z, y: counts.y, x: counts.x)
        boundaries = grid.boundaries
        stride = GridModel.Stride(steps: 1, time: run.timeStep)
        symmetries = CubeSymmetry.preserving(grid).filter { symmetry in
            (0..<3).allSatisfy { factors[$0] == factors[symmetry.axis[$0]] && counts[$0] == counts[symmetry.axis[$0]] }
        }
        _ = try arrangement(0)
    }

    /// The blocks of cells for the shift of blocks against cells that fills blocks most evenly, the first of equals.
    private static func mostEven(
        _ cells: [SIMD3<Int>], _ grid: AtomGrid, _ factors: SIMD3<Int>, _ counts: SIMD3<Int>
    ) -> (homes: [(block: SIMD3<Int>, place: SIMD3<Int>)], squares: Int) {
        var best: (homes: [(block: SIMD3<Int>, place: SIMD3<Int>)], squares: Int) = ([], .max)
        for z in 0..<factors.z {
            for y in 0..<factors.y {
                for x in 0..<factors.x {
                    var atoms = [Int](repeating: 0, count: counts.x * counts.y * counts.z)
                    let homes = cells.map { cell in
                        var shifted = cell &+ SIMD3(x, y, z)
                        for axis in 0..<3 where grid.box.boundary(axis) == .periodic { shifted[axis] %= grid.count(axis) }
                        let block = SIMD3(
                            shifted.x / factors.x, shifted.y / factors.y, shifted.z / factors.z)
                        return (block: block, place: shifted &- block &* factors)
                    }
                    for home in homes { atoms[(home.block.z * counts.y + home.block.y) * counts.x + home.block.x] += 1 }
                    let squares = atoms.reduce(0) { $0 + $1 * $1 }
                    if squares < best.squares { best = (homes, squares) }
                }
            }
        }
        return best
    }

    var path: String { run.path }
    var symmetryCount: Int { symmetries.count * shiftCount }
    var liveNumbers: Int { 3 * run.atomCount }
    func starts(steps: Int) -> [Int] { run.starts(steps: steps) }
    func step(ofFrame index: Int) -> Int64 { run.steps[index] }
    func time(ofFrame index: Int) -> Double { run.times[index] }

    /// Atoms of a block in slots by the place of their cell, z, y, x, then by id.
    ///
    /// A turned crystal with one atom in a block is shifted by whole cells, so that its atoms are where those of the first
    /// arrangement are: then only its motion is another. Where no shift does that, it is not shifted.
    private func arrangement(_ symmetry: Int) throws -> Arrangement {
        if let known = arrangements[symmetry] { return known }
        let turn = turn(symmetry)
        // The first arrangement is the run's own.
        let shifts = symmetry == 0 ? [] : fittingShifts(turn)
        let shift = shifts.isEmpty ? SIMD3<Int>() : shifts[symmetry % shiftCount % shifts.count]
        let factors = SIMD3(configuration.factors.x, configuration.factors.y, configuration.factors.z)
        var result = Arrangement(block: [], slot: [Int](repeating: 0, count: homes.count), site: [])
        var atomsOfBlock: [Extent3: [Int]] = [:]
        for atom in homes.indices {
            let (target, place) = turned(atom, turn, shift)
            result.block.append(target)
            result.site.append(
                ((place.z * factors.y + place.y) * factors.x + place.x) * configuration.elements.count
                    + Int(run.elements[atom]))
            atomsOfBlock[target, default: []].append(atom)
        }
        for (block, atoms) in atomsOfBlock {
            guard atoms.count <= configuration.slots else {
                let most = atomsOfBlock.values.map(\.count).max() ?? 0
                throw SAGESnetError.unsuitableData(
                    file: path, reason: "a block of cells (one of them is \(block)) holds \(most) atoms, and the model has "
                        + "\(configuration.slots) slots (model.slots, model.cell)")
            }
            for (slot, atom) in atoms.sorted(by: { (result.site[$0], $0) < (result.site[$1], $1) }).enumerated() {
                result.slot[atom] = slot
            }
        }
        arrangements[symmetry] = result
        return result
    }

    /// Where an atom's first cell comes to lie.
    private func turned(
        _ atom: Int, _ turn: CubeSymmetry, _ shift: SIMD3<Int>
    ) -> (block: Extent3, place: SIMD3<Int>) {
        let factors = SIMD3(configuration.factors.x, configuration.factors.y, configuration.factors.z)
        let counts = SIMD3(blocks.x, blocks.y, blocks.z)
        let cell = homes[atom].block &* factors &+ homes[atom].place
        var (block, place) = (SIMD3<Int>(), SIMD3<Int>())
        for axis in 0..<3 {
            let (source, cells) = (turn.axis[axis], counts[axis] * factors[axis])
            let mirrored = turn.sign[axis] < 0 ? cells - 1 - cell[source] : cell[source]
            (block[axis], place[axis]) = ((mirrored + shift[axis]) % cells).quotientAndRemainder(dividingBy: factors[axis])
        }
        return (Extent3(z: block.z, y: block.y, x: block.x), place)
    }

    /// The shifts by less than two blocks along periodic axes for which a turned crystal's atoms lie in the cells of the
    /// first arrangement, element by element. None for several slots. (They help blocks of one atom, diamond's errors go from
    /// 0.079 to 0.049 of ballistic; with four slots a harmonic crystal's went from 0.2 to 1.1.)
    private func fittingShifts(_ turn: CubeSymmetry) -> [SIMD3<Int>] {
        guard configuration.slots == 1 else { return [] }
        let factors = SIMD3(configuration.factors.x, configuration.factors.y, configuration.factors.z)
        let counts = SIMD3(blocks.x, blocks.y, blocks.z)
        func index(_ atom: Int, _ turn: CubeSymmetry, _ shift: SIMD3<Int>) -> Int {
            let (block, place) = turned(atom, turn, shift)
            let cell = SIMD3(block.x, block.y, block.z) &* factors &+ place
            return (cell.z * counts.y * factors.y + cell.y) * counts.x * factors.x + cell.x
        }
        var contents: [Int: [Int32]] = [:]
        for atom in homes.indices { contents[index(atom, .identity, SIMD3()), default: []].append(run.elements[atom]) }
        func fits(_ shift: SIMD3<Int>) -> Bool {
            var found: [Int: [Int32]] = [:]
            for atom in homes.indices {
                let cell = index(atom, turn, shift)
                guard contents[cell] != nil else { return false }
                found[cell, default: []].append(run.elements[atom])
            }
            return found.allSatisfy { contents[$0]?.sorted() == $1.sorted() }
        }
        func most(_ axis: Int) -> Int { box.boundary(axis) == .periodic ? min(2, counts[axis]) * factors[axis] : 1 }
        var result: [SIMD3<Int>] = []
        for z in 0..<most(2) {
            for y in 0..<most(1) {
                for x in 0..<most(0) where fits(SIMD3(x, y, z)) { result.append(SIMD3(x, y, z)) }
            }
        }
        return result
    }

    private func turn(_ symmetry: Int) -> CubeSymmetry {
        symmetry == 0 ? .identity : symmetries[symmetry / shiftCount]
    }

    private func arranged(_ symmetry: Int) -> Arrangement {
        // Turned blocks hold as many atoms as those of the first arrangement, which was made.
        guard let result = try? arrangement(symmetry) else { preconditionFailure("blocks hold more atoms when turned") }
        return result
    }

    func write<Scalar: KernelScalar>(
        _ order: FrameOrder, from first: Int, symmetry: Int, _ normalization: LevelNormalization, _ box: CellRange,
        into target: UnsafeMutablePointer<Scalar>
    ) throws {
        let (steps, slots) = (configuration.steps, configuration.slots)
        let arrangement = arranged(symmetry)
        let turn = turn(symmetry)
        let extent = box.extent
        Kernels.fill(target, with: 0, count: box.count * 6 * slots * steps)
        for step in 0..<steps {
            let frame = try self.frame(order[first + step])
            for atom in 0..<run.atomCount where box.contains(arrangement.block[atom]) {
                let offset = turn(self.offset(of: atom, in: frame)) / normalization.offset
                let velocity = order.sign * turn(SIMD3(frame.velocities.pointer, 3 * atom)) / normalization.velocity
                let row = extent.index(of: arrangement.block[atom] - box.lower)
                let place = target + ((row * steps + step) * slots + arrangement.slot[atom]) * 6
                for axis in 0..<3 {
                    place[axis] = Scalar(offset[axis])
                    place[3 + axis] = Scalar(velocity[axis])
                }
            }
        }
    }

    /// A frame whose box is that of the first one.
    func frame(_ index: Int) throws -> AtomRun.Frame {
        let frame = try run.frame(index)
        guard frame.box == box else {
            throw SAGESnetError.unsuitableData(
                file: path, reason: "the box of frame \(index) is another than that of frame 0: coarse levels need one box")
        }
        return frame
    }

    /// From the center of the atom's first cell, by the nearest image, Angstrom.
    func offset(of atom: Int, in frame: AtomRun.Frame) -> SIMD3<Double> {
        var offset = SIMD3(frame.positions.pointer, 3 * atom) - centers[atom]
        for axis in 0..<3 where box.boundary(axis) == .periodic {
            offset[axis] -= box.edges[axis] * (offset[axis] / box.edges[axis]).rounded()
        }
        return offset
    }

    func writeSites<Scalar: KernelScalar>(symmetry: Int, _ box: CellRange, into target: UnsafeMutablePointer<Scalar>) {
        let arrangement = arranged(symmetry)
        let columns = configuration.sites(1)
        Kernels.fill(target, with: 0, count: box.count * columns)
        for atom in 0..<run.atomCount where box.contains(arrangement.block[atom]) {
            target[box.extent.index(of: arrangement.block[atom] - box.lower) * columns + arrangement.site[atom]] = 1
        }
    }

    func writeWeights<Scalar: KernelScalar>(
        symmetry: Int, share: Double, _ box: CellRange, into target: UnsafeMutablePointer<Scalar>
    ) {
        let (steps, slots) = (configuration.steps, configuration.slots)
        let arrangement = arranged(symmetry)
        Kernels.fill(target, with: 0, count: box.count * 6 * slots * steps)
        for atom in 0..<run.atomCount where box.contains(arrangement.block[atom]) {
            let row = box.extent.index(of: arrangement.block[atom] - box.lower)
            for step in 0..<steps {
                let place = target + ((row * steps + step) * slots + arrangement.slot[atom]) * 6
                for component in 0..<6 { place[component] = Scalar(share) }
            }
        }
    }

    /// The atoms of a box of blocks: who they are, and where their numbers of a block's last step begin among the
    /// readable numbers.
    func residents(_ box: CellRange) -> [(atom: Int, place: Int)] {
        let (steps, slots) = (configuration.steps, configuration.slots)
        let arrangement = arranged(0)
        return (0..<run.atomCount).compactMap { atom in
            guard box.contains(arrangement.block[atom]) else { return nil }
            let row = box.extent.index(of: arrangement.block[atom] - box.lower)
            return (atom, (row * steps * slots + arrangement.slot[atom]) * 6)
        }
    }

    /// The center of an atom's first cell, Angstrom.
    func center(_ atom: Int) -> SIMD3<Double> { centers[atom] }
}
