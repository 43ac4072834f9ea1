/// The gradient with respect to the input of `convolutionForward`, gathered for a box of input cells:
///
///     dx[i, c] = sum over taps k and outputs o with s o + k - p = i of w[k, c, :] . dy[o, :]
///
/// in one fixed order for each element. Contributions of outputs that other ranks own come from the halo of dy.
///
/// - Parameters:
///   - dx: input cell (0, 0, 0), [.., inputChannels] with `dxStrides`; only the cells of `box` are touched.
///   - dy: the output gradient; zero, or neighbors' cells, in the halo.
///   - packed: weights by `packConvolutionAdjointWeights`.
///   - box: input cells.
///   - accumulate: whether to add to dx or to replace it.
@specialized(where T == Float)
@specialized(where T == Double)
public func convolutionBackwardData<T: KernelScalar>(
    _ dx: UnsafeMutablePointer<T>, _ dxStrides: CellStrides, _ dy: ConvolutionField<T>,
    packed: UnsafePointer<T>, _ geometry: ConvolutionGeometry, box: CellBox, accumulate: Bool = false
) {
    // Input cells of one parity along each axis read the same taps: with stride 1 there is one class, else eight.
    for z in 0..<geometry.stride {
        let alongZ = geometry.adjointWindow(origin: box.origin.z, extent: box.extents.z, parity: z)
        for y in 0..<geometry.stride {
            let alongY = geometry.adjointWindow(origin: box.origin.y, extent: box.extents.y, parity: y)
            for x in 0..<geometry.stride {
                let alongX = geometry.adjointWindow(origin: box.origin.x, extent: box.extents.x, parity: x)
                let window = ConvolutionWindow(source: dy, z: alongZ, y: alongY, x: alongX,
                                               channels: geometry.outputChannels, kernel: geometry.kernel)
                gather(window, into: dx, dxStrides, packed: packed, channels: geometry.inputChannels,
                       rowsPerBlock: geometry.taps * geometry.outputChannels, accumulate: accumulate)
            }
        }
    }
}

/// `convolutionBackwardData` of an output gradient that lies between its halo; `dy` is its padded corner: the cell
/// `padding` before output cell (0, 0, 0) along each axis.
@specialized(where T == Float)
@specialized(where T == Double)
public func convolutionBackwardData<T: KernelScalar>(
    _ dx: UnsafeMutablePointer<T>, _ dxStrides: CellStrides, _ dy: UnsafePointer<T>, _ dyStrides: CellStrides,
    packed: UnsafePointer<T>, _ geometry: ConvolutionGeometry, box: CellBox, accumulate: Bool = false
) {
    let field = ConvolutionField(padded: dy, dyStrides, extents: geometry.outputExtents, padding: geometry.padding)
    convolutionBackwardData(dx, dxStrides, field, packed: packed, geometry, box: box, accumulate: accumulate)
}

extension ConvolutionGeometry {
    /// What the input cells of one parity along an axis of a box read from the output gradient: tap m of the mirrored
    /// kernel reads the output (i + m - p) / stride where that is whole.
    fileprivate func adjointWindow(origin: Int, extent: Int, parity: Int) -> AxisWindow {
        if stride == 1 {
            return AxisWindow(target: origin, targetStep: 1, cells: extent, source: origin - padding, sourceStep: 1,
                              taps: kernel, firstTap: 0, tapStep: 1)
        }
        let target = origin + ((origin + parity) & 1)
        let end = origin + extent
        let cells = end > target ? (end - target + 1) / 2 : 0
        let (firstTap, taps) = kernel == 1 ? (0, parity == 0 ? 1 : 0) : parity == 0 ? (1, 1) : (0, 2)
        return AxisWindow(target: target, targetStep: 2, cells: cells, source: target / 2, sourceStep: 1, taps: taps,
                          firstTap: firstTap, tapStep: 2)
    }
}
