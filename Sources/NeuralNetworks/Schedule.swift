import Foundation

/// The learning rate as a function of the step.
public struct Schedule: Hashable, Sendable {
    public enum Decay: String, Hashable, Sendable, CaseIterable {
        case constant
        /// From the peak to the final rate along half a cosine.
        case cosine
        /// From the peak to the final rate in equal ratios.
        case exponential
    }

    /// The rate after warm-up.
    public var peak: Double
    /// The rate at the last step; unused by `.constant`.
    public var final: Double
    /// Steps over which the rate rises linearly from peak / (warmup + 1).
    public var warmup: Int
    public var decay: Decay

    public init(peak: Double, final: Double = 0, warmup: Int = 0, decay: Decay = .cosine) {
        (self.peak, self.final, self.warmup, self.decay) = (peak, final, warmup, decay)
    }

    /// The learning rate of a step, counted from 0, of a training of `total` steps.
    public func rate(at step: Int, of total: Int) -> Double {
        if step < warmup { return peak * Double(step + 1) / Double(warmup + 1) }
        let progress = min(1, Double(step - warmup) / Double(max(1, total - 1 - warmup)))
        switch decay {
        case .constant: return peak
        case .cosine: return final + (peak - final) * 0.5 * (1 + cos(Double.pi * progress))
        case .exponential: return peak * pow(max(final, 1e-300) / peak, progress)
        }
    }
}
