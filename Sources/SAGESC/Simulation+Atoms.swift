import CSAGES
import MPI
import SAGESnet
import Trajectory

/// Fills a host's array, `width` numbers for each of this rank's atoms.
private func fill<Number>(
    _ simulation: OpaquePointer?, _ array: UnsafeMutablePointer<Number>?, _ capacity: Int64, width: Int = 1,
    _ body: (Simulator<Float>, SimulatedAtom, UnsafeMutablePointer<Number>) -> Void
) throws {
    let simulator = try HostSimulation.find(simulation).simulator
    let atoms = simulator.localAtoms
    guard capacity >= Int64(atoms.count) else {
        throw InterfaceError.badArgument("the array has room for \(capacity) atoms, and this rank holds \(atoms.count)")
    }
    if atoms.isEmpty { return }
    let array = try require(array, "array")
    for index in atoms.indices { body(simulator, atoms[index], array + width * index) }
}

@c @implementation
public func sages_simulation_get_ids(
    _ simulation: OpaquePointer?, _ ids: UnsafeMutablePointer<Int64>?, _ capacity: Int64
) -> CInt {
    attempt { try fill(simulation, ids, capacity) { $2.pointee = $1.id } }
}

@c @implementation
public func sages_simulation_get_atomic_numbers(
    _ simulation: OpaquePointer?, _ atomicNumbers: UnsafeMutablePointer<CInt>?, _ capacity: Int64
) -> CInt {
    attempt {
        let symbols = try HostSimulation.find(simulation).simulator.species.symbols
        let numbers = symbols.map { CInt(PeriodicTable.atomicNumber(of: $0) ?? 0) }
        try fill(simulation, atomicNumbers, capacity) { $2.pointee = numbers[Int($1.species)] }
    }
}

@c @implementation
public func sages_simulation_get_positions(
    _ simulation: OpaquePointer?, _ positions: UnsafeMutablePointer<Double>?, _ capacity: Int64
) -> CInt {
    attempt {
        try fill(simulation, positions, capacity, width: 3) { simulator, atom, place in
            let position = simulator.placeInBox(atom).position
            for axis in 0..<3 { place[axis] = position[axis] }
        }
    }
}

@c @implementation
public func sages_simulation_get_velocities(
    _ simulation: OpaquePointer?, _ velocities: UnsafeMutablePointer<Double>?, _ capacity: Int64
) -> CInt {
    attempt {
        try fill(simulation, velocities, capacity, width: 3) { _, atom, place in
            for axis in 0..<3 { place[axis] = atom.velocity[axis] }
        }
    }
}

@c @implementation
public func sages_simulation_get_images(
    _ simulation: OpaquePointer?, _ images: UnsafeMutablePointer<CInt>?, _ capacity: Int64
) -> CInt {
    attempt {
        try fill(simulation, images, capacity, width: 3) { simulator, atom, place in
            let image = simulator.placeInBox(atom).image
            for axis in 0..<3 { place[axis] = image[axis] }
        }
    }
}

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
