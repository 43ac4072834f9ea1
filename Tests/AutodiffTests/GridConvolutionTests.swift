import Kernels
import Tensor
import Testing

@testable import Autodiff

/// The dense convolution as an operation: where the halo lies makes no difference, and its derivatives are exact.
@Suite struct GridConvolutionTests {
    private func topology(
        _ extents: CellExtents, samples: Int, _ periodic: (z: Bool, y: Bool, x: Bool), _ place: GridTopology.HaloPlace
    ) -> GridTopology {
        GridTopology("grid", extents: extents, samples: samples, periodic: periodic, exchange: nil, haloPlace: place)
    }

    private func coarse(_ extents: CellExtents, _ stride: Int) -> CellExtents {
        CellExtents(z: (extents.z + stride - 1) / stride, y: (extents.y + stride - 1) / stride,
                    x: (extents.x + stride - 1) / stride)
    }

    @Test(arguments: [(1, 1), (3, 1), (1, 2), (3, 2)], [true, false])
    func derivatives(_ sizes: (kernel: Int, stride: Int), _ isPeriodic: Bool) throws {
        let periodic = (z: isPeriodic, y: !isPeriodic, x: isPeriodic)
        // Periodic grids of stride 2 need even extents.
        let extents = CellExtents(z: sizes.stride == 2 ? 2 : 3, y: 2, x: sizes.stride == 2 ? 4 : 3)
        for place in [GridTopology.HaloPlace.padded, .inPlace] {
            let input = topology(extents, samples: 2, periodic, place)
            let output = sizes.stride == 1
                ? input : topology(coarse(extents, sizes.stride), samples: 2, periodic, place)
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

    /// Reading in place gives the bits of reading a padded copy, whichever axes are periodic.
    @Test(arguments: 0..<8, [1, 2]) func haloPlaces(_ bits: Int, _ stride: Int) throws {
        let periodic = (z: bits & 4 != 0, y: bits & 2 != 0, x: bits & 1 != 0)
        for extents in [CellExtents(z: 4, y: 6, x: 2), CellExtents(z: 2, y: 12, x: 14)] {
            func values(_ place: GridTopology.HaloPlace) throws -> (y: [Float], dx: [Float], dw: [Float]) {
                let input = topology(extents, samples: 2, periodic, place)
                let output = stride == 1 ? input : topology(coarse(extents, stride), samples: 2, periodic, place)
                let convolution = GridConvolution(from: input, to: output, stride: stride)
                let tape = Tape<Float>()
                let x = tape.input("x", [2 * extents.count, 5], over: input.domain)
                let w = tape.input("w", [27, 5, 18])
                let y = x.gridConvolution(w, convolution)
                let seed = tape.input("seed", y.shape, over: output.domain)
                let gradients = tape.gradients(of: y, withRespectTo: [x, w], seed: seed)
                let program = Program(computing: [y] + gradients)
                program.set(x, Tensor(x.shape, normal: 1, seed: 1))
                program.set(w, Tensor(w.shape, normal: 1, seed: 2))
                program.set(seed, Tensor(seed.shape, normal: 1, seed: 3))
                try program.run()
                func array(_ variable: Variable<Float>) -> [Float] {
                    let tensor = program.value(of: variable)
                    return (0..<tensor.count).map { tensor[$0] }
                }
                return (array(y), array(gradients[0]), array(gradients[1]))
            }
            let (padded, inPlace) = (try values(.padded), try values(.inPlace))
            #expect(padded.y == inPlace.y)
            #expect(padded.dx == inPlace.dx)
            let difference = zip(padded.dw, inPlace.dw).map { ($0 - $1).magnitude }.max()!
            #expect(difference < 1e-3 && padded.dw.contains { $0.magnitude > 1 })
        }
    }

    /// Weights that are changed in place are packed anew by the next run, and shared packing is recorded once.
    @Test func changedWeights() throws {
        let extents = CellExtents(z: 3, y: 4, x: 5)
        let grid = topology(extents, samples: 1, (true, true, true), .inPlace)
        let convolution = GridConvolution(over: grid)
        var arena = [Double](repeating: 0.25, count: 27 * 4 * 4)
        try arena.withUnsafeMutableBufferPointer { arena in
            let tape = Tape<Double>()
            let x = tape.input("x", [extents.count, 4], over: grid.domain)
            let w = tape.parameter(at: 0, [27, 4, 4])
            let once = x.gridConvolution(w, convolution)
            let twice = once.gridConvolution(w, convolution)
            let program = Program(computing: [twice, tape.gradients(of: twice.sum(), withRespectTo: [x])[0]],
                                  parameters: arena.baseAddress!)
            #expect(tape.nodes.filter {
                if case .operation(let operation) = $0.kind { operation is GridConvolutionWeightPacking<Double> } else { false }
            }.count == 2)
            program.set(x, Tensor(x.shape, normal: 1, seed: 1))
            try program.run()
            let before = program.value(of: twice)
            for index in arena.indices { arena[index] = 0.5 }
            try program.run()
            let after = program.value(of: twice)
            #expect(before[0] != 0)
            for index in 0..<after.count { #expect((after[index] - 4 * before[index]).magnitude < 1e-9 * (1 + after[index].magnitude)) }
        }
    }
}

/// Any rows of an output by themselves: what a program needs to compute a convolution block by block.
@Suite struct GridConvolutionRowTests {
    @Test(arguments: [1, 7, 30, 100, 1000]) func blocksOfRows(_ size: Int) throws {
        let extents = CellExtents(z: 4, y: 6, x: 5)
        let grid = GridTopology("grid", extents: extents, samples: 2, periodic: (true, false, true), exchange: nil,
                                haloPlace: .inPlace)
        let convolution = GridConvolution(over: grid)
        convolution.prepare(Double.self, inputs: 3, outputs: 9)
        let rows = 2 * extents.count
        func operand(_ columns: Int, _ seed: UInt64) -> (Buffer<Double>, Operand<Double>) {
            let buffer = Buffer<Double>(repeating: 0, count: rows * columns)
            let values = Tensor<Double>([rows, columns], normal: 1, seed: seed)
            for index in 0..<values.count { buffer.pointer[index] = values[index] }
            return (buffer, Operand(pointer: buffer.pointer, shape: values.shape, rows: rows, columns: columns))
        }
        func part(_ operand: Operand<Double>, _ first: Int, _ count: Int) -> Operand<Double> {
            Operand(pointer: operand.pointer + first * operand.columns, shape: operand.shape, rows: count,
                    columns: operand.columns)
        }
        func values(_ operand: Operand<Double>) -> [Double] {
            Array(UnsafeBufferPointer(start: operand.pointer, count: operand.count))
        }
        let geometry = convolution.geometry(3, 9)
        let weights = Tensor<Double>([27, 3, 9], normal: 1, seed: 4)
        let packed = Buffer<Double>(repeating: 0, count: packedConvolutionWeightCount(Double.self, geometry))
        let adjoint = Buffer<Double>(repeating: 0, count: packedConvolutionAdjointWeightCount(Double.self, geometry))
        weights.withUnsafePointer {
            packConvolutionWeights(packed.pointer, $0, bias: nil, geometry)
            packConvolutionAdjointWeights(adjoint.pointer, $0, geometry)
        }
        let memory = [operand(3, 1), operand(9, 2), operand(9, 3), operand(3, 5), operand(3, 6)]
        let (x, whole, blocks) = (memory[0].1, memory[1].1, memory[2].1)
        let (wholeX, blocksX) = (memory[3].1, memory[4].1)
        try convolution.forward(whole, x, packed: packed.pointer)
        try convolution.backwardData(wholeX, whole, packed: adjoint.pointer)
        for first in stride(from: 0, to: rows, by: size) {
            let count = min(size, rows - first)
            try convolution.forward(part(blocks, first, count), firstRow: first, x, packed: packed.pointer)
            try convolution.backwardData(part(blocksX, first, count), firstRow: first, whole, packed: adjoint.pointer)
        }
        #expect(values(blocks) == values(whole))
        #expect(values(blocksX) == values(wholeX))
        #expect(Set(values(whole)).count > rows)
    }
}

/// Stands for other ranks: the ghosts of one periodic box, from the cells at its surface alone.
private final class PeriodicExchange: GridExchange {
    private let extents: CellExtents
    private(set) var started = 0

