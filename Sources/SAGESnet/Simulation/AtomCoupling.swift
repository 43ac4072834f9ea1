import Grid
import MPI
import Tensor
import Training

/// How a host program sets positions and velocities of a simulation's atoms, on whichever ranks they are.
public final class AtomCoupling<Scalar: TrainingScalar & GridScalar> {
    private let simulator: Simulator<Scalar>
    private let router: AtomRouter

    /// What is set.
    public enum Quantity: Sendable {
        /// Angstrom. Beyond a periodic end of the box, by less than a box, atoms are wrapped and their images count on.
        case position
        /// Angstrom/ps
        case velocity
    }

    /// Collective.
    public init(_ simulator: Simulator<Scalar>) throws {
        self.simulator = simulator
        router = try AtomRouter(communicator: simulator.communicator)
    }

    /// Sets a quantity of some atoms. Collective.
    ///
    /// - Parameters:
    ///   - count: atoms that this rank names.
    ///   - ids: of atoms on any rank, each named once over all ranks; nil for all of this rank's atoms in the order of
    ///     `localAtoms`. [count]
    ///   - values: x y z of each. [count * 3]
    /// - Throws: on every rank, `SAGESnetError.badRequest`, after which nothing has changed. For positions also what
    ///   `Simulator.advance` throws for cells, after which the simulation cannot go on.
    public func set(
        _ quantity: Quantity, count: Int, ids: UnsafePointer<Int64>?, values: UnsafePointer<Double>?
    ) throws {
        let communicator = simulator.communicator
        let isInOrder = try communicator.agree { try check(quantity, count, ids, values) }
        if try communicator.allReduce(isInOrder, .logicalAnd) {
            try simulator.changeAtoms(moving: quantity == .position) { atoms in
                guard let values else { return }
                for index in 0..<count { change(quantity, of: &atoms[index], to: SIMD3(values, 3 * index)) }
            }
            return
        }
        let owned = simulator.localAtoms.map(\.id)
        var news: [AtomUpdate] = []
        if let values {
            news = (0..<count).map { index in
                let value = values + 3 * index
                return AtomUpdate(id: ids?[index] ?? owned[index], x: value[0], y: value[1], z: value[2])
            }
        }
        let updates = try router.route(news, toOwnersOf: owned)
        let places = Dictionary(uniqueKeysWithValues: owned.enumerated().map { ($1, $0) })
        try simulator.changeAtoms(moving: quantity == .position) { atoms in
            for update in updates {
                guard let index = places[update.id] else { preconditionFailure("an atom left during a routing") }
                change(quantity, of: &atoms[index], to: SIMD3(update.x, update.y, update.z))
            }
        }
    }

    /// Whether the values are all of this rank's atoms in their order; throws for arguments that are wrong.
    private func check(
        _ quantity: Quantity, _ count: Int, _ ids: UnsafePointer<Int64>?, _ values: UnsafePointer<Double>?
    ) throws -> Bool {
        let atoms = simulator.localAtoms
        guard count != 0 else { return atoms.isEmpty }
        guard count > 0, count <= simulator.atomCount else {
            throw SAGESnetError.badRequest("\(count) is no number of atoms; there are \(simulator.atomCount)")
        }
        guard let values else { throw SAGESnetError.badRequest("there is no array of values for \(count) atoms") }
        guard ids != nil || count == atoms.count else {
            throw SAGESnetError.badRequest(
                "values for \(count) atoms without ids, but this rank holds \(atoms.count)")
        }
        let box = simulator.grid.box
        for index in 0..<count {
            let id = ids?[index] ?? atoms[index].id
            guard id >= 0 else { throw SAGESnetError.badRequest("there is no atom \(id)") }
            let value = SIMD3(values, 3 * index)
            guard value.isFinite else {
                throw SAGESnetError.badRequest("the \(quantity) for atom \(id) is not a finite number")
            }
            guard quantity == .position else { continue }
            for axis in 0..<3 where box.boundary(axis) == .periodic {
                let place = (value[axis] - box.origin[axis]) / box.edges[axis]
                guard place > -1, place < 2 else {
                    throw SAGESnetError.badRequest(
                        "the position for atom \(id) is more than a box outside of the periodic box")
                }
            }
        }
        guard let ids, count == atoms.count else { return ids == nil }
        return atoms.indices.allSatisfy { atoms[$0].id == ids[$0] }
    }

    private func change(_ quantity: Quantity, of atom: inout SimulatedAtom, to value: SIMD3<Double>) {
        switch quantity {
        case .velocity: atom.velocity = value
        case .position:
            // Images are those that the host has seen beside the position in the box.
            atom.image = simulator.placeInBox(atom).image
            atom.position = AtomGrid.quantized(value)
        }
    }
}

extension Simulator {
    /// Where an atom lies in the box, and boxes that it crossed; its own position may lie in the part of the grid that
    /// is below the box.
    public func placeInBox(_ atom: SimulatedAtom) -> (position: SIMD3<Double>, image: SIMD3<Int32>) {
        var (position, image) = (atom.position, atom.image)
        // By exactly a period, so that resuming from a file finds the same place.
        for axis in 0..<3
        where grid.box.boundary(axis) == .periodic && atom.position[axis] < grid.box.origin[axis] {
            position[axis] += grid.period[axis]
            image[axis] -= 1
        }
        return (position, image)
    }
}
