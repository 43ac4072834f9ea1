import Autodiff
import NeuralNetworks
import Tensor
import Testing

struct LayerTests {
    private func check(
        _ layout: ParameterLayout, _ shape: Shape, sourceLocation: SourceLocation = #_sourceLocation,
        _ layer: (Variable<Double>) -> Variable<Double>
    ) throws {
        let arena = Buffer<Double>(repeating: 0, count: layout.count)
        layout.initialize(arena.pointer, seed: 3)
        let x = Tensor<Double>(shape, normal: 1, seed: 4)
        let check = try GradientCheck(at: [x], parameters: arena.pointer) { layer($0[0]).squared }
        #expect(check.firstOrderError < 1e-8, sourceLocation: sourceLocation)
        #expect(check.secondOrderError < 1e-7, sourceLocation: sourceLocation)
    }

    @Test func perceptron() throws {
        var layout = ParameterLayout()
        let layer = Perceptron("p", widths: [5, 7, 3], activation: .silu, in: &layout)
        try check(layout, [4, 5]) { layer($0) }
        #expect(layout.scalarCount == 5 * 7 + 7 + 7 * 3 + 3)
    }

    @Test func normalization() throws {
        var layout = ParameterLayout()
        let layer = CellNormalization("n", channels: 6, in: &layout)
        try check(layout, [4, 6]) { layer($0) }

        // Every row has mean square one.
        let arena = Buffer<Double>(repeating: 0, count: layout.count)
        layout.initialize(arena.pointer, seed: 1)
        let tape = Tape<Double>()
        let x = tape.input("x", [4, 6])
        let y = layer(x)
        let program = Program(computing: [y], parameters: arena.pointer)
        program.set(x, Tensor([4, 6], normal: 3, seed: 9))
        try program.run()
        let rows = program.value(of: y).scalars
        for row in 0..<4 {
            let meanSquare = rows[row * 6..<row * 6 + 6].reduce(0) { $0 + $1 * $1 } / 6
            #expect(abs(meanSquare - 1) < 1e-4)
        }
    }

    @Test func losses() throws {
        try check(ParameterLayout(), [5, 3]) { $0.smoothAbsoluteError(from: 0.5 * $0, scale: 0.1) }
        let tape = Tape<Double>()
        let (a, b) = (tape.input("a", [2, 2]), tape.input("b", [2, 2]))
        let loss = a.meanSquaredError(from: b)
        let program = Program(computing: [loss])
        program.set(a, Tensor([2, 2], [1, 2, 3, 4]))
        program.set(b, Tensor([2, 2], [1, 0, 3, 0]))
        try program.run()
        #expect(program.value(of: loss)[0] == 5)
    }

    @Test func schedule() {
        let schedule = Schedule(peak: 1, final: 0.1, warmup: 4, decay: .cosine)
        #expect(schedule.rate(at: 0, of: 100) == 0.2)
        #expect(schedule.rate(at: 4, of: 100) == 1)
        #expect(abs(schedule.rate(at: 99, of: 100) - 0.1) < 1e-15)
        let exponential = Schedule(peak: 1, final: 0.01, decay: .exponential)
        #expect(abs(exponential.rate(at: 50, of: 101) - 0.1) < 1e-12)
    }
}
