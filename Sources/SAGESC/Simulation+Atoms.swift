import CSAGES
import MPI
import SAGESnet
import Trajectory

/// Fills a host's array with `width` numbers for each of this rank's atoms.
private func get<Number>(
    _ simulation: OpaquePointer?, _ array: UnsafeMutablePointer<Number>?, _ capacity: Int64, width: Int,
    _ store: (HostSimulation, SimulatedAtom, UnsafeMutablePointer<Number>) -> Void
) -> CInt {
    attempt {
        let simulation = try HostSimulation.find(simulation)
        let atoms = simulation.simulator.localAtoms
        guard capacity >= Int64(atoms.count) else {
            throw InterfaceError.badArgument(
                "the array has room for \(capacity) atoms, and this rank holds \(atoms.count)")
        }
        if atoms.isEmpty { return }
        let array = try require(array, "array")
        for index in atoms.indices { store(simulation, atoms[index], array + width * index) }
    }
}

/// One number for each atom.
private func getNumbers<Number>(
    _ simulation: OpaquePointer?, _ array: UnsafeMutablePointer<Number>?, _ capacity: Int64,
    _ value: (HostSimulation, SimulatedAtom) -> Number
) -> CInt {
    get(simulation, array, capacity, width: 1) { $2.pointee = value($0, $1) }
}

/// Three numbers for each atom.
private func getVectors<Number: SIMDScalar>(
    _ simulation: OpaquePointer?, _ array: UnsafeMutablePointer<Number>?, _ capacity: Int64,
    _ value: (HostSimulation, SimulatedAtom) -> SIMD3<Number>
) -> CInt {
    get(simulation, array, capacity, width: 3) { simulation, atom, place in
        let vector = value(simulation, atom)
        for axis in 0..<3 { place[axis] = vector[axis] }
    }
}

@c @implementation
public func sages_simulation_get_ids(
    _ simulation: OpaquePointer?, _ ids: UnsafeMutablePointer<Int64>?, _ capacity: Int64
) -> CInt { getNumbers(simulation, ids, capacity) { $1.id } }

@c @implementation
public func sages_simulation_get_atomic_numbers(
    _ simulation: OpaquePointer?, _ atomicNumbers: UnsafeMutablePointer<CInt>?, _ capacity: Int64
) -> CInt { getNumbers(simulation, atomicNumbers, capacity) { $0.atomicNumbers[Int($1.species)] } }

@c @implementation
public func sages_simulation_get_positions(
    _ simulation: OpaquePointer?, _ positions: UnsafeMutablePointer<Double>?, _ capacity: Int64
) -> CInt { getVectors(simulation, positions, capacity) { $0.simulator.placeInBox($1).position } }

@c @implementation
public func sages_simulation_get_velocities(
    _ simulation: OpaquePointer?, _ velocities: UnsafeMutablePointer<Double>?, _ capacity: Int64
) -> CInt { getVectors(simulation, velocities, capacity) { $1.velocity } }

@c @implementation
public func sages_simulation_get_images(
    _ simulation: OpaquePointer?, _ images: UnsafeMutablePointer<CInt>?, _ capacity: Int64
) -> CInt { getVectors(simulation, images, capacity) { $0.simulator.placeInBox($1).image } }

@c @implementation
public func sages_simulation_set_positions(
    _ simulation: OpaquePointer?, _ count: Int64, _ ids: UnsafePointer<Int64>?, _ positions: UnsafePointer<Double>?
) -> CInt {
    attempt { try set(.position, simulation, count, ids, positions) }
}

@c @implementation
public func sages_simulation_set_velocities(
    _ simulation: OpaquePointer?, _ count: Int64, _ ids: UnsafePointer<Int64>?, _ velocities: UnsafePointer<Double>?
) -> CInt {
    attempt { try set(.velocity, simulation, count, ids, velocities) }
}

/// Collective.
private func set(
    _ quantity: AtomCoupling<Float>.Quantity, _ simulation: OpaquePointer?, _ count: Int64,
    _ ids: UnsafePointer<Int64>?, _ values: UnsafePointer<Double>?
) throws {
    let simulation = try HostSimulation.find(simulation)
    try simulation.change {
        try simulation.coupling.get().set(quantity, count: Int(count), ids: ids, values: values)
    }
}
