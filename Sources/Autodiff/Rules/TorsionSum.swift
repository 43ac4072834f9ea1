import Kernels
import Tensor

/// An operation over the bonds of centers, in pieces.
protocol CenterOperation<Scalar>: Operation {
    var angles: AngleTopology { get }
}

extension CenterOperation {
    func division(of inputs: [Shape]) -> Division { .pieces(angles.pieces) }
}

/// The moments of atoms, V and Q of `sumOverTorsions`: [atoms, 12 C]; adjoint: `TorsionMomentsGradient`.
///
/// Inputs: weights [bonds, C], unit vectors [bonds, 3].
struct TorsionMoments<Scalar: KernelScalar>: CenterOperation {
    let angles: AngleTopology

    func shape(of inputs: [Shape]) -> Shape {
        precondition(
            inputs[0].rows == angles.centers.target.capacity && inputs[1] == inputs[0].withColumns(3),
            "moments of \(inputs)")
        return [angles.centers.source.capacity, TorsionTopology.components * inputs[0].columns]
    }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { angles.centers.source }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(
        piece: Int, of pieces: Int, pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>,
        into output: Operand<Scalar>
    ) {
        findTorsionMoments(
            output.pointer, torsionRows(inputs[1], angles, channels: inputs[0].columns), inputs[0].pointer,
            centers: angles.centers(piece: piece, of: pieces))
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        let channels = inputs[0].columns
        let derivative = inputs[0].tape.record(TorsionMomentsGradient<Scalar>(angles: angles), inputs + [cotangent])
        return [
            wanted[0] ? derivative[columns: 0..<channels] : nil,
            wanted[1] ? derivative[columns: channels..<(channels + 3)] : nil,
        ]
    }

    /// The same, one operation after the other: the reference, and what second derivatives are made of.
    static func recorded(_ inputs: [Variable<Scalar>], _ angles: AngleTopology) -> Variable<Scalar> {
        let direction = inputs[1]
        return Variable.concatenating([direction, direction.tensorProduct(direction)]).tensorProduct(inputs[0])
            .collected(by: angles.centers)
    }
}

/// The derivative of sum g M by weights and unit vectors, side by side: [bonds, C + 3]; adjoint: that of the same derivative
/// recorded one operation after the other.
///
/// Inputs: those of `TorsionMoments`, and g [atoms, 12 C].
struct TorsionMomentsGradient<Scalar: KernelScalar>: CenterOperation {
    let angles: AngleTopology

    func shape(of inputs: [Shape]) -> Shape { inputs[0].withColumns(inputs[0].columns + 3) }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { angles.centers.target }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(
        piece: Int, of pieces: Int, pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>,
        into output: Operand<Scalar>
    ) {
        differentiateTorsionMoments(
            output.pointer, torsionRows(inputs[1], angles, channels: inputs[0].columns), inputs[0].pointer,
            inputs[2].pointer, centers: angles.centers(piece: piece, of: pieces))
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        adjointsOfGradient(inputs, cotangent, wanted) { own in
            inputs[0].tape.gradients(
                of: TorsionMoments.recorded([own[0], own[1]], angles), withRespectTo: [own[0], own[1]], seed: own[2])
        }
    }
}

/// Which bonds have torsions around them: the bonds of centers, and which are the same bond from the other side.
struct TorsionTopology: Hashable {
    let angles: AngleTopology
    let partners: RowPairing

    /// Components of the moments of one channel: of a vector and of a matrix.
    static let components = 12
}

/// The sums over the torsions around bonds, S1 and S2 of `sumOverTorsions`: [bonds, 2 C].
///
/// Inputs: moments M [atoms, 12 C]; those of the other atom of each bond, [bonds, 12 C], which follow from M and the topology;
/// unit vectors [bonds, 3], opposite from the two sides of a bond. Derivatives by M are whole: those by way of the second
/// input are in them. As S is the same from both sides, that is the derivative at the one side alone for g of both sides.
struct TorsionSum<Scalar: KernelScalar>: CenterOperation {
    let topology: TorsionTopology
    var angles: AngleTopology { topology.angles }

    func shape(of inputs: [Shape]) -> Shape {
        let (atoms, bonds) = (angles.centers.source.capacity, angles.centers.target.capacity)
        precondition(
            inputs[0].rows == atoms && inputs[1] == [bonds, inputs[0].columns] && inputs[2] == [bonds, 3],
            "sums over torsions of \(inputs)")
        return [bonds, 2 * inputs[0].columns / TorsionTopology.components]
    }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { angles.centers.target }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(
        piece: Int, of pieces: Int, pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>,
        into output: Operand<Scalar>
    ) {
        sumOverTorsions(
            output.pointer, torsionRows(inputs[2], angles, channels: output.columns / 2),
            here: inputs[0].pointer, there: inputs[1].pointer, centers: angles.centers(piece: piece, of: pieces))
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        let tape = inputs[0].tape
        let ofBoth = cotangent + cotangent.ofPartners(topology.partners)
        return [
            wanted[0]
                ? tape.record(TorsionSumGradient<Scalar>(topology: topology, part: .moments), inputs + [ofBoth]) : nil,
            nil,
            wanted[2]
                ? tape.record(TorsionSumGradient<Scalar>(topology: topology, part: .directions), inputs + [cotangent]) : nil,
        ]
    }

    /// The moments of the other atom of each bond. Collective where the pairing has an exchange.
    static func there(_ moments: Variable<Scalar>, _ topology: TorsionTopology) -> Variable<Scalar> {
        moments.expanded(by: topology.angles.centers).ofPartners(topology.partners)
    }

