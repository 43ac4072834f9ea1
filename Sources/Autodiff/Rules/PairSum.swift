import Kernels
import Tensor

/// The sums of radial functions over the neighbors of atoms, S of `sumOverPairs`; or their derivative along velocities of the
/// atoms. Adjoint of S by the places: `PairSumGradient`; of the derivative by the velocities, in which it is linear: the same.
///
/// Inputs: places [atoms, 3], shifts [directions, 3], occupancy [atoms, elements] where there are several elements,
/// velocities [atoms, 3] if `isAlong`. Collective where the topology has an exchange.
struct PairSum<Scalar: KernelScalar>: PairOperation {
    let topology: PairTopology
    let basis: PairBasis
    let elements: Int
    let isAlong: Bool

    func shape(of inputs: [Shape]) -> Shape {
        PairOperands<Scalar>.check(inputs, topology, elements)
        return [topology.atoms.capacity, elements * basis.count]
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(
        piece: Int, of pieces: Int, pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>,
        into output: Operand<Scalar>
    ) {
        let operands = PairOperands(inputs, elements)
        operands.withScratch(basis) { scratch in
            sumOverPairs(
                output.pointer, operands.rows(topology), along: isAlong ? UnsafePointer(operands.more[0].pointer) : nil, basis,
                atoms: topology.atoms(piece: piece, of: pieces, pass: pass), scratch: scratch)
        }
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        let own = PairOperands<Scalar>.count(elements)
        precondition(!isAlong || !wanted[0], "no third derivative of sums over pairs")
        precondition(!wanted[1..<own].contains(true), "no derivative of sums over pairs by shifts or occupancies")
        let derivative = PairSumGradient<Scalar>(topology: topology, basis: basis, elements: elements, isAlong: false)
        let adjoint = inputs[0].tape.record(derivative, Array(inputs[..<own]) + [cotangent])
        return inputs.indices.map { $0 == (isAlong ? own : 0) ? adjoint : nil }
    }
}

/// The derivative of sum g S by the places of atoms; or the derivative of that along velocities. Adjoint of the derivative:
/// by the places that along the cotangent; by g, in which it is linear, `PairSum` along the cotangent.
///
/// Inputs: those of `PairSum`, but g [atoms, elements * count] before the velocities. Collective where the topology has an
/// exchange.
struct PairSumGradient<Scalar: KernelScalar>: PairOperation {
    let topology: PairTopology
    let basis: PairBasis
    let elements: Int
    let isAlong: Bool

    func shape(of inputs: [Shape]) -> Shape {
        PairOperands<Scalar>.check(inputs, topology, elements)
        return inputs[0]
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(
        piece: Int, of pieces: Int, pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>,
        into output: Operand<Scalar>
    ) {
        let operands = PairOperands(inputs, elements)
        operands.withScratch(basis) { scratch in
            differentiatePairSums(
                output.pointer, operands.rows(topology), operands.more[0].pointer,
                along: isAlong ? UnsafePointer(operands.more[1].pointer) : nil, basis,
                atoms: topology.atoms(piece: piece, of: pieces, pass: pass), scratch: scratch)
        }
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        let own = PairOperands<Scalar>.count(elements)
        precondition(!isAlong, "no third derivative of sums over pairs")
        precondition(!wanted[1..<own].contains(true), "no derivative of sums over pairs by shifts or occupancies")
        let tape = inputs[0].tape
        var adjoints = [Variable<Scalar>?](repeating: nil, count: inputs.count)
        if wanted[0] {
            let second = PairSumGradient(topology: topology, basis: basis, elements: elements, isAlong: true)
            adjoints[0] = tape.record(second, inputs + [cotangent])
        }
        if wanted[own] {
            let along = PairSum<Scalar>(topology: topology, basis: basis, elements: elements, isAlong: true)
            adjoints[own] = tape.record(along, Array(inputs[..<own]) + [cotangent])
        }
        return adjoints
    }
}

/// An operation over atoms and their neighbors, in pieces; those of atoms that need ghosts come last.
protocol PairOperation<Scalar>: Operation {
    var topology: PairTopology { get }
    var elements: Int { get }
}

extension PairOperation {
    func domain(of inputs: [RowDomain?]) -> RowDomain? { topology.atoms }
    func division(of inputs: [Shape]) -> Division { .pieces(topology.pieces) }
    var passes: Int { topology.passes }

