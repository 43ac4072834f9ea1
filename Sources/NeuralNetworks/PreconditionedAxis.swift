import COpenBLAS

/// One preconditioned axis of a parameter, whose elements are seen as an array [outer, length, inner].
///
/// Matrices are row-major and dense, vectors of a basis are its rows: E = Q^T.
struct PreconditionedAxis {
    let axis: Int
    let outer: Int
    let length: Int
    let inner: Int
    /// Where its matrices begin in the arenas of statistics and of bases.
    let offset: Int

    var matrixCount: Int { length * length }

    /// y = x in the basis: y[o, i, :] = sum over j of E[i, j] x[o, j, :].
    func rotate(_ x: UnsafePointer<Double>, by basis: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>) {
        product(x, basis, transposed: false, into: y)
    }

    /// The inverse of `rotate`.
    func rotateBack(_ x: UnsafePointer<Double>, by basis: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>) {
        product(x, basis, transposed: true, into: y)
    }

    private func product(
        _ x: UnsafePointer<Double>, _ basis: UnsafePointer<Double>, transposed: Bool,
        into y: UnsafeMutablePointer<Double>
    ) {
        let (n, columns) = (blasint(length), blasint(inner))
        if inner == 1 {
            // One product, with the basis on the other side.
            return cblas_dgemm(
                CblasRowMajor, CblasNoTrans, transposed ? CblasNoTrans : CblasTrans, blasint(outer), n, n, 1, x, n,
                basis, n, 0, y, n)
        }
        for slice in 0..<outer {
            let begin = slice * length * inner
            cblas_dgemm(
                CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, n, columns, n, 1, basis, n,
                x + begin, columns, 0, y + begin, columns)
        }
    }

    /// S[i, j] <- decay S[i, j] + (1 - decay) sum over o, k of g[o, i, k] g[o, j, k], the upper triangle alone.
    func accumulate(_ g: UnsafePointer<Double>, decay: Double, into statistics: UnsafeMutablePointer<Double>) {
        let n = blasint(length)
        if inner == 1 {
            return cblas_dsyrk(
                CblasRowMajor, CblasUpper, CblasTrans, n, blasint(outer), 1 - decay, g, n, decay, statistics, n)
        }
        for slice in 0..<outer {
            cblas_dsyrk(
                CblasRowMajor, CblasUpper, CblasNoTrans, n, blasint(inner), 1 - decay, g + slice * length * inner,
                blasint(inner), slice == 0 ? decay : 1, statistics, n)
        }
    }
}
