import Diagnostics
import Foundation
import MPI
import ODE

/// Trajectories of a network from given densities: solved over ranks, each taking the next one when it is done with the last.
public enum TrajectoryGeneration {
    /// Where trajectories begin.
    public struct Start: Sendable {
        /// log10 of cm^-3, in the network's order. [trajectory, species]
        public var log10: [Double]
        /// [trajectory]
        public var conditions: [Conditions]

        public init(log10: [Double], conditions: [Conditions]) {
            (self.log10, self.conditions) = (log10, conditions)
        }
    }

    /// What was done.
    public struct Summary: Sendable, Equatable {
        public var trajectories = 0
        /// That were there already.
        public var found = 0
        public var steps = 0
        /// Largest change of an element or the charge from the first time to the last, over that of all atoms or ions.
        public var conservationDrift = 0.0
    }

    /// Solves and writes. Collective.
    ///
    /// - Parameter progress: called on each rank with the number of trajectories that all have begun.
    /// - Throws: on every rank, `ODEError` of a trajectory with its number and time; what the others solved is kept for the next
    ///   attempt. As `AbundanceWriter`.
    public static func run(
        _ network: ReactionNetwork, _ start: Start, times: [Double], options: FullOrderSolver.Options,
        provenance: [(name: String, value: String)], output: String, communicator: Communicator,
        progress: ((Int) -> Void)? = nil
    ) throws -> Summary {
        let (count, species) = (start.conditions.count, network.species.count)
        let writer = try AbundanceWriter(
            output, .init(
                species: network.species.map(\.name), times: times, temperatures: start.conditions.map(\.temperature),
                ionizationRates: start.conditions.map(\.ionizationRate), provenance: provenance),
            communicator: communicator)
        let todo = (0..<count).filter { !writer.isDone[$0] }
        let solver = try communicator.agree { try FullOrderSolver(network, options: options) }
        let counter = try SharedCounter(communicator)
        var summary = Summary()
        // Of the lowest trajectory that failed here.
        var failure: (trajectory: Int, error: any Error)?
        var trajectory = [Double](repeating: 0, count: times.count * species)
        let conserved = network.conservedQuantities
        while true {
            let next = try counter.raise()
            guard next < todo.count else { break }
            progress?(count - todo.count + next)
            let index = todo[next]
            do {
                try start.log10.withUnsafeBufferPointer {
                    try solver.solve(
                        from: $0.baseAddress.unsafelyUnwrapped + index * species, start.conditions[index], times: times,
                        into: &trajectory)
                }
                try trajectory.withUnsafeBufferPointer { try writer.write(index, $0) }
                summary.trajectories += 1
                summary.steps += solver.statistics.steps
                for (_, amounts) in conserved {
                    summary.conservationDrift = max(
                        summary.conservationDrift, drift(of: amounts, trajectory, first: 0, last: times.count - 1))
                }
            } catch {
                let failed = (error as? ODEError).map {
                    TrajectoryFailure(trajectory: index, time: $0.time, reason: $0.reason)
                }
                failure = failure ?? (index, failed ?? error)
            }
        }
        progress?(count)
        try counter.free()
        let lowest = try communicator.allReduce(failure?.trajectory ?? count, .minimum)
        try writer.close(isWhole: lowest == count)
        try communicator.agree { if let failure, failure.trajectory == lowest { throw failure.error } }
        return Summary(
            trajectories: try communicator.allReduce(summary.trajectories, .sum), found: count - todo.count,
            steps: try communicator.allReduce(summary.steps, .sum),
            conservationDrift: try communicator.allReduce(summary.conservationDrift, .maximum))
    }

    /// How far a sum that no reaction changes moves between two times, over the sum of its absolute parts.
    ///
    /// - Parameters:
    ///   - amounts: of each species.
    ///   - trajectory: log10. [time, species]
    static func drift(of amounts: [Int], _ trajectory: [Double], first: Int, last: Int) -> Double {
        func total(_ time: Int, _ amount: (Int) -> Int) -> Double {
            amounts.indices.reduce(0) {
                $0 + Double(amount(amounts[$1])) * pow(10, trajectory[time * amounts.count + $1])
            }
        }
        let scale = total(first) { abs($0) }
        return scale == 0 ? 0 : abs(total(last) { $0 } - total(first) { $0 }) / scale
    }
}

/// A trajectory that could not be solved.
public struct TrajectoryFailure: SAGESError, Equatable {
    /// From 0.
    public let trajectory: Int
    /// yr
    public let time: Double
    public let reason: String

    public var exitStatus: ExitStatus { .internal }
    public var description: String { "trajectory \(trajectory) ended at \(time) yr: \(reason)" }
}
