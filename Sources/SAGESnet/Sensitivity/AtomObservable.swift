import Trajectory

/// A number that the atoms at the end of a rollout have; only those selected count.
public enum AtomObservable: String, Sendable, CaseIterable {
    /// K; the motion of the selected atoms' center of mass is no heat.
    case temperature
    /// eV
    case kineticEnergy = "kinetic-energy"
    /// u Angstrom/ps
    case momentumX = "momentum-x", momentumY = "momentum-y", momentumZ = "momentum-z"
    /// The mean over the atoms of the square of how far each has come since the start, Angstrom^2.
    case meanSquareDisplacement = "mean-square-displacement"
    /// The mean over the atoms, unwrapped, Angstrom.
    case positionX = "position-x", positionY = "position-y", positionZ = "position-z"

    /// In H5MD's notation.
    public var unit: String {
        switch self {
        case .temperature: "K"
        case .kineticEnergy: "eV"
        case .momentumX, .momentumY, .momentumZ: "u Angstrom ps-1"
        case .meanSquareDisplacement: "Angstrom2"
        case .positionX, .positionY, .positionZ: "Angstrom"
        }
    }

    private var axis: Int {
        switch self {
        case .momentumX, .positionX: 0
        case .momentumY, .positionY: 1
        case .momentumZ, .positionZ: 2
        case .temperature, .kineticEnergy, .meanSquareDisplacement: preconditionFailure("\(rawValue) has no axis")
        }
    }

    /// The observable and its derivatives.
    struct Value {
        var value = 0.0
        /// By the atoms at the end.
        var end: AtomGradient
        /// By positions at the start, where it depends on them without the rollout.
        var start: [SIMD3<Double>]
    }

    /// - Parameters:
    ///   - start: all atoms at the start.
    ///   - end: the same at the end.
    ///   - selected: indices of those that count.
    ///   - period: of the box, Angstrom.
    func evaluate(start: [SimulatedAtom], end: [SimulatedAtom], selected: [Int], period: SIMD3<Double>) -> Value {
        var result = Value(end: AtomGradient(count: end.count), start: Array(repeating: .zero, count: end.count))
        let share = 1 / Double(selected.count)
        switch self {
        case .temperature:
            let mass = selected.reduce(0) { $0 + end[$1].mass }
            let momentum = selected.reduce(SIMD3<Double>.zero) { $0 + end[$1].mass * end[$1].velocity }
            let squares = selected.reduce(0) { $0 + end[$1].mass * (end[$1].velocity * end[$1].velocity).sum() }
            func temperature(_ squares: Double, _ momentum: SIMD3<Double>) -> Double {
                KineticState.temperature(squares: squares, momentum: momentum, mass: mass, atoms: selected.count)
            }
            result.value = temperature(squares, momentum)
            let unit = temperature(1, .zero)
            for index in selected {
                result.end.velocity[index] = 2 * unit * end[index].mass * (end[index].velocity - momentum / mass)
            }
        case .kineticEnergy:
            let unit = PhysicalConstants.kineticEnergyUnit
            for index in selected {
                let atom = end[index]
                result.value += unit / 2 * atom.mass * (atom.velocity * atom.velocity).sum()
                result.end.velocity[index] = unit * atom.mass * atom.velocity
            }
        case .momentumX, .momentumY, .momentumZ:
            for index in selected {
                result.value += end[index].mass * end[index].velocity[axis]
                result.end.velocity[index][axis] = end[index].mass
            }
        case .meanSquareDisplacement:
            for index in selected {
                let moved = end[index].unwrapped(period) - start[index].unwrapped(period)
                result.value += share * (moved * moved).sum()
                result.end.position[index] = 2 * share * moved
                result.start[index] = -2 * share * moved
            }
        case .positionX, .positionY, .positionZ:
            for index in selected {
                result.value += share * end[index].unwrapped(period)[axis]
                result.end.position[index][axis] = share
            }
        }
        return result
    }
}

/// Which atoms an observable is made of: those that are there at the start of a rollout.
public enum AtomSelection: Sendable, Equatable {
    case all
    /// Between two corners, in the coordinates of the box, Angstrom.
    case region(lower: SIMD3<Double>, upper: SIMD3<Double>)
    case atom(Int64)

    /// Indices of the selected atoms.
    ///
    /// - Throws: `SAGESnetError.badRequest` where there are none.
    func indices<Scalar>(of atoms: [SimulatedAtom], in simulator: Simulator<Scalar>) throws -> [Int] {
        let found: [Int]
        switch self {
        case .all: found = Array(atoms.indices)
        case .region(let lower, let upper):
            found = atoms.indices.filter {
                let place = simulator.placeInBox(atoms[$0]).position
                return (0..<3).allSatisfy { lower[$0] <= place[$0] && place[$0] < upper[$0] }
            }
        case .atom(let id): found = atoms.indices.filter { atoms[$0].id == id }
        }
        guard !found.isEmpty else {
            switch self {
            case .atom(let id): throw SAGESnetError.badRequest("there is no atom \(id)")
            default: throw SAGESnetError.badRequest("there is no atom in the region at the start")
            }
        }
        return found
    }
}

/// Derivatives of a number by all atoms, in ascending order of ids.
public struct AtomGradient: Sendable, Equatable {
    /// By positions, per Angstrom.
    public var position: [SIMD3<Double>]
    /// By velocities, per Angstrom/ps.
    public var velocity: [SIMD3<Double>]

    init(count: Int) {
        position = Array(repeating: .zero, count: count)
        velocity = position
    }
}

extension SimulatedAtom {
    /// As if the box went on, Angstrom.
    func unwrapped(_ period: SIMD3<Double>) -> SIMD3<Double> {
        position + SIMD3(Double(image.x), Double(image.y), Double(image.z)) * period
    }
}
