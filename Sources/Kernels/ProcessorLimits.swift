// Loops that do nothing but reach a limit of the processor: what kernels are measured against.

/// Multiply-adds from registers alone, in twelve independent chains that hide each other's latency.
///
/// - Parameters:
///   - sink: a number that the compiler cannot know; the sum of the chains is stored in it, so that nothing is dropped.
/// - Returns: floating point operations done, two a multiply-add.
@specialized(where T == Float)
@specialized(where T == Double)
public func multiplyAddChains<T: KernelScalar>(_ sink: UnsafeMutablePointer<T>, iterations: Int) -> Int {
    // Chains of vectors wider than a register would not stay in registers.
    if InstructionSet.vectorBytes == 64 {
        sink.pointee = chains(T.Vector(repeating: sink.pointee), iterations).sum()
        return 24 * T.Vector.scalarCount * iterations
    }
    if InstructionSet.vectorBytes == 32 {
        sink.pointee = chains(T.HalfVector(repeating: sink.pointee), iterations).sum()
        return 24 * T.HalfVector.scalarCount * iterations
    }
    sink.pointee = chains(T.QuarterVector(repeating: sink.pointee), iterations).sum()
    return 24 * T.QuarterVector.scalarCount * iterations
}

@inline(__always)
private func chains<Vector: SIMD>(_ factor: Vector, _ iterations: Int) -> Vector
where Vector.Scalar: BinaryFloatingPoint {
    let one = Vector(repeating: 1)
    // Equal chains would be merged into one.
    var (a, b, c, d, e, f) = (factor, factor * 2, factor * 3, factor * 4, factor * 5, factor * 6)
    var (g, h, i, j, k, l) = (factor * 7, factor * 8, factor * 9, factor * 10, factor * 11, factor * 12)
    for _ in 0..<iterations {
        a = one.addingProduct(a, factor)
        b = one.addingProduct(b, factor)
        c = one.addingProduct(c, factor)
        d = one.addingProduct(d, factor)
        e = one.addingProduct(e, factor)
        f = one.addingProduct(f, factor)
        g = one.addingProduct(g, factor)
        h = one.addingProduct(h, factor)
        i = one.addingProduct(i, factor)
        j = one.addingProduct(j, factor)
        k = one.addingProduct(k, factor)
        l = one.addingProduct(l, factor)
    }
    return (((a + b) + (c + d)) + ((e + f) + (g + h))) + ((i + j) + (k + l))
}

/// a <- b + factor c over arrays: the triad of the STREAM benchmark (McCalpin 1995), which moves three numbers for two
/// operations.
///
/// - Precondition: `count` is a multiple of 16.
@inline(never)
public func triad(
    _ a: UnsafeMutablePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>, factor: Float, count: Int
) {
    let factors = SIMD16<Float>(repeating: factor)
    for index in stride(from: 0, to: count, by: 16) {
        store(load(b + index).addingProduct(factors, load(c + index)), to: a + index)
    }
}
