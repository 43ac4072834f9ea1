import Kernels
import Tensor

/// What bonds know of the angles with other bonds of their centers, S of `sumOverAngles`; adjoint: `AngleSumGradient`, and for
/// the matrix of the cosine the adjoint of the same sums recorded one operation after the other.
///
/// Inputs: lengths [bonds, 2 C], unit vectors [bonds, 3], weights [bonds, 1], the matrix of the cosine [K, C].
struct AngleSum<Scalar: KernelScalar>: Operation {
    let topology: AngleTopology
    let knots: [Double]
    let activation: Activation

    func shape(of inputs: [Shape]) -> Shape {
        let (bonds, channels) = (topology.centers.target.capacity, inputs[3].columns)
        precondition(
            inputs[0] == [bonds, 2 * channels] && inputs[1] == [bonds, 3] && inputs[2] == [bonds, 1],
            "sums over angles of \(inputs)")
        return [bonds, channels]
    }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { topology.centers.target }
    func division(of inputs: [Shape]) -> Division { .pieces(topology.pieces) }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(
        piece: Int, of pieces: Int, pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>,
        into output: Operand<Scalar>
    ) {
        let rows = angleRows(inputs, topology, knots, activation)
        let centers = topology.centers(piece: piece, of: pieces)
        withPooledMemory(angleScratchCount(Scalar.self, rows, centers: centers)) {
            sumOverAngles(output.pointer, rows, centers: centers, scratch: $0)
        }
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        let tape = inputs[0].tape
        let channels = inputs[3].columns
        let derivative = tape.record(
            AngleSumGradient<Scalar>(topology: topology, knots: knots, activation: activation), inputs + [cotangent])
        var ofCosine: Variable<Scalar>?
        if wanted[3] {
            let own = inputs.map { $0.applying(Identity()) }
            ofCosine = tape.gradients(
                of: AngleSum.recorded(own, topology, knots, activation), withRespectTo: [own[3]], seed: cotangent)[0]
        }
        return [
            wanted[0] ? derivative[columns: 0..<(2 * channels)] : nil,
            wanted[1] ? derivative[columns: (2 * channels + 1)..<(2 * channels + 4)] : nil,
            wanted[2] ? derivative[columns: (2 * channels)..<(2 * channels + 1)] : nil, ofCosine,
        ]
    }

    /// The same sums, one operation after the other: the reference, and what second derivatives are made of.
    static func recorded(
        _ inputs: [Variable<Scalar>], _ topology: AngleTopology, _ knots: [Double], _ activation: Activation
    ) -> Variable<Scalar> {
        let (lengths, directions, weights, matrix) = (inputs[0], inputs[1], inputs[2], inputs[3])
        let channels = matrix.columns
        let cosine = directions.expanded(by: topology.firstBond).rowDot(directions.expanded(by: topology.secondBond))
        let angles = cosine.expanded(in: .chebyshev(count: matrix.shape.rows - knots.count, knots: knots)).rowProduct(matrix)
            + lengths[columns: 0..<channels].expanded(by: topology.firstBond)
            + lengths[columns: channels..<(2 * channels)].expanded(by: topology.secondBond)
        return angles.applying(activation)
            .scaledByColumn(weights.expanded(by: topology.secondBond))
            .collected(by: topology.firstBond)
    }
}

/// The derivative of sum g S by the lengths, weights and unit vectors of bonds, side by side: [bonds, 2 C + 1 + 3]; adjoint:
/// that of the same derivative recorded one operation after the other.
///
/// Inputs: those of `AngleSum`, and g [bonds, C].
struct AngleSumGradient<Scalar: KernelScalar>: Operation {
    let topology: AngleTopology
    let knots: [Double]
    let activation: Activation

    func shape(of inputs: [Shape]) -> Shape { inputs[0].withColumns(inputs[0].columns + 4) }
    func domain(of inputs: [RowDomain?]) -> RowDomain? { topology.centers.target }
    func division(of inputs: [Shape]) -> Division { .pieces(topology.pieces) }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate(
        piece: Int, of pieces: Int, pass: Int, _ inputs: UnsafeBufferPointer<Operand<Scalar>>,
        into output: Operand<Scalar>
    ) {
        let rows = angleRows(inputs, topology, knots, activation)
        let centers = topology.centers(piece: piece, of: pieces)
        withPooledMemory(angleScratchCount(Scalar.self, rows, centers: centers)) {
            differentiateAngleSums(output.pointer, rows, inputs[4].pointer, centers: centers, scratch: $0)
        }
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        // Variables of their own, for an input may depend on another.
        let own = inputs.map { $0.applying(Identity()) }
        let tape = inputs[0].tape
        let sums = AngleSum.recorded(Array(own[..<4]), topology, knots, activation)
        let derivatives = tape.gradients(of: sums, withRespectTo: [own[0], own[2], own[1]], seed: own[4])
        let adjoints = tape.gradients(of: .concatenating(derivatives), withRespectTo: own, seed: cotangent)
        return zip(adjoints, wanted).map { $1 ? $0 : nil }
    }
}

private func angleRows<Scalar: KernelScalar>(
    _ inputs: UnsafeBufferPointer<Operand<Scalar>>, _ topology: AngleTopology, _ knots: [Double], _ activation: Activation
) -> AngleRows<Scalar> {
    AngleRows(
        lengths: inputs[0].pointer, directions: inputs[1].pointer, weights: inputs[2].pointer, cosines: inputs[3].pointer,
        channels: inputs[3].columns, functions: inputs[3].shape.rows, knots: knots,
        starts: topology.centers.starts.pointer, activation: activation)
}

extension Variable {
    /// For these rows of bonds, [bonds, 2 C]: the sum over the other bonds b of a bond a's center of
    /// f(own half of a + other half of b + sum over k of T_k(cos) U[k]) times the weight of b. [bonds, C]
    ///
    /// - Parameters:
    ///   - directions: unit vectors of the bonds. [bonds, 3]
    ///   - weights: [bonds, 1]
    ///   - cosines: U, of the Chebyshev polynomials of the cosine of the two bonds' angle, and of the functions with knots behind
    ///     them. [K, C]
    ///   - knots: of `RadialFunction.chebyshev`; at most `AngleRows.mostKnots`.
    ///   - activation: f.
    public func summedOverAngles(
        _ topology: AngleTopology, directions: Variable, weights: Variable, cosines: Variable, knots: [Double] = [],
        _ activation: Activation
    ) -> Variable {
        let inputs = [self, directions, weights, cosines]
        if topology.isRecorded { return AngleSum.recorded(inputs, topology, knots, activation) }
        return tape.record(AngleSum<Scalar>(topology: topology, knots: knots, activation: activation), inputs)
    }
}
