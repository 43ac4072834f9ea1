import Foundation
import ODE
import Testing

/// The kinetics of Robertson: rate constants that differ by nine orders of magnitude, with known solutions.
private final class Robertson: StiffSystem {
    let count = 3
    let pattern = JacobianPattern(count: 3, entries: [(0, 1), (0, 2), (1, 0), (1, 2), (2, 1)])

    func differentiate(at time: Double, _ y: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>) {
        derivative[0] = -0.04 * y[0] + 1e4 * y[1] * y[2]
        derivative[2] = 3e7 * y[1] * y[1]
        derivative[1] = -derivative[0] - derivative[2]
    }

    func linearize(at time: Double, _ y: UnsafePointer<Double>, into entries: UnsafeMutablePointer<Double>) {
        let slopes = [
            [-0.04, 1e4 * y[2], 1e4 * y[1]], [0.04, -1e4 * y[2] - 6e7 * y[1], -1e4 * y[1]], [0, 6e7 * y[1], 0],
        ]
        for column in 0..<3 {
            for entry in pattern.starts[column]..<pattern.starts[column + 1] {
                entries[entry] = slopes[pattern.rows[entry]][column]
            }
        }
    }
}

/// dy/dt = y^2 from 1: infinite at t = 1.
private final class Explosion: StiffSystem {
    let count = 1
    let pattern = JacobianPattern.dense(1)

    func differentiate(at time: Double, _ y: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>) {
        derivative[0] = y[0] * y[0]
    }

    func linearize(at time: Double, _ y: UnsafePointer<Double>, into entries: UnsafeMutablePointer<Double>) {
        entries[0] = 2 * y[0]
    }
}

@Suite struct StiffSolverTests {
    @Test(arguments: StiffSolver.LinearAlgebra.allCases) func robertson(_ linearAlgebra: StiffSolver.LinearAlgebra) throws {
        let solver = try StiffSolver(
            Robertson(), tolerances: .init(relative: 1e-8, absolute: [1e-10, 1e-14, 1e-10]), linearAlgebra: linearAlgebra)
        // Reference values of the literature (Hairer and Wanner, Solving Ordinary Differential Equations II).
        let expected: [(Double, [Double])] = [
            (0.4, [9.8517e-1, 3.3864e-5, 1.4794e-2]), (40, [7.1582e-1, 9.1850e-6, 2.8417e-1]),
            (4e4, [3.8984e-2, 1.6218e-7, 9.6102e-1]),
        ]
        var values = [1.0, 0, 0]
        for _ in 0..<2 {
            try solver.start(at: 0, [1, 0, 0])
            for (time, reference) in expected {
                try solver.advance(to: time, into: &values)
                for (value, wanted) in zip(values, reference) { #expect(abs(value / wanted - 1) < 1e-4) }
                #expect(abs(values.reduce(0, +) - 1) < 1e-12)
            }
        }
        #expect(solver.statistics.steps > 20 && solver.statistics.jacobians > 0)
    }

    @Test func failuresNameTheTime() throws {
        let solver = try StiffSolver(
            Explosion(), tolerances: .init(relative: 1e-6, absolute: 1e-9), mostSteps: 100_000)
        try solver.start(at: 0, [1])
        var value = 0.0
        try solver.advance(to: 0.5, into: &value)
        #expect(abs(value - 2) < 1e-4)
        let error = #expect(throws: ODEError.self) { try solver.advance(to: 2, into: &value) }
        #expect(abs((error?.time ?? 0) - 1) < 1e-2 && error?.description.contains("t = ") == true)
        // The solver goes on with another problem.
        try solver.start(at: 0, [-1])
        try solver.advance(to: 1, into: &value)
        #expect(abs(value + 0.5) < 1e-5)

        let impatient = try StiffSolver(
            Robertson(), tolerances: .init(relative: 1e-8, absolute: 1e-12), mostSteps: 5)
        try impatient.start(at: 0, [1, 0, 0])
        var values = [0.0, 0, 0]
        let busy = #expect(throws: ODEError.self) { try impatient.advance(to: 1e6, into: &values) }
        #expect(busy?.reason.contains("too many steps") == true)
    }
}
