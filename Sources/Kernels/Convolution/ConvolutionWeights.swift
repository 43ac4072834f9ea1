// Weights as the kernels read them: blocks of channels as wide as the registers they are summed in.
//
// A packed block is [1 + taps * readChannels][width]: the bias, then a row of weights for each tap and each channel
// that is read, in the order in which an output is summed. The last block is padded with zeros.

/// Channels of the next block where `remaining` are left: two vectors, one, or half of one.
@inline(__always)
func channelBlockWidth<T: KernelScalar>(_: T.Type, remaining: Int) -> Int {
    let vector = InstructionSet.vectorBytes == 64 ? T.Vector.scalarCount : T.HalfVector.scalarCount
    if remaining > vector + vector / 2 { return 2 * vector }
    return remaining > vector / 2 ? vector : vector / 2
}

private func packedCount<T: KernelScalar>(_: T.Type, rows: Int, channels: Int) -> Int {
    var padded = 0
    while padded < channels { padded += channelBlockWidth(T.self, remaining: channels - padded) }
    return padded * (1 + rows)
}

/// Elements of the packed weights of `convolutionForward`.
public func packedConvolutionWeightCount<T: KernelScalar>(_: T.Type, _ geometry: ConvolutionGeometry) -> Int {
    packedCount(T.self, rows: geometry.taps * geometry.inputChannels, channels: geometry.outputChannels)
}

/// Elements of the packed weights of `convolutionBackwardData`.
public func packedConvolutionAdjointWeightCount<T: KernelScalar>(_: T.Type, _ geometry: ConvolutionGeometry) -> Int {
    packedCount(T.self, rows: geometry.taps * geometry.outputChannels, channels: geometry.inputChannels)
}

/// Packs weights and bias for `convolutionForward`.
///
/// - Parameters:
///   - packed: `packedConvolutionWeightCount` elements, overwritten.
///   - weights: [kz, ky, kx, inputChannels, outputChannels].
///   - bias: [outputChannels], or none.
@specialized(where T == Float)
@specialized(where T == Double)
public func packConvolutionWeights<T: KernelScalar>(
    _ packed: UnsafeMutablePointer<T>, _ weights: UnsafePointer<T>, bias: UnsafePointer<T>?,
    _ geometry: ConvolutionGeometry
) {
    let channels = geometry.outputChannels
    let rows = geometry.taps * geometry.inputChannels
    var target = packed
    var first = 0
    while first < channels {
        let width = channelBlockWidth(T.self, remaining: channels - first)
        let valid = min(width, channels - first)
        for c in 0..<width { target[c] = c < valid ? bias?[first + c] ?? 0 : 0 }
        target += width
        for row in 0..<rows {
            let source = weights + row * channels + first
            for c in 0..<valid { target[c] = source[c] }
            for c in valid..<width { target[c] = 0 }
            target += width
        }
        first += width
    }
}

/// Packs weights for `convolutionBackwardData`: mirrored along every axis, input and output channels exchanged.
///
/// - Parameters:
///   - packed: `packedConvolutionAdjointWeightCount` elements, overwritten.
///   - weights: [kz, ky, kx, inputChannels, outputChannels].
@specialized(where T == Float)
@specialized(where T == Double)
public func packConvolutionAdjointWeights<T: KernelScalar>(
    _ packed: UnsafeMutablePointer<T>, _ weights: UnsafePointer<T>, _ geometry: ConvolutionGeometry
) {
    let (inputs, outputs) = (geometry.inputChannels, geometry.outputChannels)
    var target = packed
    var first = 0
    while first < inputs {
        let width = channelBlockWidth(T.self, remaining: inputs - first)
        let valid = min(width, inputs - first)
        for i in 0..<width { target[i] = 0 }
        target += width
        for tap in 0..<geometry.taps {
            let slab = weights + ((geometry.taps - 1 - tap) * inputs + first) * outputs
            for output in 0..<outputs {
                for i in 0..<valid { target[i] = slab[i * outputs + output] }
                for i in valid..<width { target[i] = 0 }
                target += width
            }
        }
        first += width
    }
}
