import Autodiff
import Kernels
import Tensor
import Testing

/// Programs fused and not, in blocks of any size, on any number of threads: the same bits.
struct FusionTests {
    /// A random network over occupied cells, and the gradient of a random function of its gradient.
    private struct RandomNetwork {
        let domain = RowDomain("cells", capacity: 90)
        let topology: NeighborTopology
        let tape = Tape<Float>()
        let inputs: [Variable<Float>]
        let outputs: [Variable<Float>]

        init(seed: UInt64) {
            var random = Philox(seed: seed)
            func pick(_ count: Int) -> Int { random.nextIndex(below: count) }
            topology = NeighborTopology(over: domain, offsets: 3, form: seed % 5 == 0 ? .scatter : .gather)
            // A ring with gaps: many, or few, so that long runs of rows are alike.
            let rows = 83
            var neighbors = [Int32](repeating: -1, count: 3 * rows)
            var hasNext = [Bool](repeating: false, count: rows)
            for row in 0..<rows { hasNext[row] = pick(seed.isMultiple(of: 2) ? 40 : 4) > 0 }
            for row in 0..<rows {
                neighbors[3 * row + 1] = Int32(row)
                if hasNext[row] {
                    neighbors[3 * row + 2] = Int32((row + 1) % rows)
                    neighbors[3 * ((row + 1) % rows)] = Int32(row)
                }
            }
            topology.rebuild(neighbors: neighbors, ownedRows: rows, ghostRows: 0)

            let tape = tape
            let domain = domain
            func input(_ shape: Shape) -> Variable<Float> {
                tape.input("input", shape, over: shape.rows == domain.capacity ? domain : nil)
            }
            let x = input([90, 5]), weights = (0..<3).map { _ in input([5, 5]) }, bias = input([5])
            let kernel = input([3, 5, 5])
            inputs = [x, bias, kernel] + weights
            var pool = [x]
            func any() -> Variable<Float> { pool[pick(pool.count)] }
            let activations: [Activation] = [.tanh, .silu, .sigmoid, .softplus]
            for _ in 0..<14 {
                let a = any(), b = any()
                switch pick(12) {
                case 0: pool.append(a + b)
                case 1: pool.append(a * b)
                case 2: pool.append(a - 0.5 * b)
                case 3, 4: pool.append(a.applying(activations[pick(activations.count)]))
                case 5, 6: pool.append(a.rowProduct(weights[pick(3)]))
                case 7: pool.append(a.addingRow(bias))
                case 8: pool.append(a.neighborConvolution(kernel, topology).applying(.tanh))
                case 9: pool.append(Variable.concatenating([a[columns: 2..<5], b[columns: 0..<2]]))
                case 10: pool.append(a.scaledByColumn(b.rowDot(a).applying(.tanh)))
                default: pool.append((a + b.summedOverRows().repeatedOverRows(like: a)).applying(.sigmoid))
                }
            }
            let energy = pool.suffix(3).map { $0.applying(.tanh).sum() }.reduce(tape.constant(0, [1]), +)
            let kick = tape.gradients(of: energy, withRespectTo: [x])[0]
            let loss = (kick.squared + any().squared).sum()
            outputs = [loss, kick, pool[pool.count - 1]] + tape.gradients(of: loss, withRespectTo: inputs)
        }

        func bits(_ options: Program<Float>.Options, _ team: ThreadTeam) throws -> [[UInt32]] {
            let program = Program(computing: outputs, options: options, team: team)
            for (index, input) in inputs.enumerated() {
                program.set(input, Tensor(input.shape, normal: 0.4, seed: 8, stream: UInt64(index)))
            }
            // Twice: what a run leaves behind must not matter.
            try program.run()
            try program.run()
            return outputs.map { program.value(of: $0).scalars.map(\.bitPattern) }
        }
    }

