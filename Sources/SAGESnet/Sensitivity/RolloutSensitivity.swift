import Grid
import MPI
import Tensor
import Training

/// How a number at the end of a rollout depends on every atom at its start: derivatives by reverse mode through all steps
/// (004, "Potential challenges": the sensitivity grid).
///
/// Only every so many states are kept; those between are computed again, a segment at a time, so that the memory is that
/// of about twice the square root of the number of parts of steps states (128 bytes an atom each, on every rank) and one
/// part's networks, and the time that of two rollouts and their adjoint.
public struct RolloutSensitivity: Sendable {
    /// The observable at the end.
    public let value: Double
    public let gradient: AtomGradient
    /// All atoms at the start, in ascending order of ids.
    public let atoms: [SimulatedAtom]
    /// How many of them the observable is made of.
    public let selectedCount: Int

    /// What is asked for.
    public struct Question: Sendable {
        public var observable: AtomObservable
        public var selection: AtomSelection
        public var steps: Int
        /// Parts of steps between the states that are kept; nil for the square root of their number.
        public var segment: Int?

        public init(_ observable: AtomObservable, of selection: AtomSelection = .all, steps: Int, segment: Int? = nil) {
            (self.observable, self.selection, self.steps, self.segment) = (observable, selection, steps, segment)
        }
    }

    /// Rolls out and goes back. Collective; the same bits on every rank, and on any number of ranks.
    ///
    /// - Parameters:
    ///   - simulator: at the start, to which it is brought back.
    ///   - start: that the simulator was made from.
    ///   - progress: called after each state on the way back with the number of steps reversed.
    /// - Throws: on every rank, `SAGESnetError.badRequest` where nothing is selected; what the simulator throws.
    public init<Scalar>(
        of question: Question, _ simulator: Simulator<Scalar>, _ start: SimulationStart, progress: (Int) -> Void = { _ in }
    ) throws {
        var start = start
        let parts = question.steps * simulator.model.parts
        let length = question.segment ?? Int(Double(parts).squareRoot().rounded(.up))
        atoms = try simulator.allAtoms()
        let selected = try question.selection.indices(of: atoms, in: simulator)
        var kept = [atoms]
        for part in 1...parts {
            _ = try simulator.advancePart()
            if part % length == 0 || part == parts { kept.append(try simulator.allAtoms()) }
        }
        let found = question.observable.evaluate(
            start: atoms, end: kept[kept.count - 1], selected: selected, period: simulator.grid.period)
        let adjoint = RolloutAdjoint(simulator, start, atoms, found.end)
        try adjoint.visit(kept[kept.count - 1], parts: parts, isLast: true)
        for segment in stride(from: kept.count - 2, through: 0, by: -1) {
            let (first, end) = (segment * length, min((segment + 1) * length, parts))
            var states = [kept[segment]]
            if end - first > 1 { try simulator.restart(from: kept[segment], of: &start, parts: first) }
            for _ in first + 1..<end {
                _ = try simulator.advancePart()
                states.append(try simulator.allAtoms())
            }
            for part in stride(from: end - 1, through: first, by: -1) {
                try adjoint.visit(states[part - first], parts: part, isLast: false)
                progress((parts - part) / simulator.model.parts)
            }
            kept.removeLast()
        }
        var gradient = adjoint.gradient
        for index in gradient.position.indices { gradient.position[index] += found.start[index] }
        (value, self.gradient, selectedCount) = (found.value, gradient, selected.count)
        try simulator.restart(from: atoms, of: &start)
    }

    /// How well derivatives agree with finite perturbations of the start, rolled out anew. Collective.
    ///
    /// All atoms are moved along the gradient by positions, then all velocities are changed along theirs; then single
    /// components of the atom with the greatest derivative and of three others are perturbed.
    ///
    /// - Returns: the largest difference, relative to the derivative along a gradient, and to the greatest derivative by
    ///   a component of positions or velocities.
    public func errorAgainstPerturbations<Scalar>(
        _ question: Question, _ simulator: Simulator<Scalar>, _ start: SimulationStart
    ) throws -> Double {
        var start = start
        let selected = try question.selection.indices(of: atoms, in: simulator)
        func value(_ change: (inout [SimulatedAtom]) -> Void) throws -> Double {
            var moved = atoms
            change(&moved)
            try simulator.restart(from: moved, of: &start)
            for _ in 0..<question.steps { try simulator.advance() }
            return question.observable.evaluate(
                start: moved, end: try simulator.allAtoms(), selected: selected, period: simulator.grid.period).value
        }
        var worst = 0.0
        // Of positions, Angstrom, and of velocities, Angstrom/ps, that change a step by as much.
        let parts: [(KeyPath<AtomGradient, [SIMD3<Double>]>, step: Double)] = [
            (\.position, 3e-5), (\.velocity, 3e-5 / simulator.model.normalization.timeStep),
        ]
        func greatestEffect(_ part: KeyPath<AtomGradient, [SIMD3<Double>]>, _ size: Double) -> Double {
            size * (gradient[keyPath: part].map { ($0 * $0).sum() }.max() ?? 0).squareRoot()
        }
        let effect = parts.map { greatestEffect($0.0, $0.step) }.max() ?? 0
        // What the observable does not depend on, as total momentum on positions, is rounding.
        for (part, size) in parts where greatestEffect(part, size) > 1e-9 * effect {
            let derivative = gradient[keyPath: part]
            let isPosition = part == \AtomGradient.position
            func difference(_ direction: [Int: SIMD3<Double>]) throws -> Double {
                func moved(_ factor: Double) throws -> Double {
                    try value { atoms in
                        for (index, vector) in direction {
                            if isPosition {
                                atoms[index].position += AtomGrid.quantized(displacement: factor * vector)
                            } else {
                                atoms[index].velocity += factor * vector
                            }
                        }
                    }
                }
                return try (moved(size) - moved(-size)) / (2 * size)
            }
            let lengths = derivative.map { ($0 * $0).sum().squareRoot() }
            guard let largest = lengths.max() else { continue }
            let norm = lengths.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let along = derivative.enumerated().map { ($0, $1 / largest) }
            let expected = norm * norm / largest
            worst = max(worst, abs(try difference(Dictionary(uniqueKeysWithValues: along)) / expected - 1))
            var random = Philox(seed: 1, stream: isPosition ? 0 : 1)
            let greatest = lengths.firstIndex(of: largest) ?? 0
            for index in [greatest] + (0..<3).map({ _ in random.nextIndex(below: atoms.count) }) {
                let axis = random.nextIndex(below: 3)
                var unit = SIMD3<Double>.zero
                unit[axis] = 1
                worst = max(worst, abs(try difference([index: unit]) - derivative[index][axis]) / largest)
            }
        }
        try simulator.restart(from: atoms, of: &start)
        return worst
    }
}
