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

/// The dense convolution against finite differences, for kernels 1 and 3, strides 1 and 2, and both boundaries.
struct GridConvolutionTests {
    @Test(arguments: [(1, 1), (3, 1), (1, 2), (3, 2)], [true, false])
    func gridConvolution(_ sizes: (kernel: Int, stride: Int), _ periodic: Bool) throws {
        let boundary = (z: periodic, y: !periodic, x: periodic)
        // Periodic grids of stride 2 need even extents.
        let extents = CellExtents(z: sizes.stride == 2 ? 2 : 3, y: 2, x: sizes.stride == 2 ? 4 : 3)
        let coarse = CellExtents(z: (extents.z + sizes.stride - 1) / sizes.stride, y: 2 / sizes.stride,
                                 x: (extents.x + sizes.stride - 1) / sizes.stride)
        let input = GridTopology("fine", extents: extents, samples: 2, periodic: boundary)
        let output = sizes.stride == 1 ? input : GridTopology("coarse", extents: coarse, samples: 2, periodic: boundary)
        let convolution = GridConvolution(from: input, to: output, kernel: sizes.kernel, stride: sizes.stride)
        let taps = sizes.kernel * sizes.kernel * sizes.kernel
        let x = Tensor<Double>([2 * extents.count, 3], normal: 1, seed: 5)
        let w = Tensor<Double>([taps, 3, 2], normal: 0.3, seed: 6)
        let check = try GradientCheck(at: [x, w]) { $0[0].gridConvolution($0[1], convolution).applying(.tanh) }
        #expect(check.firstOrderError < 1e-8)
        #expect(check.secondOrderError < 1e-7)
        #expect(check.forwardModeError < 1e-12)
    }
}
