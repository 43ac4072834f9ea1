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

    /// Whether any rows of an output can be computed by themselves: nothing is exchanged and nothing is copied.
    ///
    /// Not by several threads at once, where the algorithm has a workspace: the convolution has one. Whole planes, two at
    /// a time from an even one on, suit Winograd's tiles.
    func isDivisible(isAdjoint: Bool) -> Bool {
        let source = isAdjoint ? output : input
        return kernel == 1 || source.exchange == nil && source.haloPlace == .inPlace
    }

    /// The rows of y = F(x, w) from `firstRow` on that `y` holds, of all samples.
    ///
    /// - Parameters:
    ///   - x: all rows.
    ///   - packed: the weights by `ConvolutionKernels.pack`.
    /// - Precondition: `isDivisible` unless `y` holds all rows.
    func forward<Scalar: KernelScalar>(
        _ y: Operand<Scalar>, firstRow: Int = 0, _ x: Operand<Scalar>, packed: UnsafePointer<Scalar>
    ) throws {
        let (kernels, workspace) = (kernels(Scalar.self, x.columns, y.columns), workspace(Scalar.self))
        try forEachBox(of: output, rows: firstRow..<firstRow + y.rows, isAdjoint: false) { sample, box in
            let target = y.pointer + (sample * output.extents.count - firstRow) * y.columns
            try withHalo(input, x.pointer + sample * input.extents.count * x.columns, x.columns, kernels,
                         outputs: output, box, isAdjoint: false) { source, box in
                kernels.forward(target, kernels.geometry.outputStrides, source, packed: packed, workspace: workspace,
                                box: box, anchor: output.origin)
            }
        }
    }

    /// The rows of x = D(g, w) from `firstRow` on that `x` holds, of all samples.
    ///
    /// - Parameters:
    ///   - g: all rows.
    ///   - packed: the weights by `ConvolutionKernels.packAdjoint`.
    /// - Precondition: `isDivisible` unless `x` holds all rows.
    func backwardData<Scalar: KernelScalar>(
        _ x: Operand<Scalar>, firstRow: Int = 0, _ g: Operand<Scalar>, packed: UnsafePointer<Scalar>
    ) throws {
        let (kernels, workspace) = (kernels(Scalar.self, x.columns, g.columns), workspace(Scalar.self))
        try forEachBox(of: input, rows: firstRow..<firstRow + x.rows, isAdjoint: true) { sample, box in
            let target = x.pointer + (sample * input.extents.count - firstRow) * x.columns
            try withHalo(output, g.pointer + sample * output.extents.count * g.columns, g.columns, kernels,
                         outputs: input, box, isAdjoint: true) { source, box in
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
                         outputs: output, CellBox(extents: output.extents), isAdjoint: false) { source, box in
                kernels.backwardWeights(w.pointer, cotangent, kernels.geometry.outputStrides, source,
                                        workspace: workspace, box: box, anchor: output.origin)
            }
        }
    }

    /// Calls `body` with the sample and the boxes, in their order, that make up some rows of a grid: whole planes, whole
    /// lines, parts of a line.
    private func forEachBox(
        of grid: GridTopology, rows: Range<Int>, isAdjoint: Bool, _ body: (_ sample: Int, CellBox) throws -> Void
    ) throws {
        let extents = grid.extents
        guard isDivisible(isAdjoint: isAdjoint) else {
            precondition(
                rows.count == grid.samples * extents.count, "rows \(rows) of a convolution that is computed as a whole")
            // Ranks without cells take part in exchanges, too.
            for sample in 0..<grid.samples { try body(sample, CellBox(extents: extents)) }
            return
        }
        let plane = extents.y * extents.x
        var row = rows.lowerBound
        while row < rows.upperBound {
            let (sample, cell) = row.quotientAndRemainder(dividingBy: extents.count)
            let count = min(rows.upperBound - row, extents.count - cell)
            let origin = CellExtents(z: cell / plane, y: cell % plane / extents.x, x: cell % extents.x)
            let box: CellExtents
            if origin.x > 0 || count < extents.x {
                box = CellExtents(z: 1, y: 1, x: min(count, extents.x - origin.x))
            } else if origin.y > 0 || count < plane {
                box = CellExtents(z: 1, y: min(count / extents.x, extents.y - origin.y), x: extents.x)
            } else {
                box = CellExtents(z: count / plane, y: extents.y, x: extents.x)
            }
            try body(sample, CellBox(origin: origin, extents: box))
            row += box.count
        }
    }

    /// Calls `body` with a sample's source and the parts of a box of outputs that can be computed, one after another.
    private func withHalo<Scalar: KernelScalar>(
        _ grid: GridTopology, _ rows: UnsafePointer<Scalar>, _ channels: Int, _ kernels: ConvolutionKernels<Scalar>,
        outputs: GridTopology, _ box: CellBox, isAdjoint: Bool, _ body: (ConvolutionField<Scalar>, CellBox) -> Void
    ) throws {
        guard kernel == 3 else {
            let strides = CellStrides(packed: grid.extents, channels: channels)
            return body(ConvolutionField(padded: rows, strides, extents: grid.extents, padding: 0), box)
        }
        if isDivisible(isAdjoint: isAdjoint) {
            return grid.withWrappedHalo(rows, channels: channels) { body($0, box) }
        }
        let inner = kernels.aligned(inner(of: outputs.extents, isAdjoint: isAdjoint), anchor: outputs.origin)
        try grid.withHalo(rows, channels: channels, outputs: outputs.extents, inner: inner, body)
    }
}

extension GridConvolution: Hashable {
    public static func == (left: GridConvolution, right: GridConvolution) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
