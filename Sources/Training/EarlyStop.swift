/// Which validation was the best, and whether waiting for a better one has been long enough.
struct EarlyStop: Equatable, Sendable {
    /// Validations without a better loss after which to stop; nil to go on.
    let patience: Int?
    /// The part of the best loss by which another must be lower to count as better.
    let improvement: Double
    /// Infinity before the first validation.
    var bestLoss = Double.infinity
    /// Steps done at the best validation.
    var bestStep = 0
    /// Validations since then.
    var waited = 0

    init(patience: Int?, improvement: Double) {
        self.patience = patience
        self.improvement = improvement
    }

    /// Takes a validation's loss; true if it is the best so far.
    mutating func take(_ loss: Double, step: Int) -> Bool {
        if loss < bestLoss - improvement * bestLoss.magnitude || bestLoss == .infinity {
            (bestLoss, bestStep, waited) = (loss, step, 0)
            return true
        }
        waited += 1
        return false
    }

    var shouldStop: Bool { patience.map { waited >= $0 } ?? false }
}
