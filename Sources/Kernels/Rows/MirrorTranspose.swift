/// out[k, o, i] = weights[K-1-k, i, o]: the weights with which a convolution's adjoint is itself a convolution.
///
/// The offsets of a kernel are listed so that K-1-k is the opposite of k. Applying it twice gives the weights back.
@specialized(where T == Float)
@specialized(where T == Double)
public func mirrorTranspose<T: KernelScalar>(
    _ out: UnsafeMutablePointer<T>, _ weights: UnsafePointer<T>, offsets: Int, inputs: Int, outputs: Int
) {
    let slab = inputs * outputs
    for k in 0..<offsets {
        let source = weights + (offsets - 1 - k) * slab
        let target = out + k * slab
        // Blocks keep both sides within a few cache lines.
        for block in stride(from: 0, to: inputs, by: 16) {
            let end = min(block + 16, inputs)
            for o in 0..<outputs {
                for i in block..<end { target[o * inputs + i] = source[i * outputs + o] }
            }
        }
    }
}
