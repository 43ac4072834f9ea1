import Kernels
import Tensor
import Testing

@testable import Autodiff

/// Fills ghost rows with copies of rows of the same array, as if they were another rank's: what the rows were when the
/// exchange began, at its end.
private final class CopyingExchange: RowExchange {
    private let sources: [Int]
    private let firstGhost: Int
    private var sent: [UInt8]?
    /// How many exchanges were made, and whether the rows sent were final, by what they were in the end.
    private(set) var exchanges = 0
    private(set) var areAllFinal = true

    init(copying sources: [Int], toRowsFrom firstGhost: Int) { (self.sources, self.firstGhost) = (sources, firstGhost) }

    private func copies<Scalar: KernelScalar>(_ rows: UnsafeMutablePointer<Scalar>, _ channels: Int) -> [UInt8] {
        sources.flatMap { row in
            Array(UnsafeRawBufferPointer(UnsafeBufferPointer(start: rows + row * channels, count: channels)))
        }
    }

    func start<Scalar: KernelScalar>(rows: UnsafeMutablePointer<Scalar>, channels: Int) {
        precondition(sent == nil, "two exchanges at a time")
        sent = copies(rows, channels)
        for index in 0..<(sources.count * channels) { rows[firstGhost * channels + index] = .nan }
    }

    func finish<Scalar: KernelScalar>(rows: UnsafeMutablePointer<Scalar>, channels: Int) {
        guard let sent else { preconditionFailure("an exchange ends that did not begin") }
        if copies(rows, channels) != sent { areAllFinal = false }
        UnsafeMutableRawPointer(rows + firstGhost * channels).copyMemory(from: sent, byteCount: sent.count)
        self.sent = nil
        exchanges += 1
    }
}

/// Programs fused and not, in blocks of any size, on any number of threads: the same bits.
struct FusionTests {
    /// A random network over occupied cells, and the gradient of a random function of its gradient.
    private struct RandomNetwork {
        let domain = RowDomain("cells", capacity: 90)
        let topology: NeighborTopology
        let tape = Tape<Float>()
        let inputs: [Variable<Float>]
        let outputs: [Variable<Float>]

        let exchange: CopyingExchange?

        /// - Parameter isCut: whether neighbors across two cuts of the ring are ghosts.
        init(seed: UInt64, isCut: Bool = false) {
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
            // Between rows 0 and 1, and 3 and 4.
            let cuts = isCut ? [0, 3].filter { hasNext[$0] } : []
            for (index, row) in cuts.enumerated() {
                neighbors[3 * row + 2] = Int32(rows + 2 * index)
                neighbors[3 * (row + 1)] = Int32(rows + 2 * index + 1)
            }
            exchange = isCut ? CopyingExchange(copying: cuts.flatMap { [$0 + 1, $0] }, toRowsFrom: rows) : nil
            topology.exchange = exchange
            topology.rebuild(
                neighbors: neighbors, ownedRows: rows, borderRows: isCut ? 5 : 0, ghostRows: 2 * cuts.count)

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

    @Test(arguments: UInt64(1)...24) func bitsDoNotDependOnGhosts(_ seed: UInt64) throws {
        let several = ThreadTeam(threads: 3), alone = ThreadTeam(threads: 1)
        var options = Program<Float>.Options()
        var expected = try RandomNetwork(seed: seed).bits(options, alone)
        let network = RandomNetwork(seed: seed, isCut: true)
        // The scatter form sums a kernel's gradient in the order of the rows that are read, of which ghosts are the last.
        let kernelGradient = network.topology.form == .scatter ? expected.remove(at: 5).map(Float.init(bitPattern:)) : nil
        func check(_ team: ThreadTeam, _ what: String) throws {
            var bits = try network.bits(options, team)
            if let kernelGradient {
                let scale = kernelGradient.map(abs).max() ?? 0
                for (a, b) in zip(bits.remove(at: 5).map(Float.init(bitPattern:)), kernelGradient) {
                    #expect(abs(a - b) <= 1e-5 * scale, "\(what): gradient \(a) instead of \(b)")
                }
            }
            #expect(bits == expected, "\(what)")
        }
        for isFusing in [true, false] {
            for blockRows in [nil, 1, 7, 16, 1000] {
                options.isFusing = isFusing
                options.blockRows = blockRows
                try check(alone, "fusing \(isFusing), \(blockRows ?? 0) rows")
                try check(several, "fusing \(isFusing), \(blockRows ?? 0) rows, 3 threads")
            }
        }
        #expect(network.exchange?.areAllFinal == true)
    }

    /// A chain of convolutions: each exchange begins before the rows behind the border are computed.
    @Test func rowsAtTheBorderComeFirst() throws {
        let domain = RowDomain("cells", capacity: 102)
        let topology = NeighborTopology(over: domain, offsets: 3)
        let exchange = CopyingExchange(copying: [1, 0], toRowsFrom: 100)
        topology.exchange = exchange
        // A ring that is cut between rows 0 and 1.
        var neighbors: [Int32] = []
        for row: Int32 in 0..<100 { neighbors += [(row + 99) % 100, row, (row + 1) % 100] }
        (neighbors[2], neighbors[3]) = (100, 101)
        topology.rebuild(neighbors: neighbors, ownedRows: 100, borderRows: 2, ghostRows: 2)
        let tape = Tape<Float>()
        let x = tape.input("x", [102, 4], over: domain)
        let w = tape.input("w", [3, 4, 4])
        let first = x.applying(.tanh)
        let y = first.neighborConvolution(w, topology).applying(.tanh).neighborConvolution(w, topology)
        let program = Program(computing: [y])
        #expect(program.stageCount == 3)
        // The function joins its convolution, exchange or not.
        #expect(program.kernelCount == 3)
        let plans = program.stages.map(\.ghosts)
        #expect(plans.map { $0.leaving != nil } == [true, true, false])
        #expect(plans.map { $0.arriving != nil } == [false, true, true])
        #expect(plans.allSatisfy { $0.sudden.isEmpty })
        // The last row before what arrives is waited for.
        for (plan, middle) in zip(plans, [16, 64, 100]) {
            let parts = plan.parts(of: 100, granule: 16)
            #expect(parts.first == 16..<middle && parts.border == 0..<16 && parts.last == middle..<100)
        }
        try program.run()
        #expect(exchange.exchanges == 2 && exchange.areAllFinal)
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
