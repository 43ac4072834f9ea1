/// The gradient with respect to the input of `convolutionForward`, gathered for a box of input cells:
///
///     dx[i, c] = sum over taps k and outputs o with s o + k - p = i of w[k, c, :] . dy[o, :]
///
/// in one fixed order for each element. Contributions of outputs that other ranks own come from the halo of dy.
///
/// - Parameters:
///   - dx: input cell (0, 0, 0), [.., inputChannels] with `dxStrides`; only the cells of `box` are touched.
///   - dy: the padded output gradient's corner: the cell `padding` before output cell (0, 0, 0), with `dyStrides`;
///     zero, or neighbors' cells, in the halo.
///   - packed: weights by `packConvolutionAdjointWeights`.
///   - box: input cells.
///   - accumulate: whether to add to dx or to replace it.
@specialized(where T == Float)
@specialized(where T == Double)
public func convolutionBackwardData<T: KernelScalar>(
    _ dx: UnsafeMutablePointer<T>, _ dxStrides: CellStrides, _ dy: UnsafePointer<T>, _ dyStrides: CellStrides,
    packed: UnsafePointer<T>, _ geometry: ConvolutionGeometry, box: CellBox, accumulate: Bool = false
) {
    let (kernel, step, channels) = (geometry.kernel, geometry.stride, geometry.outputChannels)
    // Input cells of one parity along each axis read the same taps: with stride 1 there is one class, else eight.
    for z in 0..<step {
        let alongZ = AxisClass(geometry, origin: box.origin.z, extent: box.extents.z, parity: z)
        for y in 0..<step {
            let alongY = AxisClass(geometry, origin: box.origin.y, extent: box.extents.y, parity: y)
            for x in 0..<step {
                let alongX = AxisClass(geometry, origin: box.origin.x, extent: box.extents.x, parity: x)
                let rows = CellStrides(z: kernel * kernel * channels, y: kernel * channels, x: channels)
                gather(GatherPass(
                    target: dx + dxStrides.offset(alongZ.target, alongY.target, alongX.target),
                    targetStrides: CellStrides(z: step * dxStrides.z, y: step * dxStrides.y, x: step * dxStrides.x),
                    source: dy + dyStrides.offset(alongZ.source, alongY.source, alongX.source),
                    sourceStrides: dyStrides,
                    cells: CellExtents(z: alongZ.cells, y: alongY.cells, x: alongX.cells),
                    window: TapWindow(
                        taps: CellExtents(z: alongZ.taps, y: alongY.taps, x: alongX.taps), source: dyStrides,
                        firstRow: rows.offset(alongZ.firstTap, alongY.firstTap, alongX.firstTap),
                        rows: CellStrides(z: step * rows.z, y: step * rows.y, x: step * rows.x), run: channels),
                    packed: packed, channels: geometry.inputChannels, rowsPerBlock: geometry.taps * channels,
                    accumulate: accumulate))
            }
        }
    }
}

/// The input cells of one parity along an axis of a box, and the taps of the mirrored kernel that they read.
private struct AxisClass {
    /// The first cell and the number of cells, `stride` apart.
    var target: Int
    var cells: Int
    /// The padded index of the output that the first tap of the first cell reads.
    var source: Int
    /// Taps of the mirrored kernel, `stride` apart.
    var firstTap: Int
    var taps: Int

    init(_ geometry: ConvolutionGeometry, origin: Int, extent: Int, parity: Int) {
        let (stride, kernel) = (geometry.stride, geometry.kernel)
        target = stride == 1 ? origin : origin + ((origin + parity) & 1)
        let end = origin + extent
        cells = end > target ? (end - target + stride - 1) / stride : 0
        // Tap m of the mirrored kernel reads the output (i + m - p) / stride where that is whole.
        if stride == 1 {
            (source, firstTap, taps) = (target, 0, kernel)
        } else if kernel == 1 {
            (source, firstTap, taps) = (target / 2, 0, parity == 0 ? 1 : 0)
        } else if parity == 0 {
            (source, firstTap, taps) = (target / 2 + 1, 1, 1)
        } else {
            (source, firstTap, taps) = (target / 2 + 1, 0, 2)
        }
    }
}