    func prepare(pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>, output: Operand<Scalar>) throws {
        try PairOperands(inputs, elements).exchange(pass: pass, topology)
    }
}

/// The inputs of these operations.
private struct PairOperands<Scalar: KernelScalar> {
    let inputs: UnsafeBufferPointer<Operand<Scalar>>
    let elements: Int

    init(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, _ elements: Int) {
        (self.inputs, self.elements) = (inputs, elements)
    }

    /// How many inputs say where the atoms are and what.
    static func count(_ elements: Int) -> Int { elements > 1 ? 3 : 2 }

    /// The inputs behind those.
    var more: UnsafeBufferPointer<Operand<Scalar>> {
        UnsafeBufferPointer(rebasing: inputs[PairOperands.count(elements)...])
    }

    static func check(_ shapes: [Shape], _ topology: PairTopology, _ elements: Int) {
        let rows = topology.atoms.capacity
        precondition(
            shapes[0] == [rows, 3] && shapes[1].columns == 3
                && shapes.indices.allSatisfy { $0 == 1 || shapes[$0].rows == rows }
                && (elements == 1 || shapes[2].columns == elements), "sums over pairs of \(shapes)")
    }

    func rows(_ topology: PairTopology) -> PairRows<Scalar> {
        PairRows(
            places: inputs[0].pointer, shifts: inputs[1].pointer,
            occupancy: elements > 1 ? UnsafePointer(inputs[2].pointer) : nil, elements: elements,
            starts: topology.starts.pointer, neighbors: topology.neighbors.pointer,
            directions: topology.directions.pointer)
    }

    /// Fills the ghost rows of what belongs to atoms; those of the last operand arrive while the first pass runs.
    func exchange(pass: Int, _ topology: PairTopology) throws {
        guard let exchange = topology.exchange else { return }
        // The last but the shifts, which are the same everywhere.
        let last = inputs.count == 2 ? 0 : inputs.count - 1
        guard pass == 0 else { return try exchange.finish(rows: inputs[last].pointer, channels: inputs[last].columns) }
        for index in 0..<last where index != 1 {
            try exchange.start(rows: inputs[index].pointer, channels: inputs[index].columns)
            try exchange.finish(rows: inputs[index].pointer, channels: inputs[index].columns)
        }
        try exchange.start(rows: inputs[last].pointer, channels: inputs[last].columns)
    }

    @inline(__always)
    func withScratch(_ basis: PairBasis, _ body: (UnsafeMutablePointer<Scalar>) -> Void) {
        withPooledMemory(pairScratchCount(Scalar.self, basis, elements: elements), body)
    }
}

/// Lends memory for some numbers from the pool.
@inline(__always)
func withPooledMemory<Scalar: KernelScalar>(_ count: Int, _ body: (UnsafeMutablePointer<Scalar>) -> Void) {
    let bytes = count * MemoryLayout<Scalar>.stride
    let memory = BufferPool.shared.acquire(bytes: bytes)
    body(memory.bindMemory(to: Scalar.self, capacity: count))
    BufferPool.shared.release(memory, bytes: bytes)
}

extension Variable {
    /// For these places of atoms, S[i, e, n] = sum over the neighbors j of i of o[j, e] F_n(r), the functions of `basis`.
    /// [atoms, elements * count] Collective where the topology has an exchange.
    ///
    /// - Parameters:
    ///   - shifts: between the centers of cells in each direction. [directions, 3]
    ///   - occupancy: o, [atoms, elements]; nil where there is one element.
    public func summedOverPairs(
        _ topology: PairTopology, shifts: Variable, occupancy: Variable?, _ basis: PairBasis
    ) -> Variable {
        let operation = PairSum<Scalar>(
            topology: topology, basis: basis, elements: occupancy?.columns ?? 1, isAlong: false)
        return tape.record(operation, [self, shifts] + (occupancy.map { [$0] } ?? []))
    }
}
