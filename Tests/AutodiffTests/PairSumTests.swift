import Kernels
import Tensor
import Testing
@testable import Autodiff

/// Sums over pairs and over angles against finite differences to second order, and against the same sums recorded one
/// operation after the other.
struct PairSumTests {
    private func expectCorrect(
        _ points: [Tensor<Double>], over domain: RowDomain, sourceLocation: SourceLocation = #_sourceLocation,
        _ function: ([Variable<Double>]) -> Variable<Double>
    ) throws {
        let check = try GradientCheck(at: points, over: domain, of: function)
        #expect(check.firstOrderError < 1e-7, sourceLocation: sourceLocation)
        #expect(check.secondOrderError < 1e-6, sourceLocation: sourceLocation)
        #expect(check.forwardModeError < 1e-12, sourceLocation: sourceLocation)
    }

    /// Five atoms, of which each sees every other.
    @Test(arguments: [1, 2]) func pairs(_ elements: Int) throws {
        let atoms = RowDomain("atoms", capacity: 8, count: 5)
        let topology = PairTopology(over: atoms, capacity: 20)
        let (starts, neighbors) = allPairs(of: 5)
        topology.rebuild(starts: starts, neighbors: neighbors, directions: [Int32](repeating: 1, count: 20))
        let point = Tensor<Double>([8, 3], normal: 0.6, seed: 3)
        let basis = PairBasis(count: 3, cutoff: 2.5, amplitude: 6)
        try expectCorrect([point], over: atoms) {
            let tape = $0[0].tape
            return $0[0].summedOverPairs(
                topology, shifts: tape.constant(0, [2, 3]),
                occupancy: elements > 1 ? tape.constant(0.7, [8, elements], over: atoms) : nil, basis).squared
        }
    }

    /// The sums, the forces of an energy and their derivatives along a direction, beside those over rows of pairs.
    @Test func pairsAgreeWithRows() throws {
        let atoms = RowDomain("atoms", capacity: 8, count: 5)
        let rows = RowDomain("pairs", capacity: 20, count: 20)
        let topology = PairTopology(over: atoms, capacity: 20)
        let (starts, neighbors) = allPairs(of: 5)
        let directions = [Int32](repeating: 1, count: 20)
        topology.rebuild(starts: starts, neighbors: neighbors, directions: directions)
        let (centers, others) = (RowMap(from: atoms, to: rows), RowMap(from: atoms, to: rows))
        centers.rebuild((0..<20).map { Int32($0 / 4) })
        others.rebuild(neighbors)

        let tape = Tape<Double>()
        let place = tape.input("place", [8, 3], over: atoms)
        let along = tape.input("along", [8, 3], over: atoms)
        let difference = place.expanded(by: others) - place.expanded(by: centers)
        let distance = difference.rowDot(difference).applying(.squareRoot)
        let recorded = (6 * distance.expanded(in: .bessel(count: 3, cutoff: 2.5))
            .scaledByColumn(distance.expanded(in: .envelope(cutoff: 2.5)))).collected(by: centers)
        let fused = place.summedOverPairs(
            topology, shifts: tape.constant(0, [2, 3]), occupancy: nil, PairBasis(count: 3, cutoff: 2.5, amplitude: 6))
        var outputs: [Variable<Double>] = []
        for sums in [recorded, fused] {
            let force = tape.gradients(of: sums.squared.sum(), withRespectTo: [place])[0]
            outputs += [sums, force, tape.gradients(of: (force * along).sum(), withRespectTo: [place])[0]]
        }
        let program = Program(computing: outputs)
        program.set(place, Tensor([8, 3], normal: 0.6, seed: 3))
        program.set(along, Tensor([8, 3], normal: 1, seed: 4))
        try program.run()
        expectEqualHalves(outputs, of: program)
    }

    /// Compares the first half of some outputs with the second.
    private func expectEqualHalves(_ outputs: [Variable<Double>], of program: Program<Double>) {
        for index in 0..<(outputs.count / 2) {
            let expected = program.value(of: outputs[index])
            let found = program.value(of: outputs[outputs.count / 2 + index])
            let scale = (0..<expected.count).map { abs(expected[$0]) }.max() ?? 0
            #expect(scale > 0.1)
            for element in 0..<expected.count {
                #expect(abs(expected[element] - found[element]) < 1e-12 * scale, "output \(index), element \(element)")
            }
        }
    }

    private func allPairs(of count: Int) -> (starts: [Int32], neighbors: [Int32]) {
        ((0...count).map { Int32($0 * (count - 1)) },
         (0..<count).flatMap { one in (0..<count).filter { $0 != one }.map { Int32($0) } })
    }

    /// Bonds of four centers, one of which has none and one a single one.
    private func someAngles() -> AngleTopology {
        let atoms = RowDomain("atoms", capacity: 6, count: 4)
        let bonds = RowDomain("bonds", capacity: 10, count: 8)
        let sides = RowDomain("angles", capacity: 20, count: 18)
        let centers = RowMap(from: atoms, to: bonds)
        let centerOfBond: [Int32] = [0, 0, 0, 2, 3, 3, 3, 3]
        centers.rebuild(centerOfBond)
        let topology = AngleTopology(
            centers: centers, firstBond: RowMap(from: bonds, to: sides), secondBond: RowMap(from: bonds, to: sides))
        let list = (0..<8).flatMap { a in
            (0..<8).filter { $0 != a && centerOfBond[$0] == centerOfBond[a] }.map { (Int32(a), Int32($0)) }
        }
        topology.firstBond.rebuild(list.map(\.0))
        topology.secondBond.rebuild(list.map(\.1))
        return topology
    }

    private func points(_ channels: Int) -> [Tensor<Double>] {
        [
            Tensor([10, 2 * channels], normal: 1, seed: 3), Tensor([10, 3], normal: 0.5, seed: 4),
            Tensor([10, 1], normal: 1, seed: 5), Tensor([4, channels], normal: 1, seed: 6),
        ]
    }

    @Test(arguments: [3, 17]) func angles(_ channels: Int) throws {
        let topology = someAngles()
        try expectCorrect(points(channels), over: topology.centers.target) {
            $0[0].summedOverAngles(topology, directions: $0[1], weights: $0[2], cosines: $0[3], knots: [-0.3, 0.2], .silu).squared
        }
    }

    @Test(arguments: [3, 8, 17, 24], [Activation.silu, .tanh])
    func anglesAgreeWithRows(_ channels: Int, _ activation: Activation) throws {
        let topology = someAngles()
        let tape = Tape<Double>()
        let points = points(channels)
        let inputs = points.enumerated().map { index, point in
            tape.input("\(index)", point.shape, over: index < 3 ? topology.centers.target : nil)
        }
        var outputs: [Variable<Double>] = []
        for sums in [
            AngleSum.recorded(inputs, topology, [0.1], activation),
            inputs[0].summedOverAngles(
                topology, directions: inputs[1], weights: inputs[2], cosines: inputs[3], knots: [0.1], activation),
        ] {
            outputs += [sums] + tape.gradients(of: sums.squared.sum(), withRespectTo: inputs)
        }
        let program = Program(computing: outputs)
        for (input, point) in zip(inputs, points) { program.set(input, point) }
        try program.run()
        expectEqualHalves(outputs, of: program)
    }
}
