import Kernels
import Tensor
import Testing

@testable import Autodiff

/// The dense convolution by Winograd's algorithm against finite differences, wherever its tiles begin.
struct ConvolutionAlgorithmRuleTests {
    @Test(arguments: [true, false], [0, 1])
    func winograd(_ periodic: Bool, _ parity: Int) throws {
        for place in [GridTopology.HaloPlace.padded, .inPlace] { try check(periodic, parity, place) }
    }

    private func check(_ periodic: Bool, _ parity: Int, _ place: GridTopology.HaloPlace) throws {
        let extents = CellExtents(z: 3, y: 2, x: 4)
        let grid = GridTopology(
            "cells", extents: extents, origin: CellExtents(z: parity, y: 3, x: 1 - parity), samples: 2,
            periodic: (z: periodic, y: !periodic, x: periodic), exchange: nil, haloPlace: place)
        let convolution = GridConvolution(over: grid, algorithm: .winograd)
        let direct = GridConvolution(over: grid, algorithm: .direct)
        let x = Tensor<Double>([2 * extents.count, 3], normal: 1, seed: 5)
        let w = Tensor<Double>([27, 3, 2], normal: 0.3, seed: 6)
        let check = try GradientCheck(at: [x, w]) { $0[0].gridConvolution($0[1], convolution).applying(.tanh) }
        #expect(check.firstOrderError < 1e-8)
        #expect(check.secondOrderError < 1e-7)
        #expect(check.forwardModeError < 1e-12)

        let tape = Tape<Double>()
        let (cells, weights) = (tape.input("x", x.shape, over: grid.domain), tape.input("w", w.shape))
        let outputs = [convolution, direct].map { cells.gridConvolution(weights, $0) }
        let program = Program(computing: outputs)
        program.set(cells, x)
        program.set(weights, w)
        try program.run()
        let (fast, plain) = (program.value(of: outputs[0]).scalars, program.value(of: outputs[1]).scalars)
        #expect(zip(fast, plain).allSatisfy { abs($0 - $1) < 1e-13 })
        #expect(fast != plain, "the same algorithm twice")
    }
}
