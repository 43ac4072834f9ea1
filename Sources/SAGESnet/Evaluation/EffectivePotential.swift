import Autodiff
import Grid
import Kernels
import Tensor
import Trajectory

/// The potential energy in which slow motion takes place according to a model of kicks: by atoms' positions and by strain.
///
/// A part of a step has two outer kicks and a middle one, each the gradient of its energy. What atoms do that hardly moves
/// within a part, as in the response to strain, depends on the sum of the three:
///
///     U = m K (2 U_outer + U_middle) / T
///
/// with the reference mass m, the unit of kicks K and the duration T of a part. Fast vibrations see U with corrections of
/// order (omega T)^2, so that U plus the kinetic energy swings within each period where the true energy does not.
///
/// Computed in double precision on one rank, for one configuration and what is near it: lists of pairs stay as they are.
final class EffectivePotential {
    /// A value of the potential and its derivatives.
    struct State {
        /// eV
        var energy: Double
        /// Minus the derivative by the atoms' displacements, eV/Angstrom. [N, 3]
        var forces: [Double]
    }

    /// Rows x, y, z.
    typealias Matrix3 = [SIMD3<Double>]
    static let identity: Matrix3 = [SIMD3(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1)]

    private let simulator: Simulator<Double>
    private let program: Program<Double>
    // Inputs, and what comes out for each of their rows.
    private let places, shifts: UnsafeMutablePointer<Double>
    private let energies, placeGradient: UnsafePointer<Double>
    /// As listed: from the centers of cells [N, 3], and between these [directions, 3], Angstrom.
    private let offsets, cellShifts: [Double]

    /// The atoms, in the order of `State.forces`.
    var atoms: UnsafeBufferPointer<SimulatedAtom> { simulator.localAtoms }
    /// How far an atom may be displaced, Angstrom: two of them stay within what lists reach farther.
    let largestDisplacement: Double

    /// - Parameters:
    ///   - parameters: in the model's layout.
    ///   - start: every atom.
    /// - Throws: `SAGESnetError.badRequest` for a predictor that knows no strain; what the simulator's start does.
    init(_ model: SAGESnetModel, parameters: Buffer<Double>, start: SimulationStart) throws {
        guard model.configuration.predictor == .bonds, let bonds = model.configuration.bonds else {
            throw SAGESnetError.badRequest(
                "stress needs the predictor \"bonds\", which knows distances; the model's is "
                    + "\"\(model.configuration.predictor.rawValue)\"")
        }
        largestDisplacement = 0.2 * bonds.margin
        simulator = try Simulator(model: model, parameters: parameters, start: start, communicator: .selfOnly)
        guard case .atoms(let topology) = try simulator.arrangedNetwork().topology else {
            preconditionFailure("rows of atoms have bonds")
        }
        let tape = Tape<Double>()
        let cells = CellVariables("cell", for: model, on: tape, over: .atoms(topology), sharingEnvironment: true)
        guard let shift = cells.shift else { preconditionFailure("rows of atoms without the shifts of cells") }
        guard let sum = model.codes(cells, .atoms(topology)).energy else { preconditionFailure("bonds have energies") }
        let energy = model.energyUnit * sum
        let gradient = tape.gradients(of: energy, withRespectTo: [cells.offset])[0]
        program = Program(
            computing: [energy, gradient] + [cells.occupancy, cells.mobility, cells.offset, shift]
                + [cells.environment].compactMap(\.self),
            parameters: parameters.pointer)
        (places, shifts) = (program.pointer(to: cells.offset), program.pointer(to: shift))
        energies = UnsafePointer(program.pointer(to: energy))
        placeGradient = UnsafePointer(program.pointer(to: gradient))

        let all = simulator.atoms.arrays
        let writer = CellWriter(program, cells, model.cellLayout, firstRow: 0)
        writer.clear(rows: all.count)
        for row in 0..<all.count {
            let atom = all.atoms[row]
            writer.write(
                row, element: atom.element, mobility: atom.mobility, offset: SIMD3(all.offsets, 3 * row), velocity: .zero)
        }
        model.normalized(simulator.environment).withUnsafeBufferPointer { writer.write(environment: $0, rows: 1) }
        simulator.writeShifts(to: shifts)
        offsets = Array(UnsafeBufferPointer(start: places, count: 3 * all.count))
        cellShifts = Array(UnsafeBufferPointer(start: shifts, count: 3 * topology.directions.count))
    }

    /// - Parameters:
    ///   - deformation: F, by which everything is deformed: a distance r becomes F r.
    ///   - displacements: of the atoms before that, Angstrom, none more than `largestDisplacement`. [N, 3]
    func state(deformation: Matrix3 = identity, displacements: [Double]? = nil) throws -> State {
        func deformed(_ vector: SIMD3<Double>) -> SIMD3<Double> {
            SIMD3((deformation[0] * vector).sum(), (deformation[1] * vector).sum(), (deformation[2] * vector).sum())
        }
        func write(_ vector: SIMD3<Double>, _ target: UnsafeMutablePointer<Double>) {
            for axis in 0..<3 { target[axis] = vector[axis] }
        }
        for row in 0..<atoms.count {
            let moved = displacements.map { SIMD3($0, 3 * row) } ?? .zero
            write(deformed(SIMD3(offsets, 3 * row) + moved), places + 3 * row)
        }
        for row in 0..<(cellShifts.count / 3) { write(deformed(SIMD3(cellShifts, 3 * row)), shifts + 3 * row) }
        try program.run()

        // By displacements before the deformation: its transpose times what there is after it.
        var forces = [Double](repeating: 0, count: 3 * atoms.count)
        for row in 0..<atoms.count {
            for axis in 0..<3 {
                for other in 0..<3 {
                    forces[3 * row + axis] -= deformation[other][axis] * placeGradient[3 * row + other]
                }
            }
        }
        return State(energy: (0..<atoms.count).reduce(0) { $0 + energies[$1] }, forces: forces)
    }

    /// The derivative of the energy by a further strain e_ab, eV, by central differences: symmetric, for a rotation costs
    /// nothing.
    ///
    /// - Parameters: as of `state`.
    func virial(deformation: Matrix3 = identity, displacements: [Double]? = nil) throws -> Matrix3 {
        let step = 2e-5
        var virial = Matrix3(repeating: .zero, count: 3)
        for (row, column) in Voigt.axes {
            let ends = try [step, -step].map { strain -> Double in
                var strained = deformation
                strained[row] += 0.5 * strain * deformation[column]
                strained[column] += 0.5 * strain * deformation[row]
                return try state(deformation: strained, displacements: displacements).energy
            }
            virial[row][column] = (ends[0] - ends[1]) / (2 * step)
            virial[column][row] = virial[row][column]
        }
        return virial
    }
}

/// The six components of a symmetric tensor in the order of Voigt: xx, yy, zz, yz, xz, xy.
enum Voigt {
    static let axes = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]

    static func components(_ matrix: EffectivePotential.Matrix3) -> [Double] {
        axes.map { (matrix[$0.0][$0.1] + matrix[$0.1][$0.0]) / 2 }
    }
}