    /// The same sums, one operation after the other: the reference, and what second derivatives are made of.
    static func recorded(
        _ moments: Variable<Scalar>, _ there: Variable<Scalar>, _ direction: Variable<Scalar>, _ topology: TorsionTopology
    ) -> Variable<Scalar> {
        let channels = moments.columns / TorsionTopology.components
        let ones = direction.tape.constant(1, [direction.shape.rows, 9], over: direction.domain)
        func inner(_ a: Variable<Scalar>, _ b: Variable<Scalar>) -> Variable<Scalar> {
            (a * b).contractedOverFirst(with: ones[columns: 0..<(a.columns / channels)])
        }
        typealias Parts = (
            v: Variable<Scalar>, alongV: Variable<Scalar>, q: Variable<Scalar>, alongQ: Variable<Scalar>,
            twice: Variable<Scalar>
        )
        func parts(_ all: Variable<Scalar>) -> Parts {
            let (v, q) = (all[columns: 0..<(3 * channels)], all[columns: (3 * channels)..<all.columns])
            let alongQ = q.contractedOverFirst(with: direction)
            return (
                v, v.contractedOverFirst(with: direction), q, alongQ, alongQ.contractedOverFirst(with: direction)
            )
        }
        let (a, b) = (parts(moments.expanded(by: topology.angles.centers)), parts(there))
        let turn = inner(a.v, b.v) - a.alongV * b.alongV
        let square = inner(a.q, b.q) - 2 * inner(a.alongQ, b.alongQ) + a.twice * b.twice
        return .concatenating([turn, square])
    }
}

/// The derivative of sum g S by the moments at the one side of bonds, [atoms, 12 C], or by unit vectors, [bonds, 3]; adjoint:
/// that of the same derivative recorded one operation after the other.
///
/// Inputs: those of `TorsionSum`, and g [bonds, 2 C].
struct TorsionSumGradient<Scalar: KernelScalar>: CenterOperation {
    enum Part: Hashable { case moments, directions }
    let topology: TorsionTopology
    let part: Part
    var angles: AngleTopology { topology.angles }

    func shape(of inputs: [Shape]) -> Shape { part == .moments ? inputs[0] : inputs[2] }
    func domain(of inputs: [RowDomain?]) -> RowDomain? {
        part == .moments ? angles.centers.source : angles.centers.target
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(
        piece: Int, of pieces: Int, pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>,
        into output: Operand<Scalar>
    ) {
        let centers = angles.centers(piece: piece, of: pieces)
        let rows = torsionRows(inputs[2], angles, channels: inputs[3].columns / 2)
        switch part {
        case .moments:
            differentiateTorsionSums(
                byMoments: output.pointer, rows, there: inputs[1].pointer, inputs[3].pointer, centers: centers)
        case .directions:
            differentiateTorsionSums(
                byDirections: output.pointer, rows, here: inputs[0].pointer, there: inputs[1].pointer, inputs[3].pointer,
                centers: centers)
        }
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        // What comes by way of the second input is in the first.
        adjointsOfGradient(inputs, cotangent, [wanted[0], false, wanted[2], wanted[3]]) { own in
            // The one side of a bond by `here`, the other follows from the same moments by `there`.
            let here = own[0].applying(Identity()), there = TorsionSum.there(own[0], topology)
            let sums = TorsionSum.recorded(here, there, own[2], topology)
            return own[0].tape.gradients(
                of: sums, withRespectTo: [part == .moments ? here : own[2]], seed: own[3])
        }
    }
}

/// The adjoints of a derivative that is recorded one operation after the other from inputs, for variables of their own, as an
/// input may depend on another.
private func adjointsOfGradient<Scalar: KernelScalar>(
    _ inputs: [Variable<Scalar>], _ cotangent: Variable<Scalar>, _ wanted: [Bool],
    recorded: ([Variable<Scalar>]) -> [Variable<Scalar>]
) -> [Variable<Scalar>?] {
    let own = inputs.map { $0.applying(Identity()) }
    let adjoints = cotangent.tape.gradients(
        of: .concatenating(recorded(own)), withRespectTo: own, seed: cotangent)
    return zip(adjoints, wanted).map { $1 ? $0 : nil }
}

private func torsionRows<Scalar: KernelScalar>(
    _ directions: Operand<Scalar>, _ topology: AngleTopology, channels: Int
) -> TorsionRows<Scalar> {
    TorsionRows(directions: directions.pointer, starts: topology.centers.starts.pointer, channels: channels)
}

extension Variable {
    /// For these weights of bonds, [bonds, C]: the sums S1 and S2 over the torsions around each bond, see `sumOverTorsions`.
    /// [bonds, 2 C] Collective where the pairing has an exchange.
    ///
    /// - Parameters:
    ///   - partners: which rows are the same bond from the other side.
    ///   - directions: unit vectors of the bonds. [bonds, 3]
    public func summedOverTorsions(
        _ angles: AngleTopology, partners: RowPairing, directions: Variable
    ) -> Variable {
        let topology = TorsionTopology(angles: angles, partners: partners)
        if angles.isRecorded {
            let moments = TorsionMoments.recorded([self, directions], angles)
            return TorsionSum.recorded(moments, TorsionSum.there(moments, topology), directions, topology)
        }
        let moments = tape.record(TorsionMoments<Scalar>(angles: angles), [self, directions])
        return tape.record(
            TorsionSum<Scalar>(topology: topology), [moments, TorsionSum.there(moments, topology), directions])
    }

    /// Columns of the moments that go to the bonds' other atoms, for so many channels.
    public static func torsionColumns(channels: Int) -> Int { TorsionTopology.components * channels }
}
