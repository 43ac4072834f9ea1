import Grid
import Kernels
import MPI
import Tensor
import Training

/// Goes back through a rollout: from the derivatives of a number by the atoms after a step to those by the atoms before
/// it (reverse mode).
///
/// The networks' adjoints are recorded operations that the ranks compute together, each on the rows of its cells, with
/// the exchanges of the simulation. What is between the networks, kicks, drifts and the conservation of momentum, is
/// linear; its adjoint is computed for all atoms on every rank, in the order of ids, so that it has the same bits on any
/// number of ranks. The rounding of positions to `AtomGrid.quantum` is taken as none.
///
/// Notation: h half a part of a time step; k1, k2, k3 its kicks; P k = k - sum(m k) / sum(m), which takes momentum out; l(x) the
/// derivative by x.
///
///     q = x + h (v + k1(x));  w = v + P k1(x);  x' = x + 2 h w + h P k2(q);  v' = w + P k2(q) + P k3(x')
final class RolloutAdjoint<Scalar: TrainingScalar & GridScalar> {
    private let simulator: Simulator<Scalar>
    private var start: SimulationStart
    private var network: AdjointNetwork<Scalar>?
    private let masses: [Double]
    private let placeOfID: [Int64: Int]
    /// Of the number, by the atoms of the state that was visited last.
    private(set) var gradient: AtomGradient
    /// By the first kick of the part behind that state.
    private var firstKick: [SIMD3<Double>]

    /// - Parameters:
    ///   - start: that the simulator began from.
    ///   - atoms: all of them, in ascending order of ids.
    ///   - gradient: by the atoms at the end.
    init(_ simulator: Simulator<Scalar>, _ start: SimulationStart, _ atoms: [SimulatedAtom], _ gradient: AtomGradient) {
        precondition(simulator.bondSearch?.lists.hasAngles ?? true, "the simulator lists nothing for second derivatives")
        (self.simulator, self.start, self.gradient) = (simulator, start, gradient)
        masses = atoms.map(\.mass)
        placeOfID = Dictionary(uniqueKeysWithValues: atoms.enumerated().map { ($1.id, $0) })
        firstKick = Array(repeating: .zero, count: atoms.count)
    }

    /// Takes the next state on the way back. Collective.
    ///
    /// - Parameters:
    ///   - atoms: as they were after so many parts of steps.
    ///   - isLast: whether the state is the rollout's end.
    func visit(_ atoms: [SimulatedAtom], parts: Int, isLast: Bool) throws {
        try simulator.restart(from: atoms, of: &start, parts: parts)
        let forward = try simulator.arrangedNetwork()
        let adjoint = try self.network.flatMap { $0.domain === forward.topology.domain ? $0 : nil } ?? makeNetwork(forward)
        network = adjoint
        switch (adjoint.step, forward.step) {
        case (.kicks(let outer, let middle), .kicks(let first, _)):
            if !isLast { try reverse(middle, first) }
            // The third kick of the part before acts where the first of this one does.
            if parts > 0 { firstKick = zip(firstKick, conserved(gradient.velocity)).map { $0 + $1 } }
            add(try product(outer, [firstKick])[0], to: &gradient.position)
        case (.increment(let increment), .increment):
            guard !isLast else { return }
            let products = try product(increment, [conserved(gradient.position), conserved(gradient.velocity)])
            add(gradient.position.map { simulator.model.normalization.timeStep * $0 }, to: &gradient.velocity)
            add(products[0], to: &gradient.position)
            add(products[1], to: &gradient.velocity)
        default: preconditionFailure("networks of two predictors")
        }
    }

    /// Everything of a part of a step but what its outer kicks are made of.
    private func reverse(_ middle: AdjointNetwork<Scalar>.Product, _ first: StepNetwork<Scalar>.Kick) throws {
        let duration = simulator.model.partTime
        let half = duration / 2
        let behind = zip(gradient.velocity, gradient.position)
        let second = conserved(behind.map { $0 + half * $1 })
        let moving = behind.map { $0 + duration * $1 }
        try first.program.run()
        let place = try product(middle, [second]) { [simulator] in
            let atoms = simulator.atoms.arrays
            for index in 0..<atoms.count {
                let entry = 3 * Int(atoms.entries[index])
                for axis in 0..<3 {
                    let velocity = atoms.atoms[index].velocity[axis] + Double(first.kick[entry + axis])
                    middle.places[entry + axis] = Scalar(atoms.offsets[3 * index + axis] + half * velocity)
                }
            }
        }[0]
        add(place, to: &gradient.position)
        gradient.velocity = zip(place, moving).map { half * $0 + $1 }
        firstKick = zip(place, conserved(moving)).map { half * $0 + $1 }
    }

