import NeuralNetworks

/// SOAP as published, by plain loops, for one parameter of any rank. It is given the first bases, since vectors of
/// equal eigenvalues (zero, for a matrix that is not square) may be any.
struct ReferenceSOAP {
    let rule: SOAP
    let extents: [Int]
    var weights: [Double]
    var average: [Double]
    private var mean: [Double]
    private var meanSquare: [Double]
    private var statistics: [Int: [[Double]]] = [:]
    /// Vectors in rows.
    private var bases: [Int: [[Double]]] = [:]

    init(_ rule: SOAP, extents: [Int], weights: [Double], average: [Double]) {
        self.rule = rule
        self.extents = extents
        self.weights = weights
        self.average = average
        mean = weights.map { _ in 0 }
        meanSquare = mean
    }

    var axes: [Int] { extents.indices.filter { extents[$0] > 1 && extents[$0] <= rule.largestSide } }

    private func stride(_ axis: Int) -> Int { extents[(axis + 1)...].reduce(1, *) }
    private func place(_ element: Int, _ axis: Int) -> Int { element / stride(axis) % extents[axis] }

    /// y[.. i ..] = sum over j of matrix[i][j] x[.. j ..]
    private func product(_ matrix: [[Double]], _ x: [Double], _ axis: Int) -> [Double] {
        x.indices.map { element in
            let i = place(element, axis)
            return (0..<extents[axis]).reduce(0) { $0 + matrix[i][$1] * x[element + ($1 - i) * stride(axis)] }
        }
    }

    private func transposed(_ x: [[Double]]) -> [[Double]] { x.indices.map { column in x.map { $0[column] } } }

    private mutating func learn(_ gradient: [Double], _ axis: Int) {
        let length = extents[axis]
        var matrix = statistics[axis] ?? Array(repeating: Array(repeating: 0, count: length), count: length)
        var products = matrix.map { $0.map { _ in 0.0 } }
        for element in gradient.indices {
            let i = place(element, axis)
            for j in 0..<length { products[i][j] += gradient[element] * gradient[element + (j - i) * stride(axis)] }
        }
        for i in 0..<length {
            for j in 0..<length { matrix[i][j] = rule.beta2 * matrix[i][j] + (1 - rule.beta2) * products[i][j] }
        }
        statistics[axis] = matrix
    }

    mutating func start(_ axis: Int, basis: [[Double]], gradient: [Double]) {
        learn(gradient, axis)
        bases[axis] = basis
    }

    /// From orthonormal vectors that make the statistics diagonal, relative to the largest eigenvalue.
    var largestErrorOfBases: Double {
        var error = 0.0
        for axis in axes {
            let (basis, matrix) = (bases[axis] ?? [], statistics[axis] ?? [])
            let largest = matrix.indices.reduce(0) { $0 + matrix[$1][$1] }
            for (i, one) in basis.enumerated() {
                for (j, other) in basis.enumerated() {
                    let overlap = zip(one, other).reduce(0) { $0 + $1.0 * $1.1 }
                    error = max(error, abs(overlap - (i == j ? 1 : 0)))
                    let image = matrix.map { row in zip(row, other).reduce(0) { $0 + $1.0 * $1.1 } }
                    if i != j { error = max(error, abs(zip(one, image).reduce(0) { $0 + $1.0 * $1.1 }) / largest) }
                }
            }
        }
        return error
    }

    mutating func update(gradient: [Double], rate: Double, step: Int, averaging: Double) {
        func power(_ base: Double) -> Double { (0..<step).reduce(1) { result, _ in result * base } }
        mean = zip(mean, gradient).map { rule.beta1 * $0 + (1 - rule.beta1) * $1 }
        var (rotated, direction) = (gradient, mean)
        for axis in axes {
            rotated = product(bases[axis] ?? [], rotated, axis)
            direction = product(bases[axis] ?? [], direction, axis)
        }
        meanSquare = zip(meanSquare, rotated).map { rule.beta2 * $0 + (1 - rule.beta2) * $1 * $1 }
        direction = zip(direction, meanSquare).map { mean, square in
            mean / (1 - power(rule.beta1)) / ((square / (1 - power(rule.beta2))).squareRoot() + rule.epsilon)
        }
        for axis in axes { direction = product(transposed(bases[axis] ?? []), direction, axis) }
        weights = zip(weights, direction).map { $0 - rate * ($1 + rule.weightDecay * $0) }
        average = zip(average, weights).map { $0 + (1 - averaging) * ($1 - $0) }
        for axis in axes { learn(gradient, axis) }
        if step % rule.preconditionEvery == 0 { for axis in axes { follow(axis) } }
    }

    /// A power iteration, with the largest estimates first, and Gram and Schmidt's orthogonalization, done twice.
    private mutating func follow(_ axis: Int) {
        let (matrix, basis) = (statistics[axis] ?? [], bases[axis] ?? [])
        let images = basis.map { vector in matrix.map { row in zip(row, vector).reduce(0) { $0 + $1.0 * $1.1 } } }
        let estimates = zip(basis, images).map { zip($0, $1).reduce(0) { $0 + $1.0 * $1.1 } }
        let order = estimates.indices.sorted { (-estimates[$0], $0) < (-estimates[$1], $1) }
        meanSquare = meanSquare.indices.map { element in
            let i = place(element, axis)
            return meanSquare[element + (order[i] - i) * stride(axis)]
        }
        var vectors: [[Double]] = []
        for index in order {
            var vector = images[index]
            for _ in 0..<2 {
                for other in vectors {
                    let overlap = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
                    vector = zip(vector, other).map { $0 - overlap * $1 }
                }
                let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
                vector = vector.map { $0 / norm }
            }
            vectors.append(vector)
        }
        bases[axis] = vectors
    }
}
