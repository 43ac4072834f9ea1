import Kernels

/// Measures the most multiply-adds that one core does from registers, in GFLOP per second of
/// processor time, for about a millisecond.
func multiplyAddPeak<T: KernelScalar>(_: T.Type) -> () -> Double {
    // Ten chains of vectors wider than a register would not stay in registers.
    InstructionSet.vectorBytes == 64 ? { peak(T.Vector.self) } : { peak(T.HalfVector.self) }
}

private func peak<Vector: SIMD>(_: Vector.Type) -> Double where Vector.Scalar: BinaryFloatingPoint {
    withUnsafeTemporaryAllocation(of: Vector.self, capacity: 1) { sums in
        // The buffer has room for one vector, and only the callee writes it.
        sums.baseAddress.map { measurePeak($0) } ?? 0
    }
}

/// The sums are stored, out of line, so that the compiler drops nothing and takes no vector apart.
@inline(never)
@specialized(where Vector == SIMD16<Float>) @specialized(where Vector == SIMD8<Double>)
@specialized(where Vector == SIMD8<Float>) @specialized(where Vector == SIMD4<Double>)
private func measurePeak<Vector: SIMD>(_ sums: UnsafeMutablePointer<Vector>) -> Double
where Vector.Scalar: BinaryFloatingPoint {
    let iterations = 100_000
    // A number that the compiler cannot know.
    let factor = Vector(repeating: Vector.Scalar(0.5) + Vector.Scalar(UInt8.random(in: 0...1)) / 4)
    let one = Vector(repeating: 1)
    // Ten chains, which hide the latency of each other; equal ones would be merged into one.
    var (a, b, c, d, e) = (factor, factor * 2, factor * 3, factor * 4, factor * 5)
    var (f, g, h, i, j) = (factor * 6, factor * 7, factor * 8, factor * 9, factor * 10)
    let start = BenchmarkClock.processor.seconds
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
    }
    sums.pointee = ((a + b) + (c + d)) + ((e + f) + (g + h)) + (i + j)
    let elapsed = BenchmarkClock.processor.seconds - start
    return 2e-9 * Double(10 * iterations * Vector.scalarCount) / elapsed
}
