import Tensor

/// What a network of confidence learns from: rows (cells or atoms) of numbers that describe what a model sees there, each
/// with the loss that its prediction had.
public struct LossRows: Sendable {
    /// [rows, features]
    public var features: [Float] = []
    /// [rows]
    public var losses: [Double] = []

    public var count: Int { losses.count }

    /// The rows of the given indices.
    func rows(_ indices: [Int]) -> LossRows {
        let width = count == 0 ? 0 : features.count / count
        return LossRows(
            features: indices.flatMap { features[($0 * width)..<(($0 + 1) * width)] }, losses: indices.map { losses[$0] })
    }

    /// At most so many rows, chosen at random by a number.
    func chosen(_ most: Int, by number: Int) -> LossRows {
        guard count > most else { return self }
        var random = Philox(seed: 17, stream: UInt64(number))
        var indices = Array(0..<count)
        for place in 0..<most { indices.swapAt(place, place + random.nextIndex(below: count - place)) }
        return rows(indices[..<most].sorted())
    }

    /// The loss on the scale on which it is predicted; what is exact has a loss, too.
    static func logarithm(of loss: Double) -> Double { Logarithm.natural(loss + 1e-12) }
}

/// Where rows with losses come from: the frames of runs, the blocks of a compression.
public protocol LossSource: AnyObject {
    var featureCount: Int { get }
    var sampleCount: Int { get }
    /// The rows of a sample: the same whenever and wherever it is asked for. Not collective.
    func rows(ofSample sample: Int) throws -> LossRows
}

extension LossSource {
    /// Samples at equal distances, at most so many.
    func some(_ most: Int) -> [Int] { Array(stride(from: 0, to: sampleCount, by: max(1, (sampleCount + most - 1) / most))) }
}
