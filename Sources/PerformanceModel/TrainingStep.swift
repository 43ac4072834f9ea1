/// A training step: every rank computes its micro-batches, the gradients are summed over the ranks while the last
/// micro-batch is still going backward, then every rank updates all weights.
public struct TrainingStep: Hashable, Sendable {
    /// Of a step on one rank by its number of samples: the update is the fixed part.
    public var cost: LinearCost
    /// Bytes that the reduction of one step carries from each rank.
    public var reducedBytes: Double
    /// The share of a sample's time during which buckets of its gradient are complete and under way, 0 to 1.
    public var overlap: Double

    public init(cost: LinearCost, reducedBytes: Double, overlap: Double) {
        precondition((0...1).contains(overlap), "a share")
        (self.cost, self.reducedBytes, self.overlap) = (cost, reducedBytes, overlap)
    }

    /// The time of a step of `samples` samples over all ranks.
    public func time(samples: Int, ranks: Int, network: Network) -> StepTime {
        // The rank with the most samples decides.
        let share = (samples + ranks - 1) / ranks
        let reduction = network.allReduce(bytes: reducedBytes, ranks: ranks)
        return StepTime(
            computation: cost.seconds(Double(share)), communication: reduction,
            exposed: max(0, reduction - overlap * cost.perUnit))
    }
}
