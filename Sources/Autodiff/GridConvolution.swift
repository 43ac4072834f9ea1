import Kernels
import Tensor

/// A three-dimensional convolution between two dense grids: its kernel, stride and the memory it needs.
///
/// Recorded through `Variable.gridConvolution`. With F(x, w) the convolution, D(g, w) its adjoint for the input and
/// W(x, g) its adjoint for the weights, each of the three is bilinear and the adjoints of each are the other two:
///
///     F: D(c, w), W(x, c)      D: F(c, w), W(c, g)      W: D(g, c), F(x, c)
public final class GridConvolution {
    public let input: GridTopology
    public let output: GridTopology
    /// 1 or 3 cells along every axis.
    public let kernel: Int
    /// 1 or 2; the output has ceil(cells / stride) cells along each axis.
    public let stride: Int
    /// How it is computed where there is a choice.
    public let algorithm: ConvolutionAlgorithm

    private var workspace: Buffer<UInt8>?

    /// - Precondition: the output grid has the extents that input and stride give, and as many samples; the processor
    ///   and the build multiply bfloat16 numbers where that is the algorithm.
    public init(
        from input: GridTopology, to output: GridTopology, kernel: Int = 3, stride: Int = 1,
        algorithm: ConvolutionAlgorithm = .automatic
    ) {
        self.algorithm = algorithm
        self.input = input
        self.output = output
        self.kernel = kernel
        self.stride = stride
        precondition(
            geometry(1, 1).outputExtents == output.extents && input.samples == output.samples,
            "a convolution of stride \(stride) from \(input.extents) to \(output.extents)")
    }

    /// The convolution of a grid to itself.
    public convenience init(
        over grid: GridTopology, kernel: Int = 3, algorithm: ConvolutionAlgorithm = .automatic
    ) {
        self.init(from: grid, to: grid, kernel: kernel, algorithm: algorithm)
    }

    func geometry(_ inputs: Int, _ outputs: Int) -> ConvolutionGeometry {
        ConvolutionGeometry(
            kernel: kernel, stride: stride, inputChannels: inputs, outputChannels: outputs,
            inputExtents: input.extents)
    }

    private func kernels<Scalar: KernelScalar>(
        _: Scalar.Type, _ inputs: Int, _ outputs: Int
    ) -> ConvolutionKernels<Scalar> {
        ConvolutionKernels(geometry(inputs, outputs), algorithm: algorithm)
    }

    /// Makes the memory for operations on this many channels; evaluation then allocates nothing.
    func prepare<Scalar: KernelScalar>(_ type: Scalar.Type, inputs: Int, outputs: Int) {
        if kernel == 3 {
            input.prepare(type, channels: inputs)
            output.prepare(type, channels: outputs)
        }
        let bytes = kernels(type, inputs, outputs).workspaceCount * MemoryLayout<Scalar>.stride
        if (workspace?.count ?? 0) < bytes { workspace = Buffer(repeating: 0, count: bytes) }
    }

    private func workspace<Scalar: KernelScalar>(_: Scalar.Type) -> UnsafeMutablePointer<Scalar> {
        UnsafeMutableRawPointer(workspace!.pointer).assumingMemoryBound(to: Scalar.self)
    }

    /// Which outputs of a pass from `source` need no halo, for windows of this kernel at `stride` (or at 1/`stride`).
    private func inner(of outputs: CellExtents, isAdjoint: Bool) -> CellBox {
        guard kernel == 3 else { return CellBox(extents: outputs) }
        func range(_ count: Int, _ cells: Int) -> Range<Int> {
            // Output o reads cells s o - 1 ... s o + 1; as an adjoint, input i reads outputs (i - 1) / s ... (i + 1) / s.
            let first = 1
            let last = isAdjoint ? (cells - 1) * stride : (cells - 2) / stride + 1
            return first..<max(first, min(count, last))
        }
        let source = isAdjoint ? output.extents : input.extents
        let (z, y, x) = (range(outputs.z, source.z), range(outputs.y, source.y), range(outputs.x, source.x))
        return CellBox(
            origin: CellExtents(z: z.lowerBound, y: y.lowerBound, x: x.lowerBound),
            extents: CellExtents(z: z.count, y: y.count, x: x.count))
    }

