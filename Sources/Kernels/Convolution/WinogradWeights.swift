// Weights as the Winograd kernels read them: the bias, padded to whole channel blocks, then for each of the 64 points
// and each block of output channels [readChannels][width].

private func packedCount<T: KernelScalar>(_: T.Type, read: Int, written: Int) -> Int {
    let row = WinogradBlock<T>.row(blocks: written)
    return row + winogradPoints * WinogradBlock<T>.padded(row * read)
}

/// Elements of the packed weights of `winogradForward`.
public func packedWinogradWeightCount<T: KernelScalar>(_ type: T.Type, _ geometry: ConvolutionGeometry) -> Int {
    packedCount(type, read: geometry.inputChannels, written: geometry.outputChannels)
}

/// Elements of the packed weights of `winogradBackwardData`.
public func packedWinogradAdjointWeightCount<T: KernelScalar>(_ type: T.Type, _ geometry: ConvolutionGeometry) -> Int {
    packedCount(type, read: geometry.outputChannels, written: geometry.inputChannels)
}

/// Transforms and packs weights and bias for `winogradForward`.
///
/// - Parameters:
///   - packed: `packedWinogradWeightCount` elements, overwritten.
///   - weights: [kz, ky, kx, inputChannels, outputChannels].
///   - bias: [outputChannels], or none.
@specialized(where T == Float)
@specialized(where T == Double)
public func packWinogradWeights<T: KernelScalar>(
    _ packed: UnsafeMutablePointer<T>, _ weights: UnsafePointer<T>, bias: UnsafePointer<T>?,
    _ geometry: ConvolutionGeometry
) {
    let (inputs, outputs) = (geometry.inputChannels, geometry.outputChannels)
    pack(packed, bias, read: inputs, written: outputs) { tap, i in weights + (tap * inputs + i) * outputs } stride: { 1 }
}

/// Transforms and packs weights for `winogradBackwardData`: mirrored along every axis, channels exchanged.
///
/// - Parameters:
///   - packed: `packedWinogradAdjointWeightCount` elements, overwritten.
///   - weights: [kz, ky, kx, inputChannels, outputChannels].
@specialized(where T == Float)
@specialized(where T == Double)
public func packWinogradAdjointWeights<T: KernelScalar>(
    _ packed: UnsafeMutablePointer<T>, _ weights: UnsafePointer<T>, _ geometry: ConvolutionGeometry
) {
    let (inputs, outputs) = (geometry.inputChannels, geometry.outputChannels)
    pack(packed, nil, read: outputs, written: inputs) { tap, o in
        weights + (geometry.taps - 1 - tap) * inputs * outputs + o
    } stride: { outputs }
}

/// - Parameters:
///   - row: the weights of a tap and a channel that is read, for written channel 0.
///   - stride: from one written channel to the next.
@inline(__always)
private func pack<T: KernelScalar>(
    _ packed: UnsafeMutablePointer<T>, _ bias: UnsafePointer<T>?, read: Int, written: Int,
    row: (Int, Int) -> UnsafePointer<T>, stride: () -> Int
) {
    let padded = WinogradBlock<T>.row(blocks: written)
    for c in 0..<padded { packed[c] = c < written ? bias?[c] ?? 0 : 0 }
    let pointStride = WinogradBlock<T>.padded(padded * read)
    // Blocks are multiples of half a vector.
    let lanes = InstructionSet.vectorBytes == 64 ? T.HalfVector.scalarCount : T.QuarterVector.scalarCount
    var first = 0
    while first < written {
        let width = channelBlockWidth(T.self, remaining: written - first)
        for part in Swift.stride(from: 0, to: width, by: lanes) {
            for channel in 0..<read {
                let target = packed + padded + first * read + channel * width + part
                let valid = max(0, min(lanes, written - first - part))
                if InstructionSet.vectorBytes == 64 {
                    packLanes(T.HalfVector.self, target, pointStride: pointStride, valid, stride: stride()) {
                        row($0, channel) + (first + part) * stride()
                    }
                } else {
                    packLanes(T.QuarterVector.self, target, pointStride: pointStride, valid, stride: stride()) {
                        row($0, channel) + (first + part) * stride()
                    }
                }
            }
        }
        first += width
    }
}

@inline(__always)
private func packLanes<V: SIMD>(
    _: V.Type, _ target: UnsafeMutablePointer<V.Scalar>, pointStride: Int, _ valid: Int, stride: Int,
    _ row: (Int) -> UnsafePointer<V.Scalar>
) where V.Scalar: KernelScalar {
    WinogradTransform<V>.kernelPoints { z, y, x in
        let source = row(9 * z + 3 * y + x)
        if stride == 1 && valid == V.scalarCount { return Lanes<V>(loading: source) }
        var values = V.zero
        for lane in 0..<valid { values[lane] = source[lane * stride] }
        return Lanes(values)
    } store: { point, value in
        value.store(to: target + point * pointStride)
    }
}
