import Foundation
import Testing

@testable import Kernels

/// The vector functions against the C library's in higher precision, and at the edges of their domains.
@Suite struct VectorMathTests {
    /// Largest error of `values` against `exact`, in units in the last place of the exact result.
    private func largestError<T: KernelScalar>(
        over arguments: [T], _ function: (T) -> T, _ exact: (Float80) -> Float80
    ) -> Float80 {
        arguments.map { x in
            let expected = exact(Float80(x))
            let unit = Float80(Swift.max(T(expected).magnitude, T.leastNormalMagnitude).ulp)
            return (Float80(function(x)) - expected).magnitude / unit
        }.max()!
    }

    private func grid<T: KernelScalar>(_ low: T, _ high: T, _ count: Int = 40_001) -> [T] {
        (0..<count).map { low + (high - low) * T($0) / T(count - 1) }
    }

    /// `low` is a normal number: below it a product may not grow.
    private func logarithmicGrid<T: KernelScalar>(_ low: T, _ factor: T, below high: T) -> [T] {
        Array(sequence(first: low) { $0 * factor < high ? $0 * factor : nil })
    }

    private func exactSigmoid(_ x: Float80) -> Float80 { 1 / (1 + Foundation.exp(-x)) }

    @Test func singlePrecisionErrors() {
        #expect(largestError(over: grid(-103, 88.72), Float.exp, { Foundation.exp($0) }) < 1.1)
        #expect(largestError(over: logarithmicGrid(1.2e-38, 1.01, below: 1e38), Float.log, { Foundation.log($0) }) < 1.1)
        #expect(largestError(over: grid(Float.leastNonzeroMagnitude, 1.2e-38), Float.log, { Foundation.log($0) }) < 1.1)
        #expect(largestError(over: grid(0.5, 2), Float.log, { Foundation.log($0) }) < 1.1)
        #expect(largestError(over: grid(-12, 12), Float.tanh, { Foundation.tanh($0) }) < 2.5)
        #expect(largestError(over: logarithmicGrid(1e-30, 1.01, below: 1), Float.tanh, { Foundation.tanh($0) }) < 2.5)
        #expect(largestError(over: grid(-87, 103), Float.sigmoid, exactSigmoid) < 2.5)
        // Where the exact value is subnormal, it or 0.
        for x in grid(-110, Float(-87.4)) {
            #expect(Float.sigmoid(x) == 0 || abs(Float.sigmoid(x) / Float(exactSigmoid(Float80(x))) - 1) < 1e-6)
        }
    }

    @Test func doublePrecisionErrors() {
        // 1e-15 relative is 4.5 to 9 units in the last place; these stay far below.
        #expect(largestError(over: grid(-744, 709.7), Double.exp, { Foundation.exp($0) }) < 1.1)
        #expect(largestError(over: logarithmicGrid(2.3e-308, 1.1, below: 1e307), Double.log, { Foundation.log($0) }) < 1.1)
        #expect(largestError(over: grid(Double.leastNonzeroMagnitude, 2.3e-308), Double.log, { Foundation.log($0) }) < 1.1)
        #expect(largestError(over: grid(0.5, 2), Double.log, { Foundation.log($0) }) < 1.1)
        #expect(largestError(over: grid(-25, 25), Double.tanh, { Foundation.tanh($0) }) < 2.5)
        #expect(largestError(over: logarithmicGrid(1e-300, 1.1, below: 1), Double.tanh, { Foundation.tanh($0) }) < 2.5)
        #expect(largestError(over: grid(-744, 744), Double.sigmoid, exactSigmoid) < 2)
    }

    private func checkExtremes<T: KernelScalar>(_: T.Type) {
        #expect(T.exp(T.infinity) == .infinity && T.exp(-T.infinity) == 0)
        #expect(T.exp(T.greatestFiniteMagnitude) == .infinity && T.exp(-T.greatestFiniteMagnitude) == 0)
        #expect(T.exp(T(0)) == 1 && T.exp(T.nan).isNaN)
        #expect(T.log(T(0)) == -.infinity && T.log(-T(0)) == -.infinity && T.log(T.infinity) == .infinity)
        #expect(T.log(T(1)) == 0 && T.log(T(-1)).isNaN && T.log(-T.infinity).isNaN && T.log(T.nan).isNaN)
        #expect(T.tanh(T.infinity) == 1 && T.tanh(-T.infinity) == -1 && T.tanh(T.nan).isNaN)
        #expect(T.tanh(T.greatestFiniteMagnitude) == 1 && T.tanh(-T.greatestFiniteMagnitude) == -1)
        #expect(T.tanh(T(0)).sign == .plus && T.tanh(-T(0)).sign == .minus && T.tanh(-T(0)) == 0)
        #expect(T.tanh(T.leastNormalMagnitude) == .leastNormalMagnitude)
        #expect(T.sigmoid(T.infinity) == 1 && T.sigmoid(-T.infinity) == 0 && T.sigmoid(T.nan).isNaN)
        #expect(T.sigmoid(T.greatestFiniteMagnitude) == 1 && T.sigmoid(-T.greatestFiniteMagnitude) == 0)
        #expect(T.sigmoid(T(0)) == 0.5)
    }

    @Test func extremes() {
        checkExtremes(Float.self)
        checkExtremes(Double.self)
    }

    /// A lane's bits do not depend on which lane it is nor on the other lanes.
    private func checkLanes<T: KernelScalar>(_: T.Type, _ vector: (T.Vector) -> T.Vector, _ scalar: (T) -> T) {
        var state: UInt64 = 7
        for _ in 0..<500 {
            var x = T.Vector()
            for lane in x.indices {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                x[lane] = (T(state >> 33) / T(1 << 31) - 0.5) * T(lane.isMultiple(of: 3) ? 2 : 180)
            }
            let y = vector(x)
            for lane in x.indices { #expect(y[lane] == scalar(x[lane]) || (y[lane].isNaN && x[lane] < 0)) }
        }
    }

    @Test func lanesAgreeWithScalars() {
        checkLanes(Float.self, Float.exp, Float.exp)
        checkLanes(Float.self, Float.log, Float.log)
        checkLanes(Float.self, Float.tanh, Float.tanh)
        checkLanes(Float.self, Float.sigmoid, Float.sigmoid)
        checkLanes(Double.self, Double.exp, Double.exp)
        checkLanes(Double.self, Double.log, Double.log)
        checkLanes(Double.self, Double.tanh, Double.tanh)
        checkLanes(Double.self, Double.sigmoid, Double.sigmoid)
    }
}
