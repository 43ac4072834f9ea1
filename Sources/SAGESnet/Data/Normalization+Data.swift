import Trajectory
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension Normalization {
    /// Root mean squares over at most 32 frames of each run, every atom alike, in the order of the runs.
    ///
    /// - Throws: what reading does; `SAGESnetError.unsuitableData` for data in which nothing moves.
    init(_ runs: [AtomRun], _ configuration: SAGESnetConfiguration) throws {
        self.init()
        guard let first = runs.first else { return }
        timeStep = first.timeStep
        var sums = (offset: 0.0, velocity: 0.0, displacement: 0.0, kick: 0.0)
        var count = 0.0
        for run in runs {
            let starts = run.starts(steps: 1)
            for place in stride(from: 0, to: starts.count, by: max(1, starts.count / 32)) {
                let index = starts[place]
                let (start, end) = (try run.frame(index), try run.frame(index + 1))
                let grid = try run.grid(for: configuration, box: start.box)
                for atom in 0..<run.atomCount {
                    let moved = run.displacement(of: atom, from: start, to: end)
                    for axis in 0..<3 {
                        let velocity = start.velocities.pointer[3 * atom + axis]
                        let kick = end.velocities.pointer[3 * atom + axis] - velocity
                        let missed = moved[axis] - velocity * timeStep
                        let offset = grid.place(start.positions.pointer[3 * atom + axis], axis: axis)?.offset ?? 0
                        sums.offset += offset * offset
                        sums.velocity += velocity * velocity
                        sums.displacement += missed * missed
                        sums.kick += kick * kick
                    }
                }
                count += 3 * Double(run.atomCount)
            }
        }
        func root(_ sum: Double, _ what: String) throws -> Double {
            let value = (sum / max(count, 1)).squareRoot()
            guard value > 1e-12 else {
                throw SAGESnetError.unsuitableData(file: first.path, reason: "\(what) is zero in all training data")
            }
            return value
        }
        offset = try root(sums.offset, "the distance of atoms from cell centers")
        velocity = try root(sums.velocity, "the velocity of atoms")
        displacement = try root(sums.displacement, "the deviation from ballistic motion")
        kick = try root(sums.kick, "the change of velocities")
        for variable in configuration.environment {
            // Turned, a run has along one axis what it had along another.
            let alike = configuration.augmentation ? [variable] + variable.siblings : [variable]
            let values = alike.flatMap { one in
                runs.compactMap { run in configuration.environment.firstIndex(of: one).map { run.environment[$0] } }
            }
            let mean = values.reduce(0, +) / Double(values.count)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
            environmentMean.append(mean)
            // A variable that never changes in training says nothing; it must not blow up elsewhere either.
            environmentSpread.append(max(variance.squareRoot(), 0.1 * abs(mean), 1e-3))
        }
    }
}

extension SAGESnetModel {
    /// Environment variables as the network sees them: their distance from the training mean in spreads.
    func normalized(_ environment: [Double]) -> [Double] {
        var result = environment
        result.withUnsafeMutableBufferPointer { normalize(environment, turnedBy: .identity, isReversed: false, into: $0) }
        return result
    }

    /// The same for a sample that is turned by a symmetry and may run backwards.
    func normalize(
        _ environment: [Double], turnedBy symmetry: CubeSymmetry, isReversed: Bool,
        into result: UnsafeMutableBufferPointer<Double>
    ) {
        for (index, variable) in configuration.environment.enumerated() {
            let (source, factor) = variable.source(turnedBy: symmetry, isReversed: isReversed)
            guard let place = configuration.environment.firstIndex(of: source) else {
                preconditionFailure("a configuration with augmentation names all directions")
            }
            result[index] = (factor * environment[place] - normalization.environmentMean[index])
                / normalization.environmentSpread[index]
        }
    }

    /// By which squared errors on a run are multiplied in the loss: (what a ballistic step misses of velocities on
    /// average over what it misses in the run)^(2 balance).
    ///
    /// - Throws: as `Normalization(_:_:)`.
    func weight(of run: AtomRun) throws -> Double {
        guard configuration.balance > 0 else { return 1 }
        let kick = try Normalization([run], configuration).kick
        return pow(normalization.kick / kick, 2 * configuration.balance)
    }
}
