import Kernels
import Tensor

/// One of the three bilinear operations of a convolution; see `GridConvolution` for their adjoints.
///
/// The first two have a third input, the same weights packed, which a program prepares once in a run however many
/// convolutions share them.
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
        case .forward: try convolution.forward(output, inputs[0], packed: inputs[2].pointer)
        case .data: try convolution.backwardData(output, inputs[0], packed: inputs[2].pointer)
        case .weights: try convolution.backwardWeights(output, inputs[0], inputs[1])
        }
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] {
        func record(_ pass: Pass, _ first: Variable<Scalar>, _ second: Variable<Scalar>) -> Variable<Scalar> {
            first.gridConvolution(convolution, pass, second)
        }
        switch pass {
        case .forward:
            return [
                wanted[0] ? record(.data, cotangent, inputs[1]) : nil,
                wanted[1] ? record(.weights, inputs[0], cotangent) : nil,
                nil,
            ]
        case .data:
            return [
                wanted[0] ? record(.forward, cotangent, inputs[1]) : nil,
                wanted[1] ? record(.weights, cotangent, inputs[0]) : nil,
                nil,
            ]
        case .weights:
            return [
                wanted[0] ? record(.data, inputs[1], cotangent) : nil,
                wanted[1] ? record(.forward, inputs[0], cotangent) : nil,
            ]
        }
    }
}

/// Weights [taps, I, O] in the order in which the kernels of one pass read them. No derivative passes through it: what
/// reads packed weights reads the weights themselves too, and its adjoint for those is the whole of it.
struct GridConvolutionWeightPacking<Scalar: KernelScalar>: Operation {
    let kernel, stride: Int
    let algorithm: ConvolutionAlgorithm
    /// For `GridConvolutionOperation.Pass.data` instead of `.forward`.
    let isAdjoint: Bool

    private func kernels(_ weights: Shape) -> ConvolutionKernels<Scalar> {
        ConvolutionKernels(
            ConvolutionGeometry(kernel: kernel, stride: stride, inputChannels: weights[1],
                                outputChannels: weights.columns, inputExtents: CellExtents(z: 1, y: 1, x: 1)),
            algorithm: algorithm)
    }

    func shape(of inputs: [Shape]) -> Shape {
        precondition(inputs[0].rank == 3 && inputs[0][0] == kernel * kernel * kernel, "weights \(inputs[0])")
        let kernels = kernels(inputs[0])
        return [isAdjoint ? kernels.packedAdjointCount : kernels.packedCount]
    }

    func domain(of inputs: [RowDomain?]) -> RowDomain? { nil }

    func evaluate(_ inputs: UnsafeBufferPointer<Operand<Scalar>>, into output: Operand<Scalar>) {
        let kernels = kernels(inputs[0].shape)
        if isAdjoint {
            kernels.packAdjoint(output.pointer, inputs[0].pointer)
        } else {
            kernels.pack(output.pointer, inputs[0].pointer)
        }
    }

    func adjoints(
        inputs: [Variable<Scalar>], output: Variable<Scalar>, cotangent: Variable<Scalar>, wanted: [Bool]
    ) -> [Variable<Scalar>?] { [nil] }
}

extension Variable {
    /// The convolution of the cells of a dense grid with `weights` [taps, columns, outputs], taps z, y, x from -1 to 1.
    public func gridConvolution(_ weights: Variable, _ convolution: GridConvolution) -> Variable {
        gridConvolution(convolution, .forward, weights)
    }

    fileprivate func gridConvolution(
        _ convolution: GridConvolution, _ pass: GridConvolutionOperation<Scalar>.Pass, _ second: Variable
    ) -> Variable {
        let operation = GridConvolutionOperation<Scalar>(convolution: convolution, pass: pass)
        if pass == .weights { return applying(operation, second) }
        let packing = GridConvolutionWeightPacking<Scalar>(
            kernel: convolution.kernel, stride: convolution.stride, algorithm: convolution.algorithm,
            isAdjoint: pass == .data)
        return applying(operation, second, second.applying(packing))
    }
}
