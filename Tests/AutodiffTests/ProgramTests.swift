import Autodiff
import Tensor
import Testing

struct ProgramTests {
    @Test func gradientOfAGradientIsExact() throws {
        // f = sum x^3: gradient 3 x^2, gradient of its sum 6 x.
        let tape = Tape<Double>()
        let x = tape.input("x", [4])
        let f = (x.squared * x).sum()
        let first = tape.gradients(of: f, withRespectTo: [x])[0]
        let second = tape.gradients(of: first.sum(), withRespectTo: [x])[0]
        let program = Program(computing: [f, first, second])
        program.set(x, Tensor([4], [1, -2, 3, 0.5]))
        try program.run()
        #expect(program.value(of: f)[0] == 1 - 8 + 27 + 0.125)
        #expect(program.value(of: first).scalars == [3, 12, 27, 0.75])
        #expect(program.value(of: second).scalars == [6, -12, 18, 3])
    }

    @Test func memoryIsSharedByLifetimes() throws {
        let tape = Tape<Float>()
        let x = tape.input("x", [1000, 16])
        var y = x
        for step in 0..<20 { y = (y.squared + Float(step)).addingRow(tape.constant(1, [16])) }
        let program = Program(computing: [y.sum()])
        #expect(program.arenaCount <= 2 * 16_000)
    }

    @Test func equalOperationsAreRecordedOnce() {
        let tape = Tape<Float>()
        let x = tape.input("x", [8, 8])
        let sum = x.applying(.tanh) + x.applying(.tanh)
        #expect(Program(computing: [sum]).operationCount == 2)
    }

    @Test func onlyRowsInUseAreComputed() throws {
        let domain = RowDomain("rows", capacity: 10)
        let tape = Tape<Float>()
        let x = tape.input("x", [10, 2], over: domain)
        let total = (x + 1).sum()
        let program = Program(computing: [total])
        for count in [3, 0, 10] {
            domain.count = count
            try program.run()
            #expect(program.value(of: total)[0] == Float(2 * count))
        }
    }

    @Test func parametersAreReadWhereTheyAre() throws {
        let arena = Buffer<Float>(repeating: 2, count: 64)
        let tape = Tape<Float>()
        let w = tape.parameter(at: 16, [4])
        let loss = w.squared.sum()
        let gradient = tape.gradients(of: loss, withRespectTo: [w])[0]
        let program = Program(computing: [loss, gradient], parameters: arena.pointer)
        try program.run()
        #expect(program.value(of: loss)[0] == 16)
        arena.pointer[16] = 5
        try program.run()
        #expect(program.value(of: gradient).scalars == [10, 4, 4, 4])
        #expect(program.completionIndex(of: gradient) >= 0)
    }
}
