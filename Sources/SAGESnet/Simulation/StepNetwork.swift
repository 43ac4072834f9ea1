import Autodiff
import Kernels
import Tensor

/// A recorded step for a number of rows: one program, or one for each kind of kick.
struct StepNetwork<Scalar: KernelScalar> {
    /// A kick and where it acts; the programs of all kicks read the other inputs from the same memory.
    struct Kick {
        let program: Program<Scalar>
        /// Offsets from cells' centers, Angstrom. [R, 3 S]
        let places: UnsafeMutablePointer<Scalar>
        /// Angstrom/ps. [R, 3 S]
        let kick: UnsafePointer<Scalar>
    }

    struct Increment {
        let program: Program<Scalar>
        let writer: CellWriter<Scalar>
        /// Angstrom. [R, 3 S]
        let displacement: UnsafePointer<Scalar>
        /// Angstrom/ps. [R, 3 S]
        let velocityChange: UnsafePointer<Scalar>
    }

    enum Step {
        case kicks(outer: Kick, middle: Kick)
        case increment(Increment)
    }

    let topology: CellTopology
    /// Writes atoms where the first program reads them.
    let writer: CellWriter<Scalar>
    /// Where the first program reads the shifts between cells, Angstrom; nil where rows are cells. [directions, x y z]
    let shifts: UnsafeMutablePointer<Scalar>?
    let step: Step

    /// - Parameter environment: of all cells.
    init(
        _ model: SAGESnetModel, _ topology: CellTopology, parameters: UnsafeMutablePointer<Scalar>, environment: [Double]
    ) {
        self.topology = topology
        let tape = Tape<Scalar>()
        let cells = CellVariables("cell", for: model, on: tape, over: topology, sharingEnvironment: true)
        // Inputs that a prediction does not depend on are outputs too, so that they have memory to be written to.
        let shared = [cells.occupancy, cells.mobility] + [cells.environment, cells.shift].compactMap(\.self)
        switch model.configuration.predictor {
        case .energy, .bonds:
            let place = tape.input("place of the middle kick", cells.offset.shape, over: topology.domain)
            let kicks = (
                outer: model.kick(.outer, of: cells, at: cells.offset, topology),
                middle: model.kick(.middle, of: cells, at: place, topology)
            )
            let outer = Program(computing: [kicks.outer, cells.offset] + shared, parameters: parameters)
            let middle = Program(computing: [kicks.middle, place] + shared, parameters: parameters)
            // The parameters of a simulation stay as they are.
            for program in [outer, middle] { program.preparesEachRun = false }
            for input in shared { middle.bind(input, to: outer.pointer(to: input)) }
            writer = CellWriter(outer, cells, model.cellLayout, firstRow: 0)
            shifts = cells.shift.map { outer.pointer(to: $0) }
            step = .kicks(
                outer: Kick(
                    program: outer, places: outer.pointer(to: cells.offset), kick: outer.pointer(to: kicks.outer)),
                middle: Kick(program: middle, places: middle.pointer(to: place), kick: middle.pointer(to: kicks.middle)))
        case .increment:
            let deviation = model.step(cells, topology)
            let program = Program(
                computing: [deviation.displacement, deviation.velocityChange, cells.offset, cells.velocity] + shared,
                parameters: parameters)
            program.preparesEachRun = false
            writer = CellWriter(program, cells, model.cellLayout, firstRow: 0)
            shifts = nil
            step = .increment(
                Increment(
                    program: program, writer: writer, displacement: program.pointer(to: deviation.displacement),
                    velocityChange: program.pointer(to: deviation.velocityChange)))
        }
        // The same in every row and step.
        model.normalized(environment).withUnsafeBufferPointer { writer.write(environment: $0, rows: 1) }
    }
}
