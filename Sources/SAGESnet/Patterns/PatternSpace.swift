import MPI

/// Directions of the codes in which atoms differ from each other for longer than they vibrate.
///
/// Let S be the covariance of all codes and W that of each atom's codes about the atom's own mean over time, which is what
/// heat does to them. The directions solve S v = mu W v; mu - 1 is how much greater lasting differences are than the noise,
/// and those with mu >= 2 are kept, one at least. In them the noise of an atom has a standard deviation of 1, so that
/// distances are in units of what heat does. Where there is one frame only there is no noise to compare with, and the directions are the
/// principal components with 99% of the variance, in units of the root of their mean variance.
struct PatternSpace {
    /// Of the codes. [width]
    let mean: [Double]
    /// [dimensions, width]
    let directions: [Double]
    /// mu of each direction, or its variance, descending. [dimensions]
    let ratios: [Double]
    let isAgainstNoise: Bool

    var dimensions: Int { ratios.count }
    /// Whether atoms differ by more than what heat does to them; where nothing is known of heat, they may.
    var hasStructure: Bool { !isAgainstNoise || ratios[0] >= PatternSpace.leastRatio }

    /// Collective.
    ///
    /// - Throws: on every rank, `SAGESnetError.unsuitableData` for codes that are not finite or all alike.
    init(_ samples: PatternSamples, source: String, communicator: Communicator) throws {
        let (width, frames) = (samples.width, samples.frames.count)
        func unsuitable(_ reason: String) -> SAGESnetError { .unsuitableData(file: source, reason: reason) }
        let total = try communicator.allReduce(samples.atomCount * frames, .sum)
        // Written so that a NaN is not lost.
        let bound = try communicator.allReduce(
            samples.codes.reduce(1e-30) { $1.isFinite ? max($0, Double(abs($1))) : .infinity }, .maximum)
        guard bound.isFinite else { throw unsuitable("the model's codes of its atoms are not finite numbers") }
        func code(_ frame: Int, _ atom: Int, _ channel: Int) -> Double {
            Double(samples.codes[(frame * samples.atomCount + atom) * width + channel])
        }

        var sums = IntegerSums(count: width, bound: bound, samples: total)
        for (index, value) in samples.codes.enumerated() { sums.add(Double(value), to: index % width) }
        let mean = try sums.reduced(communicator).map { $0 / Double(total) }
        var (all, within) = (Products(width, bound, total), Products(width, bound, total))
        var (deviation, own) = ([Double](repeating: 0, count: width), [Double](repeating: 0, count: width))
        for atom in 0..<samples.atomCount {
            for channel in 0..<width {
                var sum = 0.0
                for frame in 0..<frames { sum += code(frame, atom, channel) }
                own[channel] = sum / Double(frames)
            }
            for frame in 0..<frames {
                for channel in 0..<width { deviation[channel] = code(frame, atom, channel) - mean[channel] }
                all.add(deviation)
                for channel in 0..<width { deviation[channel] = code(frame, atom, channel) - own[channel] }
                within.add(deviation)
            }
        }
        let covariance = try all.reduced(communicator).map { $0 / Double(total) }
        let trace = (0..<width).reduce(0) { $0 + covariance[$1 * width + $1] }
        guard trace > 0 else { throw unsuitable("the model's codes of all its atoms are the same") }
        // One mean for each atom is taken out.
        let freedom = frames > 1 ? Double(total) * Double(frames - 1) / Double(frames) : 1
        let noise = try within.reduced(communicator).map { $0 / freedom }
        guard let found = frames > 1
            ? PatternSpace.lasting(covariance, noise, width) : PatternSpace.principal(covariance, width, trace) else {
            throw unsuitable("the covariance of the model's codes has no eigenvectors")
        }
        (self.mean, directions, ratios, isAgainstNoise) = (mean, found.directions, found.ratios, frames > 1)
    }

    /// What `lasting` and `principal` find.
    private typealias Directions = (directions: [Double], ratios: [Double])

    /// A noise smaller than this part of the largest counts as this: rounding, not heat.
    private static let leastNoise = 1e-9
    /// Of lasting differences and noise together over the noise.
    private static let leastRatio = 2.0

