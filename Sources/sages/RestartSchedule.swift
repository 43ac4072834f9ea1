import MPI

/// When a simulation leaves its state beside its output: every so many seconds by rank 0's clock, which the ranks ask
/// seldom, for to ask takes a message.
struct RestartSchedule {
    /// s; 0 for every step.
    private let interval: Double
    /// Of the last state.
    private var lastTime: Double
    private var lastStep: Int
    /// The step at which the clock is looked at next.
    private var nextLook: Int

    init(interval: Double, step: Int) {
        self.interval = interval
        (lastTime, lastStep, nextLook) = (MPIEnvironment.wallTime(), step, step + 1)
    }

    /// Counts from now on: a state was written, however long that took.
    mutating func restart(at step: Int) {
        (lastTime, lastStep, nextLook) = (MPIEnvironment.wallTime(), step, step + 1)
    }

    /// Whether a state is due at this step. Collective.
    mutating func isDue(_ step: Int, _ communicator: Communicator) throws -> Bool {
        guard step >= nextLook else { return false }
        let elapsed = try communicator.broadcast(MPIEnvironment.wallTime() - lastTime, root: 0)
        guard elapsed < interval else { return true }
        // As many steps as the rest of the interval takes, but no more than were watched: their pace may change.
        let watched = Double(step - lastStep)
        nextLook = step + max(1, Int(min(watched, watched * (interval - elapsed) / max(elapsed, 1e-9))))
        return false
    }
}
