/// Elements from a cell to its neighbor along each axis. Channels are always contiguous.
public struct CellStrides: Hashable, Sendable {
    public var z, y, x: Int

    public init(z: Int, y: Int, x: Int) {
        self.z = z
        self.y = y
        self.x = x
    }

    /// The strides of a contiguous box [.., extents.y + 2 padding, extents.x + 2 padding, channels].
    public init(packed extents: CellExtents, padding: Int = 0, channels: Int) {
        x = channels
        y = (extents.x + 2 * padding) * x
        z = (extents.y + 2 * padding) * y
    }

    /// Elements from cell (0, 0, 0) to cell (z, y, x).
    @inline(__always) public func offset(_ z: Int, _ y: Int, _ x: Int) -> Int {
        z * self.z + y * self.y + x * self.x
    }
}

/// Numbers of cells along each axis.
public struct CellExtents: Hashable, Sendable {
    public var z, y, x: Int

    public init(z: Int, y: Int, x: Int) {
        self.z = z
        self.y = y
        self.x = x
    }

    /// Cells in all.
    public var count: Int { z * y * x }
}

/// The cells [origin, origin + extents) of a field, counted from its first owned cell.
public struct CellBox: Hashable, Sendable {
    public var origin: CellExtents
    public var extents: CellExtents

    public init(origin: CellExtents = CellExtents(z: 0, y: 0, x: 0), extents: CellExtents) {
        self.origin = origin
        self.extents = extents
    }
}

/// A three-dimensional convolution of kernel 1 or 3 and stride 1 or 2 with "same" padding:
///
///     y[o, c] = b[c] + sum over k, i of w[k, i, c] x[s o + k - p, i],      p = (kernel - 1) / 2
///
/// for cells o = (z, y, x), taps k = (kz, ky, kx), input channels i and output channels c. An input of Z cells
/// along an axis gives ceil(Z / s) outputs. The padding around a field holds its halo: neighbors' cells, or zeros.
///
/// The weights are w[kz, ky, kx, inputChannels, outputChannels], the last fastest.
public struct ConvolutionGeometry: Hashable, Sendable {
    /// 1 or 3, along every axis.
    public let kernel: Int
    /// 1 or 2, along every axis.
    public let stride: Int
    public let inputChannels: Int
    public let outputChannels: Int
    /// Input cells without padding.
    public let inputExtents: CellExtents

    public init(kernel: Int, stride: Int = 1, inputChannels: Int, outputChannels: Int, inputExtents: CellExtents) {
        precondition(kernel == 1 || kernel == 3, "a kernel is 1 or 3 cells wide")
        precondition(stride == 1 || stride == 2, "a stride is 1 or 2 cells")
        precondition(inputChannels > 0 && outputChannels > 0, "a cell has at least one channel")
        self.kernel = kernel
        self.stride = stride
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.inputExtents = inputExtents
    }

    /// Cells of padding on each side of a field that a kernel reads: 0 or 1.
    public var padding: Int { (kernel - 1) / 2 }
    /// Taps of the kernel: 1 or 27.
    public var taps: Int { kernel * kernel * kernel }
    /// Elements of the weights.
    public var weightCount: Int { taps * inputChannels * outputChannels }
    /// Output cells.
    public var outputExtents: CellExtents {
        CellExtents(z: (inputExtents.z + stride - 1) / stride, y: (inputExtents.y + stride - 1) / stride,
                    x: (inputExtents.x + stride - 1) / stride)
    }
    /// All input cells, and all output cells.
    public var inputBox: CellBox { CellBox(extents: inputExtents) }
    public var outputBox: CellBox { CellBox(extents: outputExtents) }

    /// Strides of a contiguous input with padding, [Z + 2p, Y + 2p, X + 2p, inputChannels].
    public var paddedInputStrides: CellStrides {
        CellStrides(packed: inputExtents, padding: padding, channels: inputChannels)
    }
    /// Strides of a contiguous input without padding, as the input's gradient is.
    public var inputStrides: CellStrides { CellStrides(packed: inputExtents, channels: inputChannels) }
    /// Strides of a contiguous output.
    public var outputStrides: CellStrides { CellStrides(packed: outputExtents, channels: outputChannels) }
    /// Strides of a contiguous output gradient with padding, which the input's gradient is gathered from.
    public var paddedOutputStrides: CellStrides {
        CellStrides(packed: outputExtents, padding: padding, channels: outputChannels)
    }
}
