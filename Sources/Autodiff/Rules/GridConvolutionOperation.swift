import Kernels
import Tensor

/// One of the three bilinear operations of a convolution; see `GridConvolution` for their adjoints.
struct GridConvolutionOperation<Scalar: KernelScalar>: Operation {
    enum Pass: Hashable {
        /// y = F(x, w): [output cells, O] from x [input cells, I] and w [taps, I, O].
        case forward
        /// x = D(g, w): [input cells, I] from g [output cells, O] and w.
        case data
        /// w = W(x, g): [taps, I, O].
        case weights
    }

    let convolution: GridConvolution
    let pass: Pass

    private var taps: Int { convolution.kernel * convolution.kernel * convolution.kernel }

    func shape(of inputs: [Shape]) -> Shape {
        let (first, second) = (inputs[0], inputs[1])
        switch pass {
        case .forward:
            precondition(
                second.rank == 3 && second[0] == taps && second[1] == first.columns
                    && first.rows == convolution.input.domain.capacity, "grid convolution of \(inputs)")
            convolution.prepare(Scalar.self, inputs: first.columns, outputs: second.columns)
            return [convolution.output.domain.capacity, second.columns]
        case .data:
            precondition(
                second.rank == 3 && second[0] == taps && second.columns == first.columns
                    && first.rows == convolution.output.domain.capacity, "grid convolution's adjoint of \(inputs)")
            convolution.prepare(Scalar.self, inputs: second[1], outputs: second.columns)
            return [convolution.input.domain.capacity, second[1]]
        case .weights:
            convolution.prepare(Scalar.self, inputs: first.columns, outputs: second.columns)
            return [taps, first.columns, second.columns]
        }
    }

    func domain(of inputs: [RowDomain?]) -> RowDomain? {
        switch pass {
        case .forward: convolution.output.domain
        case .data: convolution.input.domain
        case .weights: nil
        }
    }

    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) throws {
        switch pass {
        case .forward: try convolution.forward(output, inputs[0], inputs[1])
        case .data: try convolution.backwardData(output, inputs[0], inputs[1])
        case .weights: try convolution.backwardWeights(output, inputs[0], inputs[1])
        }
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        func record(_ pass: Pass, _ first: Variable<Scalar>, _ second: Variable<Scalar>) -> Variable<Scalar> {
            first.applying(GridConvolutionOperation(convolution: convolution, pass: pass), second)
        }
        switch pass {
        case .forward:
            return [
                wanted[0] ? record(.data, cotangent, inputs[1]) : nil,
                wanted[1] ? record(.weights, inputs[0], cotangent) : nil,
            ]
        case .data:
            return [
                wanted[0] ? record(.forward, cotangent, inputs[1]) : nil,
                wanted[1] ? record(.weights, cotangent, inputs[0]) : nil,
            ]
        case .weights:
            return [
                wanted[0] ? record(.data, inputs[1], cotangent) : nil,
                wanted[1] ? record(.forward, inputs[0], cotangent) : nil,
            ]
        }
    }
}

extension Variable {
    /// The convolution of the cells of a dense grid with `weights` [taps, columns, outputs], taps z, y, x from -1 to 1.
    public func gridConvolution(_ weights: Variable, _ convolution: GridConvolution) -> Variable {
        applying(GridConvolutionOperation(convolution: convolution, pass: .forward), weights)
    }
}
