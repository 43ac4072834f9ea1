import Tensor

// The two kinds of parts of steps; see `SAGESnetModel`.
extension Simulator {
    /// Kick, drift half, kick, drift half, kick. The last kick acts where the next part begins, in the cells that atoms
    /// are in there, so that it need not be computed again. Collective.
    ///
    /// A kick depends on positions alone: a run that is resumed from positions and velocities after a step computes the
    /// same bits.
    func advance(_ outer: StepNetwork<Scalar>.Kick, _ middle: StepNetwork<Scalar>.Kick, _ request: Bool) throws -> Bool {
        let duration = model.partTime
        let half = 0.5 * duration
        let first = try outerCorrection ?? findOuterKick(outer)
        // From here on the kick is used up, whatever happens.
        outerCorrection = nil
        applyKick(outer.kick, correction: first, to: atoms.arrays, drifting: half, places: middle.places)
        try middle.program.run()

        let found = sum(kick: middle.kick, of: atoms.arrays, duration: duration, lever: half, within: limits)
        let totals = try reduce(found, request: request) { [self] in
            culprit { sum(kick: middle.kick, of: $0, duration: duration, lever: half, within: limits) }
        }
        let second = Conservation.correction(ofSum: totals.velocity, totalMass: totalMass)
        move(
            atoms.arrays, duration: duration, kick: middle.kick, correction: second, lever: half, places: outer.places)
        try settle(afterMoving: totals.nearFaces, correction: half * second)

        // The rows may be others now, in a network with more room.
        guard case .kicks(let last, _) = try arrangedNetwork().step else { preconditionFailure("another predictor") }
        let third = try findOuterKick(last)
        applyKick(last.kick, correction: third, to: atoms.arrays)
        conservation.record(velocity: first + second + third, displacement: duration * first + half * second)
        return totals.isRequested
    }

    /// Computes the outer kick where the atoms are, and returns its correction. Collective.
    private func findOuterKick(_ outer: StepNetwork<Scalar>.Kick) throws -> SIMD3<Double> {
        try outer.program.run()
        let totals = try reduce(sum(kick: outer.kick, of: atoms.arrays, within: limits)) { [self] in
            culprit { sum(kick: outer.kick, of: $0, within: limits) }
        }
        let correction = Conservation.correction(ofSum: totals.velocity, totalMass: totalMass)
        outerCorrection = correction
        return correction
    }

    /// Increments of positions and velocities. Collective.
    func advance(_ increment: StepNetwork<Scalar>.Increment, _ request: Bool) throws -> Bool {
        let timeStep = model.normalization.timeStep
        writeMotion(atoms.arrays, to: increment.writer)
        try increment.program.run()
        func find(_ atoms: AtomStore.Arrays) -> MotionSums {
            sum(
                displacement: increment.displacement, kick: increment.velocityChange, of: atoms, duration: timeStep,
                within: limits)
        }
        let totals = try reduce(find(atoms.arrays), request: request) { culprit(find) }
        let velocity = Conservation.correction(ofSum: totals.velocity, totalMass: totalMass)
        let displacement = Conservation.correction(ofSum: totals.displacement, totalMass: totalMass)
        move(
            atoms.arrays, duration: timeStep, displacement: increment.displacement, kick: increment.velocityChange,
            displacementCorrection: displacement, velocityCorrection: velocity)
        conservation.record(velocity: velocity, displacement: displacement)
        try settle(afterMoving: totals.nearFaces, correction: displacement)
        return totals.isRequested
    }

    /// The atom of this rank with the greatest id among those that a pass finds unusable.
    private func culprit(_ pass: (AtomStore.Arrays) -> MotionSums) -> Int64? {
        let all = atoms.arrays
        return (0..<all.count).filter { pass(all[$0]).unusable > 0 }.map { all.atoms[$0].id }.max()
    }
}
