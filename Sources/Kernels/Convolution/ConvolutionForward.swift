/// The convolution of `ConvolutionGeometry` for a box of output cells:
/// y = b + w * x, or y += b + w * x where `accumulate` is set.
///
/// An output's bits depend on its own window alone, not on the box nor on the other cells.
///
/// - Parameters:
///   - y: output cell (0, 0, 0), [.., outputChannels] with `yStrides`; only the cells of `box` are touched.
///   - x: the padded input's corner: the cell `padding` before input cell (0, 0, 0) along each axis, with
///     `xStrides`. The halo must be filled where windows of the box reach it.
///   - packed: weights and bias by `packConvolutionWeights`.
///   - box: output cells.
@specialized(where T == Float)
@specialized(where T == Double)
public func convolutionForward<T: KernelScalar>(
    _ y: UnsafeMutablePointer<T>, _ yStrides: CellStrides, _ x: UnsafePointer<T>, _ xStrides: CellStrides,
    packed: UnsafePointer<T>, _ geometry: ConvolutionGeometry, box: CellBox, accumulate: Bool = false
) {
    let (kernel, stride, channels) = (geometry.kernel, geometry.stride, geometry.inputChannels)
    let origin = box.origin
    gather(GatherPass(
        target: y + yStrides.offset(origin.z, origin.y, origin.x), targetStrides: yStrides,
        source: x + stride * xStrides.offset(origin.z, origin.y, origin.x),
        sourceStrides: CellStrides(z: stride * xStrides.z, y: stride * xStrides.y, x: stride * xStrides.x),
        cells: box.extents,
        window: TapWindow(
            taps: CellExtents(z: kernel, y: kernel, x: kernel), source: xStrides, firstRow: 0,
            rows: CellStrides(z: kernel * kernel * channels, y: kernel * channels, x: channels), run: channels),
        packed: packed, channels: geometry.outputChannels, rowsPerBlock: geometry.taps * channels,
        accumulate: accumulate))
}
