import Tensor

// Forces from outside. With F the force, a step is: v += F dt / 2 m, the model's step, v += F dt / 2 m (Strang's splitting), so
// that a symplectic step stays one, and atoms that feel nothing else move as they should: x += v dt + F dt^2 / 2 m.
extension Simulator {
    /// Adds a force that acts on atoms of a region from the next step on, beside those that there are. The same on all
    /// ranks.
    ///
    /// - Throws: `SAGESnetError.badRequest` for a region outside of the grid, or a force that is too great.
    public func apply(_ force: AppliedForce) throws {
        try force.check(grid, duration: 0.5 * model.normalization.timeStep, leastMass: species.masses.min() ?? 1)
        forces.append(force)
        pushedAtoms = Buffer(repeating: 0, count: forces.count)
    }

    /// Takes all forces away. The same on all ranks.
    public func removeForces() { forces.removeAll() }

    /// Half a step's push by every force that acts during this step. Not collective.
    func push() {
        let arrays = atoms.arrays
        let duration = 0.5 * model.normalization.timeStep
        for (index, force) in forces.enumerated() where force.steps.contains(step + 1) {
            let impulse = force.impulse(duration: duration)
            var count: Int64 = 0
            for atom in 0..<arrays.count {
                let local = range.extent.cell(at: Int(arrays.cells[atom]))
                let cell = SIMD3(range.lower.x + local.x, range.lower.y + local.y, range.lower.z + local.z)
                let moving = arrays.atoms[atom]
                guard force.acts(on: moving.id, at: placeInBox(moving).position, in: cell) else { continue }
                arrays.atoms[atom].velocity = moving.velocity + impulse / moving.mass
                count += 1
            }
            pushedAtoms.pointer[index] += count
        }
    }

    /// Adds what the pushes of a step gave to the total momentum to the budget: a sum of integers, how many atoms were
    /// pushed, and so the same bits on any number of ranks. Collective where there are forces.
    func recordImpulse() throws {
        guard forces.contains(where: { $0.steps.contains(step + 1) }) else { return }
        let counts = pushedAtoms.span
        if communicator.size > 1 { try communicator.allReduce(counts, .sum) }
        for (index, force) in forces.enumerated() {
            conservation.record(
                impulse: Double(counts[index]) * force.impulse(duration: 0.5 * model.normalization.timeStep))
            counts[index] = 0
        }
    }
}
