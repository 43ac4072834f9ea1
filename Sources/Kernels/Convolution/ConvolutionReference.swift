// The convolution kernels in plain loops, term by term as their equations say and in the same order of summation, so
// that the fast forward pass and data gradient must agree with them bit for bit.

/// `convolutionForward` in plain loops, with weights and bias as they are.
@specialized(where T == Float)
@specialized(where T == Double)
public func convolutionForwardReference<T: KernelScalar>(
    _ y: UnsafeMutablePointer<T>, _ yStrides: CellStrides, _ x: UnsafePointer<T>, _ xStrides: CellStrides,
    weights: UnsafePointer<T>, bias: UnsafePointer<T>?, _ geometry: ConvolutionGeometry, box: CellBox,
    accumulate: Bool = false
) {
    forEachCell(of: box) { z, py, px in
        for c in 0..<geometry.outputChannels {
            let target = y + yStrides.offset(z, py, px) + c
            var sum = bias?[c] ?? 0
            if accumulate { sum = target.pointee + sum }
            forEachTap(geometry.kernel) { tap, kz, ky, kx in
                let s = geometry.stride
                let source = x + xStrides.offset(s * z + kz, s * py + ky, s * px + kx)
                for i in 0..<geometry.inputChannels {
                    let weight = weights[(tap * geometry.inputChannels + i) * geometry.outputChannels + c]
                    sum = sum.addingProduct(source[i], weight)
                }
            }
            target.pointee = sum
        }
    }
}

/// `convolutionBackwardData` in plain loops, with the weights as they are.
@specialized(where T == Float)
@specialized(where T == Double)
public func convolutionBackwardDataReference<T: KernelScalar>(
    _ dx: UnsafeMutablePointer<T>, _ dxStrides: CellStrides, _ dy: UnsafePointer<T>, _ dyStrides: CellStrides,
    weights: UnsafePointer<T>, _ geometry: ConvolutionGeometry, box: CellBox, accumulate: Bool = false
) {
    let (s, p, kernel) = (geometry.stride, geometry.padding, geometry.kernel)
    forEachCell(of: box) { z, y, x in
        for i in 0..<geometry.inputChannels {
            let target = dx + dxStrides.offset(z, y, x) + i
            var sum = accumulate ? target.pointee : 0
            // Outputs in ascending order are taps in descending order.
            forEachTap(kernel) { mirrored, mz, my, mx in
                let (oz, oy, ox) = (z + mz - p, y + my - p, x + mx - p)
                guard oz % s == 0 && oy % s == 0 && ox % s == 0 else { return }
                let tap = kernel * kernel * kernel - 1 - mirrored
                let source = dy + dyStrides.offset(oz / s + p, oy / s + p, ox / s + p)
                for c in 0..<geometry.outputChannels {
                    let weight = weights[(tap * geometry.inputChannels + i) * geometry.outputChannels + c]
                    sum = sum.addingProduct(source[c], weight)
                }
            }
            target.pointee = sum
        }
    }
}

/// `convolutionBackwardWeights` in plain loops: one sum over all cells of the box in their order.
@specialized(where T == Float)
@specialized(where T == Double)
public func convolutionBackwardWeightsReference<T: KernelScalar>(
    _ dw: UnsafeMutablePointer<T>, _ db: UnsafeMutablePointer<T>?,
    _ dy: UnsafePointer<T>, _ dyStrides: CellStrides, _ x: UnsafePointer<T>, _ xStrides: CellStrides,
    _ geometry: ConvolutionGeometry, box: CellBox
) {
    let s = geometry.stride
    for c in 0..<geometry.outputChannels {
        forEachCell(of: box) { z, y, x in db?[c] += dy[dyStrides.offset(z, y, x) + c] }
        forEachTap(geometry.kernel) { tap, kz, ky, kx in
            for i in 0..<geometry.inputChannels {
                let target = dw + (tap * geometry.inputChannels + i) * geometry.outputChannels + c
                forEachCell(of: box) { z, py, px in
                    let input = x[xStrides.offset(s * z + kz, s * py + ky, s * px + kx) + i]
                    target.pointee = target.pointee.addingProduct(input, dy[dyStrides.offset(z, py, px) + c])
                }
            }
        }
    }
}

@inline(__always)
private func forEachCell(of box: CellBox, _ body: (Int, Int, Int) -> Void) {
    for z in box.origin.z..<box.origin.z + box.extents.z {
        for y in box.origin.y..<box.origin.y + box.extents.y {
            for x in box.origin.x..<box.origin.x + box.extents.x { body(z, y, x) }
        }
    }
}

@inline(__always)
private func forEachTap(_ kernel: Int, _ body: (_ tap: Int, Int, Int, Int) -> Void) {
    for tap in 0..<kernel * kernel * kernel { body(tap, tap / (kernel * kernel), tap / kernel % kernel, tap % kernel) }
}
