import Autodiff
import Grid
import Kernels
import Tensor
import Training

/// The virials of the samples of one recording, as a loss compares them: by a small strain that is drawn for each sample, one way
/// and the other.
struct StrainVariables<Scalar: TrainingScalar> {
    /// By which the strains, of norm 1 and any direction, are multiplied.
    private static var size: Double { 1e-3 }

    /// What the strain adds to offsets, [atoms, x y z], and to the shifts between cells, [directions, x y z], Angstrom.
    private let growth, shiftGrowth: Variable<Scalar>
    /// The data's virial along the strain, eV, and by how much its square counts, 0 where there is none. [samples, 1]
    private let virial, weight: Variable<Scalar>
    private let sampleOfAtom: RowMap
    private let sampleOfRow: Buffer<Int32>

    init(_ cells: CellVariables<Scalar>, samples: Int, _ topology: BondTopology) {
        let tape = cells.offset.tape
        let grids = RowDomain("samples", capacity: samples, count: samples)
        growth = tape.input("strain offset", [topology.atoms.capacity, 3], over: topology.atoms)
        shiftGrowth = tape.input("strain shift", [topology.directions.capacity, 3], over: topology.directions)
        virial = tape.input("virial", [samples, 1], over: grids)
        weight = tape.input("virial weight", [samples, 1], over: grids)
        sampleOfAtom = RowMap(from: grids, to: topology.atoms)
        sampleOfRow = Buffer(repeating: 0, count: topology.atoms.capacity)
    }

    /// Records the mean over the samples of the squared error of an atom's part of the virial of the effective potential, eV^2,
    /// along the strains.
    func virialError(
        of model: SAGESnetModel, _ cells: CellVariables<Scalar>, _ topology: CellTopology
    ) -> Variable<Scalar> {
        func energy(_ sign: Scalar) -> Variable<Scalar> {
            var strained = cells
            guard let shift = cells.shift else { preconditionFailure("rows of atoms without the shifts of cells") }
            strained.offset = cells.offset + sign * growth
            strained.shift = shift + sign * shiftGrowth
            guard let energy = model.codes(strained, topology).energy else { preconditionFailure("bonds have energies") }
            return energy
        }
        // Differences atom by atom: of their sums little would be left.
        let change = (energy(1) - energy(-1)).collected(by: sampleOfAtom)
        let error = Scalar(model.energyUnit / (2 * StrainVariables.size)) * change + virial
        return (error.squared * weight).sum()
    }

    /// Writes a sample whose cells are written.
    ///
    /// - Parameters:
    ///   - offsets: of the whole program's atoms. [atoms, x y z]
    ///   - components: of the virial, in the data's axes; empty where it has none.
    func write(
        to program: Program<Scalar>, _ sample: SAGESnetTask<Scalar>.SamplePlace, atoms: Int,
        offsets: UnsafePointer<Scalar>, cellSize: SIMD3<Double>, virial components: [Double], turnedBy symmetry: CubeSymmetry,
        random: Philox
    ) {
        var random = random
        let drawn = Voigt.axes.map { _ in random.nextNormal() }
        let norm = drawn.reduce(0) { $0 + $1 * $1 }.squareRoot()
        var strain = EffectivePotential.Matrix3(repeating: .zero, count: 3)
        for (value, (row, column)) in zip(drawn, Voigt.axes) {
            // The components off the diagonal are there twice.
            let component = (row == column ? 1 : 0.5.squareRoot()) * value / norm
            (strain[row][column], strain[column][row]) = (component, component)
        }
        func write(_ vector: SIMD3<Double>, to target: UnsafeMutablePointer<Scalar>) {
            for axis in 0..<3 { target[axis] = Scalar(StrainVariables.size * (strain[axis] * vector).sum()) }
        }
        let target = program.pointer(to: growth)
        for row in sample.firstRow..<(sample.firstRow + atoms) {
            write(
                SIMD3(Double(offsets[3 * row]), Double(offsets[3 * row + 1]), Double(offsets[3 * row + 2])), to: target + 3 * row)
            sampleOfRow.pointer[row] = Int32(truncatingIfNeeded: sample.index)
        }
        for direction in 0..<Direction.count {
            write(
                BondLists.shift(direction, cellSize),
                to: program.pointer(to: shiftGrowth) + 3 * (sample.index * Direction.count + direction))
        }

        var along = 0.0
        if !components.isEmpty {
            for row in 0..<3 {
                for column in 0..<3 {
                    let (a, b) = (symmetry.axis[row], symmetry.axis[column])
                    guard let place = Voigt.axes.firstIndex(where: { $0 == (min(a, b), max(a, b)) }) else { continue }
                    along += strain[row][column] * Double(symmetry.sign[row] * symmetry.sign[column]) * components[place]
                }
            }
        }
        program.pointer(to: virial)[sample.index] = Scalar(along)
        let count = Double(atoms)
        program.pointer(to: weight)[sample.index] = components.isEmpty ? 0 : Scalar(1 / (count * count * Double(sample.count)))
    }

    /// Takes the samples that were written.
    func rebuild(rows: Int) {
        sampleOfAtom.target.count = rows
        sampleOfAtom.rebuild(sampleOfRow.pointer)
    }
}
