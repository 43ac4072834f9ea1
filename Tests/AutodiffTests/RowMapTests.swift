import Autodiff
import Kernels
import Tensor
import Testing

/// Rows that belong to other rows, and functions of distances, against finite differences to second order.
struct RowMapTests {
    private func expectCorrect(
        _ points: [Tensor<Double>], over domain: RowDomain, steepness: Double = 1,
        sourceLocation: SourceLocation = #_sourceLocation, _ function: ([Variable<Double>]) -> Variable<Double>
    ) throws {
        let check = try GradientCheck(at: points, over: domain, of: function)
        #expect(check.firstOrderError < 1e-8 * steepness, sourceLocation: sourceLocation)
        #expect(check.secondOrderError < 1e-7 * steepness, sourceLocation: sourceLocation)
        #expect(check.forwardModeError < 1e-12, sourceLocation: sourceLocation)
    }

    /// Nine rows of sixteen that belong to four of six, one of which has none.
    private func map() -> RowMap {
        let source = RowDomain("atoms", capacity: 6, count: 4)
        let target = RowDomain("edges", capacity: 16, count: 9)
        let map = RowMap(from: source, to: target)
        map.rebuild([2, 0, 0, 3, 2, 2, 0, 3, 0])
        return map
    }

    @Test(arguments: [3, 16, 21]) func expansionAndCollection(_ columns: Int) throws {
        let map = map()
        let atoms = Tensor<Double>([6, columns], normal: 1, seed: 3)
        let edges = Tensor<Double>([16, columns], normal: 1, seed: 4)
        try expectCorrect([atoms], over: map.source) { $0[0].squared.expanded(by: map).squared }
        try expectCorrect([edges], over: map.target) { $0[0].squared.collected(by: map).squared }

        let tape = Tape<Double>()
        let (x, y) = (
            tape.input("atoms", atoms.shape, over: map.source), tape.input("edges", edges.shape, over: map.target)
        )
        let (expanded, collected) = (x.expanded(by: map), y.collected(by: map))
        let program = Program(computing: [expanded, collected])
        program.set(x, atoms)
        program.set(y, edges)
        try program.run()
        let (long, short) = (program.value(of: expanded), program.value(of: collected))
        #expect(long.shape == [9, columns] && short.shape == [4, columns])
        for column in 0..<columns {
            #expect(long[3 * columns + column] == atoms[3 * columns + column])
            #expect(long[5 * columns + column] == atoms[2 * columns + column])
            #expect(short[1 * columns + column] == 0)
            let third = edges[0 * columns + column] + edges[4 * columns + column] + edges[5 * columns + column]
            #expect(abs(short[2 * columns + column] - third) < 1e-15 * 10)
        }
    }

    @Test func partners() throws {
        let domain = RowDomain("edges", capacity: 8, count: 6)
        let pairing = RowPairing(over: domain)
        pairing.rebuild([3, 2, 1, 0, 5, 4], ghostRows: 0)
        let point = Tensor<Double>([8, 5], normal: 1, seed: 5)
        let weights = Tensor<Double>([8, 5], normal: 1, seed: 6)
        try expectCorrect([point, weights], over: domain) { $0[0].squared.ofPartners(pairing) * $0[1] }
    }

    @Test(arguments: [
        RadialFunction.bessel(count: 12, cutoff: 2), .bessel(count: 1, cutoff: 3.2), .envelope(cutoff: 2),
        .chebyshev(count: 5), .chebyshev(count: 2, knots: [-0.5, 0.1]),
    ]) func radial(_ function: RadialFunction) throws {
        // 37 rows: full vectors and a tail.
        let domain = RowDomain("edges", capacity: 37, count: 37)
        var point = Tensor<Double>([37, 1])
        var isOfCosines = false
        if case .chebyshev = function { isOfCosines = true }
        for row in 0..<37 { point[row] = isOfCosines ? -0.97 + 0.053 * Double(row) : 0.9 + 0.047 * Double(row) }
        // The third derivatives, by which differences err, grow with the cube of the number of functions.
        try expectCorrect([point], over: domain, steepness: 3) { $0[0].expanded(in: function).squared }
    }

    @Test func valuesOfRadialFunctions() throws {
        let distances: [Float] = [0.3, 1.1, 1.54, 1.999, 2.0, 2.3]
        let tape = Tape<Float>()
        let r = tape.input("r", [6, 1])
        let bessel = r.expanded(in: .bessel(count: 8, cutoff: 2))
        let envelope = r.expanded(in: .envelope(cutoff: 2))
        let polynomials = r.expanded(in: .chebyshev(count: 4))
        let program = Program(computing: [bessel, envelope, polynomials])
        for (row, distance) in distances.enumerated() { program.pointer(to: r)[row] = distance }
        try program.run()
        for (row, distance) in distances.enumerated() {
            let x = Double(distance)
            for n in 1...8 {
                let expected = sine(Double(n) * Double.pi * x / 2) / x
                #expect(abs(Double(program.value(of: bessel)[row * 8 + n - 1]) - expected) < 4e-6 * Double(n))
            }
            let rest = max(0, 1 - x * x / 4)
            #expect(abs(Double(program.value(of: envelope)[row]) - rest * rest * rest) < 1e-6)
            #expect(abs(Double(program.value(of: polynomials)[row * 4 + 2]) - (4 * x * x * x - 3 * x)) < 1e-4)
        }
        #expect(program.value(of: envelope)[4] == 0 && program.value(of: envelope)[5] == 0)
    }

    /// By its series, independent of the kernels'.
    private func sine(_ x: Double) -> Double {
        var (term, sum) = (x, x)
        for n in 1...60 {
            term *= -x * x / Double(2 * n * (2 * n + 1))
            sum += term
        }
        return sum
    }
}
