import COpenBLAS

/// Eigenvalues of a symmetric matrix, ascending, and their vectors.
struct SymmetricEigenvectors {
    /// [n]
    let values: [Double]
    /// One a row, of length 1; its largest component is positive. [n, n]
    let vectors: [Double]

    /// nil where LAPACK finds none, as for numbers that are not finite.
    ///
    /// - Parameter matrix: [n, n]
    init?(of matrix: [Double], length: Int) {
        var vectors = matrix
        var values = [Double](repeating: 0, count: length)
        var work = [Double](repeating: 0, count: 1 + 6 * length + 2 * length * length)
        var integers = [blasint](repeating: 0, count: 3 + 5 * length)
        var (n, status) = (blasint(length), blasint(0))
        var (workCount, integerCount) = (blasint(work.count), blasint(integers.count))
        guard matrix.allSatisfy(\.isFinite) else { return nil }
        // LAPACK's lower triangle, by columns, is the upper one by rows, and its columns are rows.
        dsyevd_("V", "L", &n, &vectors, &n, &values, &work, &workCount, &integers, &integerCount, &status, 1, 1)
        guard status == 0 else { return nil }
        for row in 0..<length {
            let range = (row * length)..<((row + 1) * length)
            let largest = vectors[range].max { abs($0) < abs($1) } ?? 0
            if largest < 0 { for index in range { vectors[index].negate() } }
        }
        (self.values, self.vectors) = (values, vectors)
    }
}
