/// The convolution of `ConvolutionGeometry` for a box of output cells:
/// y = b + w * x, or y += b + w * x where `accumulate` is set.
///
/// An output's bits depend on its own window alone, not on the box, the other cells, nor where its window lies.
///
/// - Parameters:
///   - y: output cell (0, 0, 0), [.., outputChannels] with `yStrides`; only the cells of `box` are touched.
///   - x: the input; the halo must be filled where windows of the box reach it.
///   - packed: weights and bias by `packConvolutionWeights`.
///   - box: output cells.
@specialized(where T == Float)
@specialized(where T == Double)
public func convolutionForward<T: KernelScalar>(
    _ y: UnsafeMutablePointer<T>, _ yStrides: CellStrides, _ x: ConvolutionField<T>,
    packed: UnsafePointer<T>, _ geometry: ConvolutionGeometry, box: CellBox, accumulate: Bool = false
) {
    gather(geometry.forwardWindow(x, box), into: y, yStrides, packed: packed, channels: geometry.outputChannels,
           rowsPerBlock: geometry.taps * geometry.inputChannels, accumulate: accumulate)
}

/// `convolutionForward` of an input that lies between its halo; `x` is the padded input's corner: the cell `padding`
/// before input cell (0, 0, 0) along each axis.
@specialized(where T == Float)
@specialized(where T == Double)
public func convolutionForward<T: KernelScalar>(
    _ y: UnsafeMutablePointer<T>, _ yStrides: CellStrides, _ x: UnsafePointer<T>, _ xStrides: CellStrides,
    packed: UnsafePointer<T>, _ geometry: ConvolutionGeometry, box: CellBox, accumulate: Bool = false
) {
    convolutionForward(
        y, yStrides, geometry.paddedInput(x, xStrides), packed: packed, geometry, box: box, accumulate: accumulate)
}

extension ConvolutionGeometry {
    func paddedInput<T>(_ corner: UnsafePointer<T>, _ strides: CellStrides) -> ConvolutionField<T> {
        ConvolutionField(padded: corner, strides, extents: inputExtents, padding: padding)
    }

    /// What the outputs of a box read from the input, also for the weight gradient.
    func forwardWindow<T>(_ input: ConvolutionField<T>, _ box: CellBox) -> ConvolutionWindow<T> {
        func axis(_ origin: Int, _ extent: Int) -> AxisWindow {
            AxisWindow(target: origin, targetStep: 1, cells: extent, source: stride * origin - padding,
                       sourceStep: stride, taps: kernel, firstTap: 0, tapStep: 1)
        }
        return ConvolutionWindow(
            source: input, z: axis(box.origin.z, box.extents.z), y: axis(box.origin.y, box.extents.y),
            x: axis(box.origin.x, box.extents.x), channels: inputChannels, kernel: kernel)
    }
}
