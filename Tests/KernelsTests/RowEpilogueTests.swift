import Kernels
import Tensor
import Testing

/// Rows of several terms with an epilogue: the bits of one product after the other and of each operation alone.
struct RowEpilogueTests {
    private func random<T: KernelScalar>(_ type: T.Type, _ count: Int, _ stream: UInt64) -> Buffer<T> {
        let values = Tensor<T>([count], normal: 1, seed: 31, stream: stream)
        let buffer = Buffer<T>(repeating: 0, count: count)
        for index in 0..<count { buffer[index] = values[index] }
        return buffer
    }

    private struct Parts {
        let hasBias, hasFactor, hasAddend, keepsResult: Bool
        let activation: Activation?
        let orders: [Int]
    }

    private static let parts = [
        Parts(hasBias: true, hasFactor: false, hasAddend: false, keepsResult: false, activation: .silu, orders: [0, 1]),
        Parts(hasBias: true, hasFactor: false, hasAddend: true, keepsResult: true, activation: .silu, orders: [0, 1]),
        Parts(hasBias: false, hasFactor: true, hasAddend: true, keepsResult: false, activation: nil, orders: [0]),
        Parts(hasBias: false, hasFactor: true, hasAddend: false, keepsResult: true, activation: .tanh, orders: [1]),
        Parts(hasBias: true, hasFactor: true, hasAddend: true, keepsResult: true, activation: .sigmoid, orders: [0, 1, 2, 3]),
    ]

    private func check<T: KernelScalar>(_: T.Type, inputs: Int, outputs: Int, rows: Int, terms: Int, _ parts: Parts) {
        let sourceRows = 23, slabs = 5
        let (x, w) = (random(T.self, sourceRows * inputs, 1), random(T.self, slabs * inputs * outputs, 2))
        let count = rows * outputs
        let bias = random(T.self, outputs, 3), factor = random(T.self, count, 4), addend = random(T.self, count, 5)
        let links = (0..<max(rows * terms, 1)).map { Int32((11 * $0 + 3) % sourceRows) }
        let slabOfTerm = (0..<max(terms, 1)).map { Int32((2 * $0 + 1) % slabs) }

        // One term, and one operation, after the other.
        let expected = Buffer<T>(repeating: 0, count: count)
        for term in 0..<terms {
            let sources = (0..<rows).map { links[$0 * terms + term] }
            sources.withUnsafeBufferPointer {
                multiplyRows(
                    expected.pointer, x.pointer, w.pointer + Int(slabOfTerm[term]) * inputs * outputs, inputs: inputs,
                    outputs: outputs, pairs: RowPairs(outputRows: nil, inputRows: $0.baseAddress, count: rows),
                    accumulating: true)
            }
        }
        let e = expected.pointer
        if parts.hasBias { addRow(e, e, bias.pointer, rows: rows, columns: outputs) }
        if parts.hasFactor { multiply(e, e, factor.pointer, count: count) }
        if parts.hasAddend { add(e, e, addend.pointer, count: count) }

        var epilogue = RowEpilogue<T>()
        if parts.hasBias { epilogue.bias = UnsafePointer(bias.pointer) }
        if parts.hasFactor { epilogue.factor = UnsafePointer(factor.pointer) }
        if parts.hasAddend { epilogue.addend = UnsafePointer(addend.pointer) }
        let result = Buffer<T>(repeating: -7, count: count)
        if parts.keepsResult { epilogue.result = result.pointer }
        epilogue.activation = parts.activation
        let values = parts.orders.map { _ in Buffer<T>(repeating: -7, count: count) }
        for (order, buffer) in zip(parts.orders, values) { epilogue.outputs[order] = buffer.pointer }
        links.withUnsafeBufferPointer { links in
            slabOfTerm.withUnsafeBufferPointer { slabs in
                multiplyRows(
                    values[0].pointer, x.pointer, w.pointer, inputs: inputs, outputs: outputs, rows: rows,
                    links: RowLinks(inputRows: links.baseAddress!, slabs: slabs.baseAddress!, count: terms),
                    epilogue: epilogue)
            }
        }
        let what = "\(inputs) -> \(outputs), \(rows) rows, \(terms) terms, \(parts), \(T.self)"
        if parts.keepsResult { #expect((0..<count).allSatisfy { result[$0] == e[$0] }, "result of \(what)") }
        for (order, buffer) in zip(parts.orders, values) {
            let alone = Buffer<T>(repeating: 0, count: count)
            if let activation = parts.activation {
                applyActivation(alone.pointer, e, activation, order: order, count: count)
            } else {
                copy(alone.pointer, e, count: count)
            }
            #expect((0..<count).allSatisfy { buffer[$0] == alone[$0] }, "order \(order) of \(what)")
        }
    }

    @Test(arguments: [1, 5, 32], [1, 16, 17, 32, 48, 64, 100]) func epilogues(_ inputs: Int, _ outputs: Int) {
        for parts in Self.parts {
            for (rows, terms) in [(1, 1), (7, 3), (8, 5), (41, 2), (70, 4), (9, 0)] {
                check(Float.self, inputs: inputs, outputs: outputs, rows: rows, terms: terms, parts)
                check(Double.self, inputs: inputs, outputs: outputs, rows: rows, terms: terms, parts)
            }
        }
    }

    /// The product of every row with one matrix, as links.
    @Test func identity() {
        let (rows, inputs, outputs) = (37, 5, 20)
        let x = random(Float.self, rows * inputs, 1), w = random(Float.self, inputs * outputs, 2)
        let y = Buffer<Float>(repeating: 0, count: rows * outputs), expected = Buffer<Float>(repeating: 0, count: rows * outputs)
        multiplyRows(
            y.pointer, x.pointer, w.pointer, inputs: inputs, outputs: outputs, rows: rows, links: .identity, epilogue: nil)
        multiplyRowsReference(
            expected.pointer, x.pointer, w.pointer, inputs: inputs, outputs: outputs, pairs: RowPairs(identity: rows),
            accumulating: false)
        #expect((0..<(rows * outputs)).allSatisfy { y[$0] == expected[$0] })
    }
}
