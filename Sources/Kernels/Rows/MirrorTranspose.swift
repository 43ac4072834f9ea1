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
        transpose(out + k * slab, weights + (offsets - 1 - k) * slab, rows: inputs, columns: outputs)
    }
}

/// target[c, r] = source[r, c].
@inline(__always)
private func transpose<T: KernelScalar>(
    _ target: UnsafeMutablePointer<T>, _ source: UnsafePointer<T>, rows: Int, columns: Int
) {
    // Only blocks of float32 have a transposition in registers.
    let blockRows = T.self == Float.self && InstructionSet.vectorBytes == 64 ? rows / 16 * 16 : 0
    let blockColumns = columns / 16 * 16
    for row in stride(from: 0, to: blockRows, by: 16) {
        for column in stride(from: 0, to: blockColumns, by: 16) {
            transposeBlock(
                UnsafeMutableRawPointer(target + column * rows + row), targetStride: rows,
                UnsafeRawPointer(source + row * columns + column), sourceStride: columns)
        }
    }
    for row in 0..<rows {
        for column in (row < blockRows ? blockColumns : 0)..<columns {
            target[column * rows + row] = source[row * columns + column]
        }
    }
}

/// A block of 16 x 16 float32; strides are in elements.
///
/// Row and lane of an element are the high and low half of an 8-bit number. Taking the even, then the odd lanes of
/// each pair of rows turns the number by one bit; four turns exchange its halves.
@inline(never)
private func transposeBlock(
    _ target: UnsafeMutableRawPointer, targetStride: Int, _ source: UnsafeRawPointer, sourceStride: Int
) {
    typealias Vector = SIMD16<Float>
    @inline(__always) func row(_ index: Int) -> Vector {
        source.loadUnaligned(fromByteOffset: 4 * index * sourceStride, as: Vector.self)
    }
    var block = Rows16(
        (row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7)),
        (row(8), row(9), row(10), row(11), row(12), row(13), row(14), row(15)))
    for _ in 0..<4 { block = block.turned() }
    @inline(__always) func put(_ index: Int, _ vector: Vector) {
        target.storeBytes(of: vector, toByteOffset: 4 * index * targetStride, as: Vector.self)
    }
    put(0, block.low.0)
    put(1, block.low.1)
    put(2, block.low.2)
    put(3, block.low.3)
    put(4, block.low.4)
    put(5, block.low.5)
    put(6, block.low.6)
    put(7, block.low.7)
    put(8, block.high.0)
    put(9, block.high.1)
    put(10, block.high.2)
    put(11, block.high.3)
    put(12, block.high.4)
    put(13, block.high.5)
    put(14, block.high.6)
    put(15, block.high.7)
}

/// Sixteen rows in registers.
private struct Rows16 {
    typealias Vector = SIMD16<Float>
    typealias Half = (Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector)
    var low, high: Half

    @inline(__always) init(_ low: Half, _ high: Half) { (self.low, self.high) = (low, high) }

    @inline(__always) private func even(_ a: Vector, _ b: Vector) -> Vector {
        Vector(lowHalf: a.evenHalf, highHalf: b.evenHalf)
    }
    @inline(__always) private func odd(_ a: Vector, _ b: Vector) -> Vector {
        Vector(lowHalf: a.oddHalf, highHalf: b.oddHalf)
    }

    /// The even lanes of all pairs of rows, then the odd ones.
    @inline(__always) func turned() -> Rows16 {
        Rows16(
            (even(low.0, low.1), even(low.2, low.3), even(low.4, low.5), even(low.6, low.7),
             even(high.0, high.1), even(high.2, high.3), even(high.4, high.5), even(high.6, high.7)),
            (odd(low.0, low.1), odd(low.2, low.3), odd(low.4, low.5), odd(low.6, low.7),
             odd(high.0, high.1), odd(high.2, high.3), odd(high.4, high.5), odd(high.6, high.7)))
    }
}