    @Test(arguments: UInt64(1)...24) func bitsDoNotDependOnTheCut(_ seed: UInt64) throws {
        let network = RandomNetwork(seed: seed)
        let alone = ThreadTeam(threads: 1)
        var options = Program<Float>.Options()
        options.isFusing = false
        options.blockRows = 1000
        let expected = try network.bits(options, alone)
        #expect(expected[0][0] & 0x7f80_0000 != 0x7f80_0000, "the loss is not finite")
        let several = ThreadTeam(threads: 3)
        for isFusing in [true, false] {
            for blockRows in [nil, 1, 7, 16, 64, 1000] {
                options.isFusing = isFusing
                options.blockRows = blockRows
                #expect(try network.bits(options, alone) == expected, "fusing \(isFusing), \(blockRows ?? 0) rows")
                #expect(try network.bits(options, several) == expected, "fusing \(isFusing), \(blockRows ?? 0) rows, 3 threads")
            }
        }
    }

    @Test func chainsAreOneStage() throws {
        let tape = Tape<Float>()
        let x = tape.input("x", [100, 8])
        let w = tape.input("w", [8, 8])
        var y = x
        for _ in 0..<6 { y = (y.rowProduct(w) + x).applying(.silu) }
        let program = Program(computing: [y])
        #expect(program.operationCount == 18)
        #expect(program.kernelCount == 6)
        #expect(program.stageCount == 1)
        #expect(program.arenaCount == 0)
        var options = Program<Float>.Options()
        options.isFusing = false
        let separate = Program(computing: [y], options: options)
        #expect(separate.stageCount == 18)
        #expect(separate.kernelCount == 18)
    }

    /// Results that others want are kept beside functions of them, and two products that are added are computed once each.
    @Test func epiloguesKeepWhatIsRead() throws {
        let tape = Tape<Float>()
        let x = tape.input("x", [9, 4]), w = tape.input("w", [4, 4]), v = tape.input("v", [4, 4]), b = tape.input("b", [4])
        let sum = x.rowProduct(w).addingRow(b) + x.rowProduct(v)
        let outputs = [sum, sum.applying(.silu) * x, sum.applying(.tanh)]
        let program = Program(computing: outputs)
        // The two products, tanh, and the last multiplication.
        #expect(program.kernelCount == 4)
        var options = Program<Float>.Options()
        options.isFusing = false
        let separate = Program(computing: outputs, options: options)
        for made in [program, separate] {
            for (index, input) in [x, w, v, b].enumerated() {
                made.set(input, Tensor(input.shape, normal: 1, seed: 4, stream: UInt64(index)))
            }
            try made.run()
        }
        for output in outputs { #expect(program.value(of: output).scalars == separate.value(of: output).scalars) }
    }

    @Test func convolutionsSeparateStages() throws {
        let domain = RowDomain("cells", capacity: 32, count: 32)
        let topology = NeighborTopology(over: domain, offsets: 27)
        let tape = Tape<Float>()
        let x = tape.input("x", [32, 4], over: domain)
        let w = tape.input("w", [27, 4, 4])
        let y = x.applying(.tanh).neighborConvolution(w, topology).applying(.tanh).neighborConvolution(w, topology)
        #expect(Program(computing: [y]).stageCount == 3)
    }

    @Test func preparationsWaitForParameters() throws {
        let arena = Buffer<Float>(repeating: 2, count: 64)
        let tape = Tape<Float>()
        let x = tape.input("x", [2, 1])
        let w = tape.parameter(at: 0, [1, 1])
        let y = x.rowProduct(w.mirrorTransposed())
        let program = Program(computing: [y], parameters: arena.pointer)
        program.set(x, Tensor([2, 1], [1, 3]))
        program.preparesEachRun = false
        try program.run()
        #expect(program.value(of: y).scalars == [2, 6])
        arena.pointer[0] = 5
        try program.run()
        #expect(program.value(of: y).scalars == [2, 6])
        program.parametersChanged()
        try program.run()
        #expect(program.value(of: y).scalars == [5, 15])
    }
}