    /// y = F(x, w), all samples; `packed` are the weights by `ConvolutionKernels.pack`.
    func forward<Scalar: KernelScalar>(
        _ y: Operand<Scalar>, _ x: Operand<Scalar>, packed: UnsafePointer<Scalar>
    ) throws {
        let (kernels, workspace) = (kernels(Scalar.self, x.columns, y.columns), workspace(Scalar.self))
        for sample in 0..<input.samples {
            let target = y.pointer + sample * output.extents.count * y.columns
            try withHalo(input, x.pointer + sample * input.extents.count * x.columns, x.columns, kernels,
                         outputs: output, isAdjoint: false) { source, box in
                kernels.forward(target, kernels.geometry.outputStrides, source, packed: packed, workspace: workspace,
                                box: box, anchor: output.origin)
            }
        }
    }

    /// x = D(g, w), all samples; `packed` are the weights by `ConvolutionKernels.packAdjoint`.
    func backwardData<Scalar: KernelScalar>(
        _ x: Operand<Scalar>, _ g: Operand<Scalar>, packed: UnsafePointer<Scalar>
    ) throws {
        let (kernels, workspace) = (kernels(Scalar.self, x.columns, g.columns), workspace(Scalar.self))
        for sample in 0..<input.samples {
            let target = x.pointer + sample * input.extents.count * x.columns
            try withHalo(output, g.pointer + sample * output.extents.count * g.columns, g.columns, kernels,
                         outputs: input, isAdjoint: true) { source, box in
                kernels.backwardData(target, kernels.geometry.inputStrides, source, packed: packed,
                                     workspace: workspace, box: box, anchor: input.origin)
            }
        }
    }

    /// w = W(x, g), summed over the samples and this rank's cells.
    func backwardWeights<Scalar: KernelScalar>(_ w: Operand<Scalar>, _ x: Operand<Scalar>, _ g: Operand<Scalar>) throws {
        let (kernels, workspace) = (kernels(Scalar.self, x.columns, g.columns), workspace(Scalar.self))
        fill(w.pointer, with: 0, count: kernels.geometry.weightCount)
        for sample in 0..<input.samples {
            let cotangent = g.pointer + sample * output.extents.count * g.columns
            try withHalo(input, x.pointer + sample * input.extents.count * x.columns, x.columns, kernels,
                         outputs: output, isAdjoint: false) { source, box in
                kernels.backwardWeights(w.pointer, cotangent, kernels.geometry.outputStrides, source,
                                        workspace: workspace, box: box, anchor: output.origin)
            }
        }
    }

    private func withHalo<Scalar: KernelScalar>(
        _ grid: GridTopology, _ rows: UnsafePointer<Scalar>, _ channels: Int, _ kernels: ConvolutionKernels<Scalar>,
        outputs: GridTopology, isAdjoint: Bool, _ body: (ConvolutionField<Scalar>, CellBox) -> Void
    ) throws {
        guard kernel == 3 else {
            let strides = CellStrides(packed: grid.extents, channels: channels)
            let field = ConvolutionField(padded: rows, strides, extents: grid.extents, padding: 0)
            return body(field, CellBox(extents: outputs.extents))
        }
        let inner = kernels.aligned(inner(of: outputs.extents, isAdjoint: isAdjoint), anchor: outputs.origin)
        try grid.withHalo(rows, channels: channels, outputs: outputs.extents, inner: inner, body)
    }
}

extension GridConvolution: Hashable {
    public static func == (left: GridConvolution, right: GridConvolution) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
