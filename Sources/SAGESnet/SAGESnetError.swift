import Diagnostics

/// What can go wrong with a SAGESnet model, its data or a simulation.
public enum SAGESnetError: SAGESError, Equatable {
    /// A box that no grid of the model's cells covers.
    case badGrid(String)
    /// More atoms in a cell than the model has slots.
    case crowdedCell(file: String, frame: Int?, cell: String, atoms: Int, slots: Int, cellSide: Double)
    /// An atom beyond an open end of the box.
    case atomOutside(file: String, frame: Int?, atom: Int64, axis: String, coordinate: Double)
    /// An element that the model was not trained on.
    case unknownElement(file: String, element: String, known: [String])
    /// Data that cannot be used: no velocities, one frame only, other time steps.
    case unsuitableData(file: String, reason: String)
    /// Numbers that are not finite during a simulation.
    case diverged(step: Int, atom: Int64)
    /// Numbers of a grid's model that are not finite during a simulation.
    case divergedGrid(step: Int)
    /// Codes of a coarse level that are not finite (no spread) or spread farther than they may.
    case divergedLevel(step: Int, level: Int, spread: Double?, limit: Double)
    /// A model of another state than is wanted: of atoms, of a grid or of a coarse level.
    case otherState(file: String, found: ModelConfiguration.State)
    /// An option or value that does not fit the model.
    case badRequest(String)

    public var exitStatus: ExitStatus {
        switch self {
        case .badGrid, .crowdedCell, .atomOutside, .unknownElement, .unsuitableData, .otherState: .data
        case .diverged, .divergedGrid, .divergedLevel: .internal
        case .badRequest: .usage
        }
    }

    public var description: String {
        func place(_ file: String, _ frame: Int?) -> String { frame.map { "\(file), frame \($0)" } ?? file }
        switch self {
        case .badGrid(let reason):
            return "no grid fits the box: \(reason)"
        case .crowdedCell(let file, let frame, let cell, let atoms, let slots, let side):
            return "\(place(file, frame)): cell \(cell) holds \(atoms) atoms, and the model has \(slots) "
                + "slot\(slots == 1 ? "" : "s") for cells of side \(side) Angstrom (model.cell, model.slots)"
        case .atomOutside(let file, let frame, let atom, let axis, let coordinate):
            return "\(place(file, frame)): atom \(atom) is outside the box, which is not periodic along \(axis) "
                + "(\(axis) = \(coordinate) Angstrom)"
        case .unknownElement(let file, let element, let known):
            return "\(file): the model does not know element \(element), only \(known.joined(separator: ", "))"
        case .unsuitableData(let file, let reason):
            return "\(file): \(reason)"
        case .diverged(let step, let atom):
            return "the simulation diverged in step \(step): atom \(atom) has a position or velocity that is not a "
                + "finite number or moves farther than the model allows in one step: a cell (model.cell), or the margin of "
                + "the predictor bonds (model.bonds.margin)"
        case .divergedGrid(let step):
            return "the simulation diverged in step \(step): the model gives a number that is not finite"
        case .divergedLevel(let step, let level, let spread, let limit):
            let place = "the simulation diverged in step \(step) of level \(level)"
            guard let spread else { return "\(place): the model gives a number that is not finite, or an atom out of all bounds" }
            let times = (10 * spread).rounded() / 10
            return "\(place): its codes spread \(times) times as far as those of the training set and of the start; "
                + "\(limit) is the limit"
        case .otherState(let file, let found):
            switch found {
            case .grid: return "\(file): the model is one of a grid's cells, which is not what is wanted here (model.state)"
            case .atoms: return "\(file): the model is one of atoms, which is not what is wanted here (model.state)"
            case .level: return "\(file): the model is one of a coarse level, which is not what is wanted here (model.state)"
            }
        case .badRequest(let reason):
            return reason
        }
    }
}
