import Foundation
import ODE

/// Solves a network for densities over time with CVODE.
///
/// One trajectory after the other; each is the same whatever came before. To be used from one thread at a time.
public final class FullOrderSolver {
    /// The unknowns of the differential equations.
    public enum Unknowns: String, Sendable, CaseIterable {
        /// Densities: elements and charge are conserved to rounding.
        case densities
        /// Their logarithms.
        case logarithms
    }

    public struct Options: Sendable, Equatable {
        public var unknowns: Unknowns
        public var linearAlgebra: StiffSolver.LinearAlgebra
        /// Of densities, or of what logarithms are of.
        public var relativeTolerance: Double
        /// Of densities, cm^-3: what is less is not resolved, and is written as this. Logarithms have none.
        public var absoluteTolerance: Double

        public init(
            unknowns: Unknowns = .densities, linearAlgebra: StiffSolver.LinearAlgebra = .sparse,
            relativeTolerance: Double = 1e-8, absoluteTolerance: Double = 1e-22
        ) {
            (self.unknowns, self.linearAlgebra) = (unknowns, linearAlgebra)
            (self.relativeTolerance, self.absoluteTolerance) = (relativeTolerance, absoluteTolerance)
        }
    }

    /// Of 365 days, as the published trajectories have it.
    public static let secondsPerYear = 365.0 * 86_400

    public let network: ReactionNetwork
    public let options: Options
    private let system: MassAction
    private let solver: StiffSolver

    /// - Throws: `ODEError`.
    public init(_ network: ReactionNetwork, options: Options = Options()) throws {
        self.network = network
        self.options = options
        system = MassAction(network, network.conditions ?? Conditions(temperature: 300, ionizationRate: 0))
        switch options.unknowns {
        case .densities:
            solver = try StiffSolver(
                system,
                tolerances: .init(relative: options.relativeTolerance, absolute: options.absoluteTolerance),
                linearAlgebra: options.linearAlgebra,
                invariants: network.conservedQuantities.map { $0.amounts.map(Double.init) })
        case .logarithms:
            solver = try StiffSolver(
                LogarithmicMassAction(system), tolerances: .init(relative: 0, absolute: options.relativeTolerance),
                linearAlgebra: options.linearAlgebra)
        }
    }

    /// Of the last trajectory.
    public var statistics: StiffSolver.Statistics { solver.statistics }

    /// Solves for one trajectory.
    ///
    /// - Parameters:
    ///   - start: log10 of the densities, cm^-3, at the first time. [species]
    ///   - times: yr, ascending.
    ///   - trajectory: log10 of the densities, cm^-3. [times, species]
    /// - Throws: `ODEError` with the time, yr, that was reached.
    public func solve(
        from start: UnsafePointer<Double>, _ conditions: Conditions, times: [Double],
        into trajectory: UnsafeMutablePointer<Double>
    ) throws {
        let count = network.species.count
        system.setConditions(conditions, of: network)
        let isLogarithmic = options.unknowns == .logarithms
        var values = (0..<count).map { isLogarithmic ? start[$0] * M_LN10 : pow(10, start[$0]) }
        do {
            try solver.start(at: times[0] * FullOrderSolver.secondsPerYear, values)
            for (index, time) in times.enumerated() {
                try solver.advance(to: time * FullOrderSolver.secondsPerYear, into: &values)
                let row = trajectory + index * count
                for species in 0..<count {
                    row[species] = isLogarithmic
                        ? values[species] / M_LN10 : log10(max(values[species], options.absoluteTolerance))
                }
            }
        } catch let error as ODEError {
            throw ODEError(reason: error.reason, time: error.time / FullOrderSolver.secondsPerYear)
        }
    }
}
