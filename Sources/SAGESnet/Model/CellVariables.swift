import Autodiff
import Kernels
import Tensor

/// How many numbers describe a cell that a person can read.
public struct CellLayout: Hashable, Sendable {
    public let elements: Int
    public let slots: Int

    init(_ configuration: SAGESnetConfiguration) {
        elements = configuration.elements.count
        slots = configuration.rows == .atoms ? 1 : configuration.slots
    }

    /// Occupancies of a cell: one for each slot and element, [slot, element].
    public var occupancies: Int { slots * elements }
    /// Components of one vector for each slot, [slot, x y z].
    public var vectors: Int { 3 * slots }
}

/// The readable cells of a grid as variables; R rows (cells), S slots, E elements.
public struct CellVariables<Scalar: KernelScalar> {
    /// 1 where a slot holds an atom of an element. [R, S E]
    public var occupancy: Variable<Scalar>
    /// The first element's mass over the atom's in its three columns, 0 in empty slots. [R, 3 S]
    public var mobility: Variable<Scalar>
    /// From the cell's center, Angstrom; 0 in empty slots. [R, 3 S]
    public var offset: Variable<Scalar>
    /// Angstrom/ps; 0 in empty slots. [R, 3 S]
    public var velocity: Variable<Scalar>
    /// The environment of the run that the cell belongs to, normalized, [R, G], or of all cells, [1, G]; nil for models
    /// without.
    public var environment: Variable<Scalar>?
    /// Between the centers of cells in each direction, Angstrom, [directions, x y z]; nil where rows are cells.
    public var shift: Variable<Scalar>?

    /// Inputs of a tape for a model.
    ///
    /// - Parameter sharingEnvironment: whether all cells belong to one run.
    public init(
        _ name: String, for model: SAGESnetModel, on tape: Tape<Scalar>, over topology: CellTopology,
        sharingEnvironment: Bool = false
    ) {
        let (layout, domain) = (model.cellLayout, topology.domain)
        let rows = domain.capacity
        func input(_ part: String, _ columns: Int) -> Variable<Scalar> {
            tape.input("\(name) \(part)", [rows, columns], over: domain)
        }
        occupancy = input("occupancy", layout.occupancies)
        mobility = input("mobility", layout.vectors)
        offset = input("offset", layout.vectors)
        velocity = input("velocity", layout.vectors)
        if case .atoms(let bonds) = topology {
            shift = tape.input("\(name) shift", [bonds.directions.capacity, 3], over: bonds.directions)
        } else {
            shift = nil
        }
        let variables = model.configuration.environment.count
        if variables == 0 {
            environment = nil
        } else if sharingEnvironment {
            environment = tape.input("\(name) environment", [1, variables])
        } else {
            environment = input("environment", variables)
        }
    }
}
