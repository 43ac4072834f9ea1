import Autodiff
import Kernels
import Tensor
import Testing

/// Every rule against finite differences to second order, and forward against reverse mode.
struct RuleTests {
    private func point(_ shape: Shape, _ stream: UInt64, offset: Double = 0) -> Tensor<Double> {
        var tensor = Tensor<Double>(shape, normal: 1, seed: 3, stream: stream)
        if offset != 0 { for index in 0..<tensor.count { tensor[index] = offset + abs(tensor[index]) } }
        return tensor
    }

    private func expectCorrect(
        _ points: [Tensor<Double>], over domain: RowDomain? = nil, secondOrder: Bool = true,
        sourceLocation: SourceLocation = #_sourceLocation, _ function: ([Variable<Double>]) -> Variable<Double>
    ) throws {
        let check = try GradientCheck(at: points, over: domain, secondOrder: secondOrder, of: function)
        #expect(check.firstOrderError < 1e-8, sourceLocation: sourceLocation)
        #expect(check.secondOrderError < 1e-7, sourceLocation: sourceLocation)
        #expect(check.forwardModeError < 1e-12, sourceLocation: sourceLocation)
    }

    @Test func arithmetic() throws {
        let (a, b) = (point([5, 3], 1), point([5, 3], 2, offset: 0.7))
        try expectCorrect([a, b]) { ($0[0] + $0[1]).squared }
        try expectCorrect([a, b]) { ($0[0] - $0[1]) * $0[0] }
        try expectCorrect([a, b]) { $0[0] * $0[1] * $0[0] }
        try expectCorrect([a, b]) { $0[0] / $0[1] }
        try expectCorrect([a]) { (2.5 * $0[0] + 1).squared }
    }

    @Test(arguments: Activation.allCases) func activation(_ function: Activation) throws {
        // 37 elements: full vectors and a tail; away from zero, where some have a kink or a pole.
        try expectCorrect([point([37, 1], 4, offset: 0.4)]) { $0[0].applying(function) * $0[0] }
        guard ![.logarithm, .squareRoot, .inverseSquareRoot, .reciprocal].contains(function) else { return }
        try expectCorrect([point([37, 1], 5)], secondOrder: function != .relu) { $0[0].applying(function) * $0[0] }
    }

    @Test func broadcasting() throws {
        let (a, row, column) = (point([6, 5], 1), point([5], 2), point([6, 1], 3))
        try expectCorrect([a, row]) { $0[0].addingRow($0[1]).squared }
        try expectCorrect([a, column]) { $0[0].scaledByColumn($0[1]).squared }
        try expectCorrect([a]) { $0[0].squared.summedOverRows().squared }
        try expectCorrect([a]) { $0[0].squared.summedOverColumns().squared }
        try expectCorrect([a, row]) { $0[1].squared.repeatedOverRows(like: $0[0]) * $0[0] }
        try expectCorrect([a]) { $0[0].rowDot($0[0].squared) }
        try expectCorrect([a]) { $0[0].squared.sum().spread(like: $0[0]) * $0[0] }
    }

    /// Columns that fill vectors of 16 bytes and that do not.
    @Test(arguments: [1, 3, 4, 6]) func rowTensors(columns: Int) throws {
        let (a, b, y) = (point([5, 3], 1), point([5, columns], 2), point([5, 3 * columns], 3))
        try expectCorrect([a, b]) { $0[0].tensorProduct($0[1]).squared }
        try expectCorrect([y, a]) { $0[0].contractedOverFirst(with: $0[1]).squared }
        try expectCorrect([y, b]) { $0[0].contractedOverSecond(with: $0[1]).squared }
        try expectCorrect([a]) { $0[0].tensorProduct($0[0]).contractedOverFirst(with: $0[0]) }
    }

    @Test func columns() throws {
        let (a, b) = (point([4, 7], 1), point([4, 3], 2))
        try expectCorrect([a]) { $0[0][columns: 2..<5].squared }
        try expectCorrect([a, b]) { Variable.concatenating([$0[0], $0[1], $0[0]]).squared }
    }

    @Test(arguments: [ProductBackend.kernel, .library]) func rowProduct(_ backend: ProductBackend) throws {
        try expectCorrect([point([7, 5], 1), point([5, 19], 2)]) {
            $0[0].rowProduct($0[1], backend: backend).applying(.tanh)
        }
    }

    @Test(arguments: ConvolutionForm.allCases) func neighborConvolution(_ form: ConvolutionForm) throws {
        // Six occupied cells of a periodic row of eight; the domain has room for more.
        let domain = RowDomain("cells", capacity: 9)
        let topology = NeighborTopology(over: domain, offsets: 3, form: form)
        let rows: [Int32] = [0, 1, -1, 2, 3, 4, -1, 5]
        var neighbors: [Int32] = []
        for cell in 0..<8 where rows[cell] >= 0 { for offset in -1...1 { neighbors.append(rows[(cell + offset + 8) % 8]) } }
        topology.rebuild(neighbors: neighbors, ownedRows: 6, ghostRows: 0)
        #expect(topology.pairCount == 14)
        try expectCorrect([point([9, 4], 1), point([3, 4, 5], 2)], over: domain) {
            $0[0].neighborConvolution($0[1], topology).applying(.tanh)
        }
    }
}
