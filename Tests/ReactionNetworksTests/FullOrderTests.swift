import Foundation
import HDF5
import ODE
import Testing
@testable import ReactionNetworks

@Suite(.serialized) struct FullOrderTests {
    /// Densities as they are after some time, away from zero.
    private func state(_ network: ReactionNetwork) throws -> (times: [Double], published: [Double]) {
        let file = try File.open(networkPath + "/osu2008-published.h5")
        defer { try? file.close() }
        let species = try file.root.dataset("species").readStrings()
        #expect(species == network.species.map(\.name))
        return (
            try file.root.dataset("time").read(Double.self, transfer: .independent),
            try file.root.dataset("abundance/log10").read(Double.self, transfer: .independent)
        )
    }

    @Test(arguments: [false, true]) func jacobianAgreesWithDifferences(isLogarithmic: Bool) throws {
        let network = try ReactionNetwork(json: networkPath + "/osu2008.json")
        let densities = MassAction(network, try #require(network.conditions))
        let system: any StiffSystem = isLogarithmic ? LogarithmicMassAction(densities) : densities
        let count = system.count
        let published = try state(network).published
        let y = (0..<count).map { isLogarithmic ? M_LN10 * published[50 * count + $0] : pow(10, published[50 * count + $0]) }
        var entries = [Double](repeating: 0, count: system.pattern.entryCount)
        system.linearize(at: 0, y, into: &entries)
        // The largest term of each row of the derivative, to whose rounding differences are true.
        let largest = (0..<count).map { row in
            (0..<count).reduce(0) { most, column in
                max(most, system.pattern.place(row: row, column: column).map { abs(entries[$0] * y[column]) } ?? 0)
            }
        }
        for column in 0..<count {
            // Products of densities are at most quadratic: central differences are exact but for rounding.
            let step = isLogarithmic ? 1e-4 : 0.5 * y[column]
            var ends = [[Double]](repeating: [Double](repeating: 0, count: count), count: 2)
            for (end, sign) in [1.0, -1.0].enumerated() {
                var moved = y
                moved[column] += sign * step
                system.differentiate(at: 0, moved, into: &ends[end])
            }
            for row in 0..<count {
                let difference = (ends[0][row] - ends[1][row]) / (2 * step)
                let value = system.pattern.place(row: row, column: column).map { entries[$0] } ?? 0
                #expect(
                    abs(value - difference) <= (isLogarithmic ? 1e-6 : 1e-12) * abs(value) + 1e-14 * largest[row] / step,
                    "\(row), \(column)")
            }
        }
    }

    /// The published trajectories, by every way to solve the network; elements and charge are kept.
    @Test(arguments: [
        FullOrderSolver.Options(), .init(linearAlgebra: .dense), .init(unknowns: .logarithms),
    ])
    func publishedTrajectories(_ options: FullOrderSolver.Options) throws {
        let network = try ReactionNetwork(json: networkPath + "/osu2008.json")
        let (times, published) = try state(network)
        let solver = try FullOrderSolver(network, options: options)
        let size = times.count * network.species.count
        var trajectory = [Double](repeating: 0, count: size)
        var errors: [Double] = []
        for first in stride(from: 0, to: published.count, by: size) {
            try published.withUnsafeBufferPointer {
                try solver.solve(
                    from: $0.baseAddress.unsafelyUnwrapped + first, try #require(network.conditions), times: times,
                    into: &trajectory)
            }
            errors += zip(trajectory, published[first...]).map { abs($0 - $1) }
            for (name, amounts) in network.conservedQuantities {
                func total(_ row: Int, _ amount: (Int) -> Int) -> Double {
                    (0..<amounts.count).reduce(0) { $0 + Double(amount(amounts[$1])) * pow(10, trajectory[row + $1]) }
                }
                // Of the charge, beside that of all ions.
                let scale = total(0) { abs($0) }
                let drift = abs(total(size - amounts.count) { $0 } - total(0) { $0 }) / scale
                #expect(drift < (options.unknowns == .logarithms ? 1e-5 : 1e-10), "\(name): \(drift)")
            }
        }
        errors.sort()
        let mean = errors.reduce(0, +) / Double(errors.count)
        #expect(mean < 1e-4 && errors[errors.count * 999 / 1000] < 1e-2, "\(mean), \(errors[errors.count - 1])")
    }
}