    init(_ extents: CellExtents) { self.extents = extents }

    func start<Scalar: KernelScalar>(padded: UnsafeMutablePointer<Scalar>, channels: Int) { started += 1 }

    func finish<Scalar: KernelScalar>(padded: UnsafeMutablePointer<Scalar>, channels: Int) {
        let strides = CellStrides(packed: extents, padding: 1, channels: channels)
        func owned(_ index: Int, _ extent: Int) -> Int { (index + extent - 1) % extent + 1 }
        for z in 0..<extents.z + 2 {
            for y in 0..<extents.y + 2 {
                for x in 0..<extents.x + 2 {
                    let source = (owned(z, extents.z), owned(y, extents.y), owned(x, extents.x))
                    if source == (z, y, x) { continue }
                    for c in 0..<channels {
                        padded[strides.offset(z, y, x) + c] = padded[strides.offset(source.0, source.1, source.2) + c]
                    }
                }
            }
        }
    }
}

/// Halo cells that arrive while inner cells are computed give the bits of a grid held alone.
@Suite struct GridConvolutionExchangeTests {
    @Test(arguments: [CellExtents(z: 11, y: 12, x: 13), CellExtents(z: 2, y: 5, x: 1), CellExtents(z: 4, y: 4, x: 4)])
    func exchangedHalo(_ extents: CellExtents) throws {
        func values(_ exchange: PeriodicExchange?, _ place: GridTopology.HaloPlace) throws -> [[Float]] {
            let grid = GridTopology("grid", extents: extents, samples: 1, periodic: (true, true, true),
                                    exchange: exchange, haloPlace: place)
            let tape = Tape<Float>()
            let x = tape.input("x", [extents.count, 6], over: grid.domain)
            let w = tape.input("w", [27, 6, 9])
            let y = x.gridConvolution(w, GridConvolution(over: grid)).applying(.tanh)
            let outputs = [y] + tape.gradients(of: y.applying(.exponential).sum(), withRespectTo: [x])
            let program = Program(computing: outputs)
            program.set(x, Tensor(x.shape, normal: 1, seed: 1))
            program.set(w, Tensor(w.shape, normal: 0.1, seed: 2))
            try program.run()
            return outputs.map { output in
                let tensor = program.value(of: output)
                return (0..<tensor.count).map { tensor[$0] }
            }
        }
        let alone = try values(nil, .padded)
        for place in [GridTopology.HaloPlace.padded, .inPlace] {
            let exchange = PeriodicExchange(extents)
            #expect(try values(exchange, place) == alone)
            #expect(exchange.started == 2)
        }
    }
}
