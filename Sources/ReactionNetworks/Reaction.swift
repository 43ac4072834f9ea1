import Foundation

/// How the rate coefficient of a reaction depends on the surroundings.
public enum RateLaw: Hashable, Sendable {
    /// alpha (T / 300 K)^beta exp(-gamma / T); cm^3/s for two reactants, 1/s for one.
    case arrhenius(alpha: Double, beta: Double, gamma: Double)
    /// alpha zeta, 1/s, with the cosmic-ray ionization rate zeta.
    case cosmicRay(alpha: Double)
    /// alpha G0 exp(-gamma A_V), 1/s, in the radiation field G0 behind the extinction A_V.
    case photo(alpha: Double, gamma: Double)
    /// alpha share (0.62 + 0.4767 gamma (300 K / T)^1/2), cm^3/s: of ions with polar molecules, below the temperature at which the
    /// polarizability counts more than the dipole (Woon and Herbst 2009).
    case ionPolar(alpha: Double, share: Double, gamma: Double)
    /// alpha share (1 + 0.0967 gamma (300 K / T)^1/2 + gamma^2 / 10.526 300 K / T), cm^3/s: above it.
    case ionPolarHot(alpha: Double, share: Double, gamma: Double)

    /// alpha.
    public var prefactor: Double {
        switch self {
        case .arrhenius(let alpha, _, _), .cosmicRay(let alpha), .photo(let alpha, _), .ionPolar(let alpha, _, _),
            .ionPolarHot(let alpha, _, _): alpha
        }
    }

    /// The rate coefficient.
    public func coefficient(_ conditions: Conditions) -> Double {
        switch self {
        case .arrhenius(let alpha, let beta, let gamma):
            alpha * pow(conditions.temperature / 300, beta) * exp(-gamma / conditions.temperature)
        case .cosmicRay(let alpha): alpha * conditions.ionizationRate
        case .photo(let alpha, let gamma): alpha * conditions.radiation * exp(-gamma * conditions.extinction)
        case .ionPolar(let alpha, let share, let gamma):
            alpha * share * (0.62 + 0.4767 * gamma * (300 / conditions.temperature).squareRoot())
        case .ionPolarHot(let alpha, let share, let gamma):
            alpha * share * (1 + 0.0967 * gamma * (300 / conditions.temperature).squareRoot()
                + gamma * gamma / 10.526 * 300 / conditions.temperature)
        }
    }
}

/// The surroundings of a gas that reacts.
public struct Conditions: Hashable, Sendable {
    /// K
    public var temperature: Double
    /// Of H2 or of the network's reference by cosmic rays, 1/s.
    public var ionizationRate: Double
    /// The far-ultraviolet field in units of the interstellar one (G0).
    public var radiation: Double
    /// Visual, A_V, magnitudes.
    public var extinction: Double

    public init(temperature: Double, ionizationRate: Double, radiation: Double = 0, extinction: Double = 0) {
        (self.temperature, self.ionizationRate) = (temperature, ionizationRate)
        (self.radiation, self.extinction) = (radiation, extinction)
    }
}

/// A reaction between species of a network, by mass action: its rate is the coefficient times the densities of its reactants.
public struct Reaction: Hashable, Sendable {
    /// Indices of species; one that takes part twice is there twice. One to three reactants.
    public let reactants, products: [Int]
    public let law: RateLaw
    /// K; nil for all. Of several laws of one reaction for different temperatures, one counts (`ReactionNetwork.coefficients`).
    public let temperatures: ClosedRange<Double>?

    public init(reactants: [Int], products: [Int], law: RateLaw, temperatures: ClosedRange<Double>? = nil) {
        (self.reactants, self.products, self.law) = (reactants, products, law)
        self.temperatures = temperatures
    }
}
