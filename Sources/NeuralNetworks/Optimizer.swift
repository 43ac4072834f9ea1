/// A rule for changing parameters by their gradients, as data; `OptimizerState` does it.
public enum Optimizer: Hashable, Sendable {
    /// w <- w - rate v, with v <- momentum v + g.
    case sgd(momentum: Double)
    /// Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019): m and v are running means
    /// of g and g^2; w <- w - rate (m' / (sqrt(v') + epsilon) + decay w), m' and v' corrected for their start at 0.
    case adamW(beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double)
    /// Adam in the eigenbasis of Shampoo's preconditioner.
    case soap(SOAP)

    /// Adam with its usual constants and no weight decay.
    public static let adam = Optimizer.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0)

    /// How many arenas of the parameters' layout it keeps.
    var momentCount: Int {
        switch self {
        case .sgd: 1
        case .adamW, .soap: 2
        }
    }
}

/// SOAP (Vyas et al. 2024, arXiv:2409.11321): Adam in the eigenbasis of Shampoo's preconditioner.
///
/// For a matrix W with gradient G, L <- beta2 L + (1 - beta2) G G^T and R <- beta2 R + (1 - beta2) G^T G have the
/// eigenvectors Q_L and Q_R, and G' = Q_L^T G Q_R is the rotated gradient. Adam's v is the running mean of G'^2; its m is
/// that of G, and is rotated when it is used:
///
///     W <- W - rate (Q_L (m' / (sqrt(v') + epsilon)) Q_R^T + decay W)
///
/// Every axis of a tensor has such a matrix: a convolution's weights [offsets, inputs, outputs] have three, each over all
/// elements of the other two axes. One pair of matrices for each offset would see 27 times less gradient and cost 27 times
/// the decompositions; offsets and inputs as one axis would be too long to precondition. Axes of one element, or of more
/// than `largestSide`, are left as they are; vectors get Adam.
///
/// The first step finds the bases and changes no weights; later, every `preconditionEvery` steps, one power iteration
/// and a QR decomposition follow the matrices. As published, so is the order: weights first, then matrices and bases.
public struct SOAP: Hashable, Sendable {
    /// Decay of the mean gradient.
    public var beta1: Double
    /// Decay of the mean squared gradient, and of the matrices.
    public var beta2: Double
    /// Added to the root of the mean squared gradient.
    public var epsilon: Double
    public var weightDecay: Double
    /// Steps between new bases.
    public var preconditionEvery: Int
    /// The longest axis that is preconditioned.
    public var largestSide: Int

    public init(
        beta1: Double = 0.95, beta2: Double = 0.95, epsilon: Double = 1e-8, weightDecay: Double = 0.01,
        preconditionEvery: Int = 10, largestSide: Int = 512
    ) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.preconditionEvery = preconditionEvery
        self.largestSide = largestSide
    }
}
