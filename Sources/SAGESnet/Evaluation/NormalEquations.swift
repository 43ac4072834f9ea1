/// Least squares with several right-hand sides by normal equations, in double precision: a matrix W [columns, outputs]
/// that minimizes |F W - Y|^2 + ridge rows |W|^2.
struct NormalEquations {
    let columns: Int
    let outputs: Int
    private(set) var rows = 0
    /// F^T F, its lower triangle. [columns, columns]
    private var products: [Double]
    /// F^T Y. [columns, outputs]
    private var moments: [Double]

    init(columns: Int, outputs: Int) {
        self.columns = columns
        self.outputs = outputs
        products = [Double](repeating: 0, count: columns * columns)
        moments = [Double](repeating: 0, count: columns * outputs)
    }

    /// Adds an equation: `features` [columns], `values` [outputs].
    mutating func add(_ features: UnsafePointer<Double>, _ values: UnsafePointer<Double>) {
        rows += 1
        products.withUnsafeMutableBufferPointer { products in
            guard var row = products.baseAddress else { return }
            for i in 0..<columns {
                let feature = features[i]
                for j in 0...i { row[j] += feature * features[j] }
                row += columns
            }
        }
        moments.withUnsafeMutableBufferPointer { moments in
            for i in 0..<columns {
                for output in 0..<outputs { moments[i * outputs + output] += features[i] * values[output] }
            }
        }
    }

    /// The weights [columns, outputs], by Cholesky's factorization; nil if the matrix is not positive definite, which a
    /// positive ridge prevents for finite numbers.
    func solve(ridge: Double) -> [Double]? {
        var factor = products
        for i in 0..<columns { factor[i * columns + i] += ridge * Double(rows) }
        for i in 0..<columns {
            for j in 0...i {
                var sum = factor[i * columns + j]
                for k in 0..<j { sum -= factor[i * columns + k] * factor[j * columns + k] }
                if i == j {
                    guard sum > 0, sum.isFinite else { return nil }
                    factor[i * columns + i] = sum.squareRoot()
                } else {
                    factor[i * columns + j] = sum / factor[j * columns + j]
                }
            }
        }
        var weights = moments
        for output in 0..<outputs {
            for i in 0..<columns {
                var sum = weights[i * outputs + output]
                for k in 0..<i { sum -= factor[i * columns + k] * weights[k * outputs + output] }
                weights[i * outputs + output] = sum / factor[i * columns + i]
            }
            for i in stride(from: columns - 1, through: 0, by: -1) {
                var sum = weights[i * outputs + output]
                for k in (i + 1)..<columns { sum -= factor[k * columns + i] * weights[k * outputs + output] }
                weights[i * outputs + output] = sum / factor[i * columns + i]
            }
        }
        return weights
    }
}
