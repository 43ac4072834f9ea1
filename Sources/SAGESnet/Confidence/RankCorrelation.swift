/// Correlation of orders.
enum RankCorrelation {
    /// Spearman's coefficient: Pearson's of the ranks, where equal values share the mean of theirs; 0 where all are equal.
    static func spearman(_ a: [Double], _ b: [Double]) -> Double {
        precondition(a.count == b.count, "\(a.count) and \(b.count) values")
        let (x, y) = (ranks(a), ranks(b))
        let mean = Double(a.count - 1) / 2
        var (product, squareX, squareY) = (0.0, 0.0, 0.0)
        for index in x.indices {
            product += (x[index] - mean) * (y[index] - mean)
            squareX += (x[index] - mean) * (x[index] - mean)
            squareY += (y[index] - mean) * (y[index] - mean)
        }
        return squareX > 0 && squareY > 0 ? product / (squareX * squareY).squareRoot() : 0
    }

    private static func ranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var first = 0
        while first < order.count {
            var end = first + 1
            while end < order.count && values[order[end]] == values[order[first]] { end += 1 }
            for place in first..<end { ranks[order[place]] = Double(first + end - 1) / 2 }
            first = end
        }
        return ranks
    }
}
