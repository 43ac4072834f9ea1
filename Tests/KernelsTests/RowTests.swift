import Kernels
import Tensor
import Testing

/// Products of rows against their references: the same bits for any width, count and list of pairs.
struct RowTests {
    private func random<T: KernelScalar>(_ type: T.Type, _ count: Int, _ stream: UInt64) -> Tensor<T> {
        Tensor([count], normal: 1, seed: 21, stream: stream)
    }

    /// Pairs that leave out some rows, each output row once.
    private func lists(_ rows: Int) -> (outputs: [Int32], inputs: [Int32]) {
        let outputs = (0..<rows).filter { $0 % 5 != 3 }.map { Int32($0) }
        return (outputs, outputs.map { (7 * $0 + 2) % Int32(rows) })
    }

    private func checkProduct<T: KernelScalar>(_ type: T.Type, inputs: Int, outputs: Int, rows: Int) {
        let (x, w) = (random(T.self, rows * inputs, 1), random(T.self, inputs * outputs, 2))
        let lists = lists(rows)
        for accumulating in [false, true] {
            for isIdentity in [true, false] {
                var y = random(T.self, rows * outputs, 3)
                var reference = y
                lists.outputs.withUnsafeBufferPointer { outputRows in
                    lists.inputs.withUnsafeBufferPointer { inputRows in
                        let pairs = isIdentity
                            ? RowPairs(identity: rows)
                            : RowPairs(
                                outputRows: outputRows.baseAddress, inputRows: inputRows.baseAddress,
                                count: outputRows.count)
                        x.withUnsafePointer { x in
                            w.withUnsafePointer { w in
                                y.withUnsafeMutablePointer {
                                    multiplyRows(
                                        $0, x, w, inputs: inputs, outputs: outputs, pairs: pairs,
                                        accumulating: accumulating)
                                }
                                reference.withUnsafeMutablePointer {
                                    multiplyRowsReference(
                                        $0, x, w, inputs: inputs, outputs: outputs, pairs: pairs,
                                        accumulating: accumulating)
                                }
                            }
                        }
                    }
                }
                #expect(y.scalars == reference.scalars, "\(inputs) -> \(outputs), \(rows) rows, \(T.self)")
            }
        }
    }

    @Test(arguments: [1, 3, 4, 16, 33, 64], [1, 3, 8, 15, 16, 17, 32, 35, 48, 64, 100])
    func products(_ inputs: Int, _ outputs: Int) {
        for rows in [1, 2, 7, 8, 13, 40] {
            checkProduct(Float.self, inputs: inputs, outputs: outputs, rows: rows)
            checkProduct(Double.self, inputs: inputs, outputs: outputs, rows: rows)
        }
    }

    private func checkOuterProduct<T: KernelScalar>(_ type: T.Type, inputs: Int, outputs: Int, rows: Int) {
        let (x, g) = (random(T.self, rows * inputs, 1), random(T.self, rows * outputs, 2))
        let lists = lists(rows)
        lists.outputs.withUnsafeBufferPointer { outputRows in
            lists.inputs.withUnsafeBufferPointer { inputRows in
                for isIdentity in [true, false] {
                    let pairs = isIdentity
                        ? RowPairs(identity: rows)
                        : RowPairs(
                            outputRows: outputRows.baseAddress, inputRows: inputRows.baseAddress,
                            count: outputRows.count)
                    var (w, reference, pieces) = (
                        random(T.self, inputs * outputs, 3), random(T.self, inputs * outputs, 4),
                        random(T.self, inputs * outputs, 5)
                    )
                    x.withUnsafePointer { x in
                        g.withUnsafePointer { g in
                            w.withUnsafeMutablePointer {
                                outerProductOfRows($0, x, g, inputs: inputs, outputs: outputs, pairs: pairs)
                            }
                            pieces.withUnsafeMutablePointer { w in
                                for first in stride(from: 0, to: inputs, by: 11) {
                                    outerProductOfRows(
                                        w, x, g, inputs: inputs, outputs: outputs, pairs: pairs,
                                        inputRange: first..<min(first + 11, inputs))
                                }
                            }
                            reference.withUnsafeMutablePointer {
                                outerProductOfRowsReference($0, x, g, inputs: inputs, outputs: outputs, pairs: pairs)
                            }
                        }
                    }
                    #expect(w.scalars == reference.scalars, "\(inputs) x \(outputs), \(rows) rows, \(T.self)")
                    #expect(pieces.scalars == reference.scalars, "\(inputs) x \(outputs) in pieces, \(T.self)")
                }
            }
        }
    }

    @Test(arguments: [1, 2, 4, 7, 16, 33, 64], [1, 2, 3, 8, 15, 16, 17, 32, 35, 64, 100])
    func outerProducts(_ inputs: Int, _ outputs: Int) {
        // Several chunks of pairs, too.
        for rows in [0, 1, 9, 700] {
            checkOuterProduct(Float.self, inputs: inputs, outputs: outputs, rows: rows)
            checkOuterProduct(Double.self, inputs: inputs, outputs: outputs, rows: rows)
        }
    }

    @Test(arguments: [1, 5, 16, 33, 64], [1, 3, 16, 32, 47]) func mirrorTransposition(_ inputs: Int, _ outputs: Int) {
        func check<T: KernelScalar>(_: T.Type) {
            let w = random(T.self, 3 * inputs * outputs, 7)
            var v = Tensor<T>([3 * inputs * outputs])
            w.withUnsafePointer { w in
                v.withUnsafeMutablePointer { mirrorTranspose($0, w, offsets: 3, inputs: inputs, outputs: outputs) }
            }
            for k in 0..<3 {
                for i in 0..<inputs {
                    for o in 0..<outputs {
                        #expect(v[(k * outputs + o) * inputs + i] == w[((2 - k) * inputs + i) * outputs + o])
                    }
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }

    /// Derivatives computed together have the bits of each alone, also in place.
    @Test(arguments: Activation.allCases) func activationOrders(_ function: Activation) {
        func check<T: KernelScalar>(_: T.Type) {
            let count = 45
            var x = random(T.self, count, 6)
            for index in 0..<count { x[index] = x[index] * 4 }
            var alone: [[T]] = []
            for order in 0...Activation.maximumOrder {
                var y = Tensor<T>([count])
                x.withUnsafePointer { x in
                    y.withUnsafeMutablePointer { applyActivation($0, x, function, order: order, count: count) }
                }
                alone.append(y.scalars)
            }
            for set in 1..<16 {
                let orders = (0...3).filter { set & (1 << $0) != 0 }
                let buffers = orders.map { _ in Buffer<T>(repeating: 0, count: count) }
                let source = Buffer<T>(repeating: 0, count: count)
                for isInPlace in [false, true] {
                    for index in 0..<count { source[index] = x[index] }
                    var outputs = ActivationOutputs<T>()
                    for (buffer, order) in zip(buffers, orders) { outputs[order] = buffer.pointer }
                    if isInPlace { outputs[orders[0]] = source.pointer }
                    applyActivation(outputs, source.pointer, function, count: count)
                    for (index, order) in orders.enumerated() {
                        let values = index == 0 && isInPlace ? source : buffers[index]
                        let areEqual = (0..<count).allSatisfy {
                            values[$0] == alone[order][$0] || (values[$0].isNaN && alone[order][$0].isNaN)
                        }
                        #expect(areEqual, "order \(order) of \(function) among \(orders), \(T.self)")
                    }
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }
}
