/// A straight line through values at equal intervals, by least squares.
public struct LinearTrend: Sendable, Equatable {
    /// Change of the value in a unit of time.
    public let slope: Double
    /// The standard deviation of the slope if the values' distances from the line are independent; nil for two values.
    public let slopeError: Double?

    /// - Parameter interval: time between values.
    /// - Returns: nil for fewer than two values.
    public init?(_ values: [Double], interval: Double) {
        guard values.count >= 2 else { return nil }
        let middle = Double(values.count - 1) / 2
        let mean = values.reduce(0, +) / Double(values.count)
        var (product, square) = (0.0, 0.0)
        for (index, value) in values.enumerated() {
            product += (Double(index) - middle) * (value - mean)
            square += (Double(index) - middle) * (Double(index) - middle)
        }
        let step = product / square
        slope = step / interval
        guard values.count > 2 else {
            slopeError = nil
            return
        }
        let missed = values.enumerated().reduce(0.0) { sum, entry in
            let distance = entry.element - mean - step * (Double(entry.offset) - middle)
            return sum + distance * distance
        }
        slopeError = (missed / Double(values.count - 2) / square).squareRoot() / interval
    }
}