    /// The adjoint of taking momentum out: l - m sum(l) / sum(m).
    private func conserved(_ cotangent: [SIMD3<Double>]) -> [SIMD3<Double>] {
        let mean = cotangent.reduce(.zero, +) / simulator.totalMass
        return zip(cotangent, masses).map { $0 - $1 * mean }
    }

    private func add(_ part: [SIMD3<Double>], to sum: inout [SIMD3<Double>]) {
        for index in sum.indices { sum[index] += part[index] }
    }

    private func makeNetwork(_ forward: StepNetwork<Scalar>) throws -> AdjointNetwork<Scalar> {
        AdjointNetwork(
            simulator.model, forward.topology, parameters: simulator.parameters.pointer,
            environment: simulator.environment)
    }

    /// The product of cotangents, for all atoms each, with a network's Jacobian where the atoms are. Collective.
    ///
    /// - Parameter adjust: changes the network's inputs, which are those of the atoms.
    private func product(
        _ network: AdjointNetwork<Scalar>.Product, _ cotangents: [[SIMD3<Double>]], adjust: () -> Void = {}
    ) throws -> [[SIMD3<Double>]] {
        let atoms = simulator.atoms.arrays
        let rows = simulator.filler.binning.rowCount
        network.writer.clear(rows: rows)
        write(atoms, to: network.writer)
        if let shifts = network.shifts { simulator.writeShifts(to: shifts) }
        adjust()
        let places = (0..<atoms.count).map { placeOfID[atoms.atoms[$0].id, default: 0] }
        for (target, cotangent) in zip(network.cotangents, cotangents) {
            Kernels.fill(target, with: 0, count: rows * simulator.model.cellLayout.vectors)
            for index in 0..<atoms.count {
                let entry = 3 * Int(atoms.entries[index])
                for axis in 0..<3 { target[entry + axis] = Scalar(cotangent[places[index]][axis]) }
            }
        }
        try network.program.run()
        return try network.products.map { product in
            var own: [Double] = []
            own.reserveCapacity(4 * atoms.count)
            for index in 0..<atoms.count {
                let entry = 3 * Int(atoms.entries[index])
                own.append(Double(places[index]))
                for axis in 0..<3 { own.append(Double(product[entry + axis])) }
            }
            let all = try simulator.communicator.allGatherV(own).elements
            var result = [SIMD3<Double>](repeating: .zero, count: masses.count)
            for first in stride(from: 0, to: all.count, by: 4) {
                result[Int(all[first])] = SIMD3(all[first + 1], all[first + 2], all[first + 3])
            }
            return result
        }
    }
}

extension Simulator {
    /// All atoms in ascending order of ids, on every rank. Collective.
    func allAtoms() throws -> [SimulatedAtom] {
        let own = UnsafeRawBufferPointer(localAtoms)
        let words = [UInt64](unsafeUninitializedCapacity: own.count / 8) { buffer, initialized in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(from: own)
            initialized = own.count / 8
        }
        let all = try communicator.allGatherV(words).elements
        let atoms = [SimulatedAtom](unsafeUninitializedCapacity: atomCount) { buffer, initialized in
            all.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
            initialized = atomCount
        }
        return atoms.sorted { $0.id < $1.id }
    }

    /// Goes to a state of all atoms after so many parts of steps, given alike on every rank. Collective.
    ///
    /// - Parameter start: that the simulator began from; its atoms become this rank's share of the state's.
    func restart(from atoms: [SimulatedAtom], of start: inout SimulationStart, parts: Int = 0) throws {
        let (rank, ranks) = (communicator.rank, communicator.size)
        start.atoms = Array(atoms[(rank * atoms.count / ranks)..<((rank + 1) * atoms.count / ranks)])
        start.completedSteps = parts / model.parts
        try restart(from: start)
    }

    /// Writes how far apart the centers of neighboring cells are, Angstrom. [directions, x y z]
    func writeShifts(to target: UnsafeMutablePointer<Scalar>) {
        guard case .atoms(let topology) = network?.topology else { preconditionFailure("rows of cells have no bonds") }
        topology.writeShifts(cellSize: grid.cellSize, grid: 0, to: target)
    }
}
