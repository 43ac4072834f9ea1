import Kernels
import Tensor

/// y[t] = x[s(t)] for the rows t of a map's target; adjoint: the cotangent summed over each row's repetitions.
struct RowExpansion<Scalar: KernelScalar>: Operation {
    let map: RowMap

    func shape(of inputs: [Shape]) -> Shape {
        precondition(inputs[0].rows == map.source.capacity, "\(inputs[0]) expanded from \(map.source.capacity) rows")
        return [map.target.capacity, inputs[0].columns]
    }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { map.target }
    func division(of inputs: [Shape]) -> Division { .rows(shared: [0]) }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        gatherRows(
            output.pointer, inputs[0].pointer, rows: map.sourceOfTarget.pointer + output.firstRow, count: output.rows,
            columns: output.columns)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] { [cotangent.collected(by: map)] }
}

/// y[s] = the sum of x[t] over the rows t of a map's target that belong to s, ascending; adjoint: the cotangent expanded.
struct RowCollection<Scalar: KernelScalar>: Operation {
    let map: RowMap

    func shape(of inputs: [Shape]) -> Shape {
        precondition(inputs[0].rows == map.target.capacity, "\(inputs[0]) collected from \(map.target.capacity) rows")
        return [map.source.capacity, inputs[0].columns]
    }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { map.source }
    func division(of inputs: [Shape]) -> Division { .rows(shared: [0]) }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        collectRows(
            output.pointer, inputs[0].pointer, order: map.order.pointer, starts: map.starts.pointer + output.firstRow,
            count: output.rows, columns: output.columns)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] { [cotangent.expanded(by: map)] }
}

/// y[r] = x[partner of r]; its own adjoint, for partners are mutual.
///
/// With an exchange, rows whose partners are here are copied while it is under way.
struct PartnerRows<Scalar: KernelScalar>: Operation {
    let pairing: RowPairing

    func shape(of inputs: [Shape]) -> Shape {
        precondition(inputs[0].rows == pairing.domain.capacity, "\(inputs[0]) with \(pairing.domain.capacity) partners")
        return inputs[0]
    }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { pairing.domain }
    func division(of inputs: [Shape]) -> Division {
        pairing.exchange == nil ? .rows(shared: [0]) : .pieces(min(max(pairing.domain.capacity / 1024, 1), 64))
    }
    var passes: Int { 2 }

    func prepare(pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>, output: Operand<Scalar>) throws {
        let x = inputs[0]
        if pass == 0 {
            try pairing.exchange?.start(rows: x.pointer, channels: x.columns)
        } else {
            try pairing.exchange?.finish(rows: x.pointer, channels: x.columns)
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(
        piece: Int, of pieces: Int, pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>,
        into output: Operand<Scalar>
    ) {
        let (x, columns) = (inputs[0].pointer, output.columns)
        for row in (piece * output.rows / pieces)..<((piece + 1) * output.rows / pieces) {
            let partner = Int(pairing.partners.pointer[row])
            guard (partner < output.rows) == (pass == 0) else { continue }
            (output.pointer + row * columns).update(from: x + partner * columns, count: columns)
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        precondition(pairing.exchange == nil, "an exchange that came after the program")
        gatherRows(
            output.pointer, inputs[0].pointer, rows: pairing.partners.pointer + output.firstRow, count: output.rows,
            columns: output.columns)
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] { [cotangent.ofPartners(pairing)] }
}

extension Variable {
    /// Each row of the map's source repeated for the rows of its target that belong to it.
    public func expanded(by map: RowMap) -> Variable { applying(RowExpansion(map: map)) }
    /// The sums over the rows of the map's target that belong to each row of its source.
    public func collected(by map: RowMap) -> Variable { applying(RowCollection(map: map)) }
    /// The rows of the partners. Collective where the pairing has an exchange.
    public func ofPartners(_ pairing: RowPairing) -> Variable { applying(PartnerRows(pairing: pairing)) }
}