    /// Solutions of S v = mu W v with v W v = 1, for great mu.
    private static func lasting(_ covariance: [Double], _ noise: [Double], _ width: Int) -> Directions? {
        guard let heat = SymmetricEigenvectors(of: noise, length: width), let largest = heat.values.last, largest > 0
        else { return nil }
        // Rows that turn the noise into one of variance 1 along each.
        var whitening = heat.vectors
        for row in 0..<width {
            let scale = 1 / max(heat.values[row], leastNoise * largest).squareRoot()
            for column in 0..<width { whitening[row * width + column] *= scale }
        }
        let whitened = product(product(whitening, covariance, width), transposed(whitening, width), width)
        guard let lasting = SymmetricEigenvectors(of: whitened, length: width) else { return nil }
        let directions = product(lasting.vectors, whitening, width)
        // The greatest first; one at least.
        let kept = (0..<width).reversed().enumerated().filter { $0.offset == 0 || lasting.values[$0.element] >= leastRatio }
            .map(\.element)
        return (kept.flatMap { directions[($0 * width)..<(($0 + 1) * width)] }, kept.map { lasting.values[$0] })
    }

    /// Principal components.
    private static func principal(_ covariance: [Double], _ width: Int, _ trace: Double) -> Directions? {
        guard let found = SymmetricEigenvectors(of: covariance, length: width) else { return nil }
        var (kept, sum) = ([Int](), 0.0)
        for row in (0..<width).reversed() where sum < 0.99 * trace {
            kept.append(row)
            sum += found.values[row]
        }
        let scale = 1 / (trace / Double(width)).squareRoot()
        return (
            kept.flatMap { row in found.vectors[(row * width)..<((row + 1) * width)].map { $0 * scale } },
            kept.map { found.values[$0] })
    }

    private static func product(_ a: [Double], _ b: [Double], _ n: Int) -> [Double] {
        var result = [Double](repeating: 0, count: n * n)
        for row in 0..<n {
            for inner in 0..<n {
                for column in 0..<n { result[row * n + column] += a[row * n + inner] * b[inner * n + column] }
            }
        }
        return result
    }

    private static func transposed(_ a: [Double], _ n: Int) -> [Double] {
        (0..<(n * n)).map { a[($0 % n) * n + $0 / n] }
    }

    /// The samples' codes along the directions; keys say frame and atom.
    func vectors(of samples: PatternSamples) -> KMeans.Vectors {
        var vectors = KMeans.Vectors(width: dimensions)
        let width = samples.width
        vectors.values.reserveCapacity(samples.frames.count * samples.atomCount * dimensions)
        for frame in samples.frames.indices {
            for atom in 0..<samples.atomCount {
                let first = (frame * samples.atomCount + atom) * width
                for direction in 0..<dimensions {
                    var sum = 0.0
                    for channel in 0..<width {
                        sum += directions[direction * width + channel]
                            * (Double(samples.codes[first + channel]) - mean[channel])
                    }
                    vectors.values.append(sum)
                }
                vectors.keys.append(Int64(frame) << 40 ^ samples.ids[atom])
            }
        }
        return vectors
    }

    /// Sums of products of two components over all samples.
    private struct Products {
        private let width: Int
        private var sums: IntegerSums

        init(_ width: Int, _ bound: Double, _ samples: Int) {
            self.width = width
            // Deviations from a mean are below 2 bound.
            sums = IntegerSums(count: width * width, bound: 4 * bound * bound, samples: samples)
        }

        mutating func add(_ vector: [Double]) {
            for row in 0..<width {
                for column in row..<width { sums.add(vector[row] * vector[column], to: row * width + column) }
            }
        }

        /// The whole symmetric matrix. Collective.
        mutating func reduced(_ communicator: Communicator) throws -> [Double] {
            var matrix = try sums.reduced(communicator)
            for row in 0..<width {
                for column in 0..<row { matrix[row * width + column] = matrix[column * width + row] }
            }
            return matrix
        }
    }
}
