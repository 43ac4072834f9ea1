/// Weighted sums of unknowns that stay what they were at the start of a problem.
struct LinearInvariants {
    /// Of the unknowns, in each sum.
    private let weights: [[Double]]
    private var sums: [Double]
    /// Of the equations for a correction: [sums, sums + 1], row after row.
    private var equations: [Double]

    init(_ weights: [[Double]]) {
        self.weights = weights
        sums = Array(repeating: 0, count: weights.count)
        equations = Array(repeating: 0, count: weights.count * (weights.count + 1))
    }

    private func sum(_ index: Int, _ values: UnsafePointer<Double>) -> Double {
        let weights = weights[index]
        var sum = 0.0
        for unknown in weights.indices { sum += weights[unknown] * values[unknown] }
        return sum
    }

    /// Begins a problem.
    mutating func take(_ values: UnsafePointer<Double>) {
        for index in sums.indices { sums[index] = sum(index, values) }
    }

    /// Writes what brings the sums back: for each unknown in proportion to it, the least change by that measure.
    ///
    /// With weights A and the diagonal Y of the unknowns: Y A^T x, where A Y A^T x = sums - A y.
    mutating func correct(_ values: UnsafePointer<Double>, into correction: UnsafeMutablePointer<Double>) {
        let (count, unknowns) = (weights.count, weights[0].count)
        let width = count + 1
        for row in 0..<count {
            for column in 0..<count {
                var sum = 0.0
                for unknown in 0..<unknowns {
                    sum += weights[row][unknown] * weights[column][unknown] * abs(values[unknown])
                }
                equations[row * width + column] = sum
            }
            equations[row * width + count] = sums[row] - sum(row, values)
        }
        // The matrix is symmetric and positive: elimination needs no exchange of rows. Sums of nothing stay as they are.
        for pivot in 0..<count {
            let diagonal = equations[pivot * width + pivot]
            guard diagonal > 0 else { continue }
            for row in 0..<count where row != pivot {
                let factor = equations[row * width + pivot] / diagonal
                for column in pivot...count { equations[row * width + column] -= factor * equations[pivot * width + column] }
            }
        }
        for row in 0..<count {
            let diagonal = equations[row * width + row]
            equations[row * width + count] = diagonal > 0 ? equations[row * width + count] / diagonal : 0
        }
        for unknown in 0..<unknowns {
            var sum = 0.0
            for row in 0..<count { sum += weights[row][unknown] * equations[row * width + count] }
            correction[unknown] = sum * abs(values[unknown])
        }
    }
}
