import COpenBLAS
import Tensor

/// Memory for the decompositions of matrices of up to `largest` rows, and the decompositions.
struct Eigenbases {
    /// Columns that LAPACK's blocked algorithms take at once.
    private static let block = 32

    private let product: Buffer<Double>
    private let work: Buffer<Double>
    private let reflections: Buffer<Double>
    private let estimates: Buffer<Double>
    /// Filled by `follow`: the place of each vector of the new basis in the old one.
    let order: Buffer<Int>

    init(largest: Int) {
        product = Buffer(repeating: 0, count: largest * largest)
        work = Buffer(repeating: 0, count: largest * Self.block)
        reflections = Buffer(repeating: 0, count: largest)
        estimates = Buffer(repeating: 0, count: largest)
        order = Buffer(repeating: 0, count: largest)
    }

    /// All eigenvectors of a symmetric matrix, by ascending eigenvalue. Allocates.
    ///
    /// - Returns: whether they were found.
    func find(_ basis: UnsafeMutablePointer<Double>, of matrix: UnsafePointer<Double>, length: Int) -> Bool {
        guard isFinite(matrix, length: length) else { return false }
        basis.update(from: matrix, count: length * length)
        let work = Buffer<Double>(repeating: 0, count: 1 + 6 * length + 2 * length * length)
        let integers = Buffer<blasint>(repeating: 0, count: 3 + 5 * length)
        var n = blasint(length)
        var (workCount, integerCount, status) = (blasint(work.count), blasint(integers.count), blasint(0))
        // LAPACK's lower triangle, by columns, is the upper one by rows, and its columns are rows.
        dsyevd_("V", "L", &n, basis, &n, estimates.pointer, work.pointer, &workCount, integers.pointer, &integerCount,
                &status, 1, 1)
        return status == 0
    }

    /// One power iteration: the vectors by descending estimate of their eigenvalue, times the matrix, made orthonormal.
    ///
    /// - Returns: whether the matrix is finite.
    func follow(_ basis: UnsafeMutablePointer<Double>, of matrix: UnsafePointer<Double>, length: Int) -> Bool {
        guard isFinite(matrix, length: length) else { return false }
        var n = blasint(length)
        cblas_dsymm(
            CblasRowMajor, CblasRight, CblasUpper, n, n, 1, matrix, n, basis, n, 0, product.pointer, n)
        for row in 0..<length {
            var estimate = 0.0
            for column in row * length..<(row + 1) * length { estimate += basis[column] * product.pointer[column] }
            // Inserted behind all that are not smaller: nearly sorted as they are, this is a pass or two.
            var place = row
            while place > 0 && estimates.pointer[place - 1] < estimate {
                estimates.pointer[place] = estimates.pointer[place - 1]
                order.pointer[place] = order.pointer[place - 1]
                place -= 1
            }
            estimates.pointer[place] = estimate
            order.pointer[place] = row
        }
        for row in 0..<length {
            (basis + row * length).update(from: product.pointer + order.pointer[row] * length, count: length)
        }
        var (workCount, status) = (blasint(work.count), blasint(0))
        dgeqrf_(&n, &n, basis, &n, reflections.pointer, work.pointer, &workCount, &status)
        precondition(status == 0, "dgeqrf: argument \(-status)")
        dorgqr_(&n, &n, &n, basis, &n, reflections.pointer, work.pointer, &workCount, &status)
        precondition(status == 0, "dorgqr: argument \(-status)")
        return true
    }

    /// Whether `follow` has changed the order.
    func isReordered(length: Int) -> Bool { (0..<length).contains { order.pointer[$0] != $0 } }

    /// No element of a matrix of products is larger than the largest one of its diagonal.
    private func isFinite(_ matrix: UnsafePointer<Double>, length: Int) -> Bool {
        (0..<length).allSatisfy { matrix[$0 * (length + 1)].isFinite }
    }
}

/// Runs `body` with one thread in OpenBLAS, whose threads would change the bits.
func withSingleThreadedLibrary<T>(_ body: () throws -> T) rethrows -> T {
    let threads = openblas_get_num_threads()
    guard threads > 1 else { return try body() }
    openblas_set_num_threads(1)
    defer { openblas_set_num_threads(threads) }
    return try body()
}
