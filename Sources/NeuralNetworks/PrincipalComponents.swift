import COpenBLAS
import Foundation
import Tensor

/// Sums of vectors and of their products, in double precision: mean and covariance.
public struct VectorMoments {
    public let length: Int
    public private(set) var count = 0
    private var sums: [Double]
    /// The lower triangle. [length, length]
    private var products: [Double]

    public init(length: Int) {
        self.length = length
        sums = [Double](repeating: 0, count: length)
        products = [Double](repeating: 0, count: length * length)
    }

    /// Adds a vector [length].
    public mutating func add(_ vector: UnsafePointer<Double>) {
        count += 1
        products.withUnsafeMutableBufferPointer { products in
            sums.withUnsafeMutableBufferPointer { sums in
                for i in 0..<length {
                    let value = vector[i]
                    sums[i] += value
                    // Sparse vectors are common: cells of automata, empty slots.
                    guard value != 0 else { continue }
                    for j in 0...i { products[i * length + j] += value * vector[j] }
                }
            }
        }
    }

    /// Adds the moments of other vectors.
    public mutating func add(_ other: VectorMoments) {
        count += other.count
        for index in sums.indices { sums[index] += other.sums[index] }
        for index in products.indices { products[index] += other.products[index] }
    }

    public var mean: [Double] { sums.map { $0 / Double(max(count, 1)) } }

    /// Symmetric, [length, length].
    public var covariance: [Double] {
        let mean = mean
        var result = [Double](repeating: 0, count: length * length)
        for i in 0..<length {
            for j in 0...i {
                let value = products[i * length + j] / Double(max(count, 1)) - mean[i] * mean[j]
                result[i * length + j] = value
                result[j * length + i] = value
            }
        }
        return result
    }
}

/// The principal axes of a symmetric matrix that is nowhere negative, such as a covariance.
public struct PrincipalComponents {
    /// Variances along the axes, descending.
    public let variances: [Double]
    /// Unit vectors in rows, each with its largest component positive. [length, length]
    public let axes: [Double]
    public let length: Int

    /// - Returns: nil for a matrix that is not finite.
    public init?(covariance: [Double], length: Int) {
        precondition(covariance.count == length * length, "a matrix of \(length) rows")
        let basis = Buffer<Double>(repeating: 0, count: length * length)
        let found = withSingleThreadedLibrary {
            covariance.withUnsafeBufferPointer { matrix in
                Eigenbases(largest: length).find(basis.pointer, of: matrix.baseAddress!, length: length)
            }
        }
        guard found, covariance.allSatisfy(\.isFinite) else { return nil }
        var variances: [Double] = []
        var axes: [Double] = []
        // LAPACK's order is ascending.
        for row in (0..<length).reversed() {
            let axis = (0..<length).map { basis.pointer[row * length + $0] }
            let largest = axis.max { abs($0) < abs($1) } ?? 1
            axes += axis.map { largest < 0 ? -$0 : $0 }
            variances.append((0..<length).reduce(0.0) { sum, i in
                sum + axis[i] * (0..<length).reduce(0.0) { $0 + covariance[i * length + $1] * axis[$1] }
            })
        }
        self.variances = variances
        self.axes = axes
        self.length = length
    }

    /// How many directions the vectors spread over: the exponential of the entropy of the shares that the axes have of
    /// the variance. The length for a white covariance, 1 for vectors on a line.
    public static func effectiveRank(of variances: [Double]) -> Double {
        let positive = variances.filter { $0 > 0 }
        let sum = positive.reduce(0, +)
        guard sum > 0 else { return 0 }
        return exp(positive.reduce(0.0) { $0 - $1 / sum * log($1 / sum) })
    }
}
