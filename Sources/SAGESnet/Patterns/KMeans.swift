import Foundation
import MPI
import Tensor

/// K centers that vectors of all ranks are nearest to: Lloyd's iteration from seeds by k-means++ (Arthur and Vassilvitskii
/// 2007), the same on any number of ranks.
///
/// Seeds are drawn with probability in proportion to the squared distance from those before by a race: every vector waits
/// for -log(u) / distance^2, where u is a random number of the vector's own key, and the first one wins. No rank needs to
/// know the others' vectors.
struct KMeans {
    /// [K, width]
    private(set) var centers: [Double] = []
    /// Of vectors over all ranks. [K]
    private(set) var counts: [Int] = []
    /// The center of each of this rank's vectors.
    private(set) var assignment: [Int32] = []
    /// Sum of squared distances from the centers over all ranks.
    private(set) var inertia = 0.0
    private(set) var iterations = 0
    let width: Int

    /// Vectors of one rank.
    struct Vectors {
        let width: Int
        /// [count, width]
        var values: [Double] = []
        /// Not negative, different for every vector of all ranks, and the same on any number of ranks.
        var keys: [Int64] = []

        var count: Int { keys.count }
    }

    private static let mostIterations = 100

    /// Collective.
    ///
    /// - Parameter clusters: at most; fewer where there are fewer different vectors.
    init(_ vectors: Vectors, clusters: Int, seed: UInt64, communicator: Communicator) throws {
        width = vectors.width
        let total = try communicator.allReduce(vectors.count, .sum)
        precondition(total > 0 && clusters > 0, "clusters of no vectors")
        let bound = try communicator.allReduce(vectors.values.reduce(1e-30) { max($0, abs($1)) }, .maximum)
        try findSeeds(vectors, clusters, seed, communicator)
        assignment = [Int32](repeating: 0, count: vectors.count)
        while iterations < KMeans.mostIterations {
            iterations += 1
            if try !iterate(vectors, bound: bound, total: total, communicator) { break }
        }
    }

    private mutating func findSeeds(
        _ vectors: Vectors, _ clusters: Int, _ seed: UInt64, _ communicator: Communicator
    ) throws {
        // The first seed is drawn evenly.
        var distances = [Double](repeating: 1, count: vectors.count)
        for round in 0..<clusters {
            var best = (wait: Double.infinity, key: Int64.max, index: -1)
            for index in 0..<vectors.count where distances[index] > 0 {
                var random = Philox(seed: seed &+ UInt64(round), stream: UInt64(vectors.keys[index]))
                let wait = -log(1 - random.nextUniform()) / distances[index]
                if (wait, vectors.keys[index]) < (best.wait, best.key) { best = (wait, vectors.keys[index], index) }
            }
            let shortest = try communicator.allReduce(best.wait, .minimum)
            // Every vector is a seed already.
            guard shortest.isFinite else { break }
            let key = try communicator.allReduce(best.wait == shortest ? best.key : .max, .minimum)
            let isMine = best.wait == shortest && best.key == key
            // All but one rank add zeros, which changes no bit.
            var center = isMine ? Array(vectors.values[(best.index * width)..<((best.index + 1) * width)])
                : [Double](repeating: 0, count: width)
            if communicator.size > 1 {
                try center.withUnsafeMutableBufferPointer { try communicator.allReduce($0, .sum) }
            }
            centers += center
            for index in 0..<vectors.count {
                let distance = KMeans.squaredDistance(vectors.values, index * width, center, 0, width)
                distances[index] = round == 0 ? distance : min(distances[index], distance)
            }
        }
        counts = [Int](repeating: 0, count: centers.count / width)
    }

    /// Assigns vectors to their nearest centers and moves these to the means; whether anything changed.
    private mutating func iterate(
        _ vectors: Vectors, bound: Double, total: Int, _ communicator: Communicator
    ) throws -> Bool {
        let clusters = counts.count
        var sums = IntegerSums(count: clusters * width, bound: bound, samples: total)
        // A squared distance is at most (2 bound)^2 width.
        var squares = IntegerSums(count: 1, bound: 4 * bound * bound * Double(width), samples: total)
        var found = [Int](repeating: 0, count: clusters + 1)
        for index in 0..<vectors.count {
            let (nearest, distance) = nearest(to: vectors.values, at: index * width)
            if assignment[index] != Int32(nearest) || iterations == 1 { found[clusters] += 1 }
            assignment[index] = Int32(nearest)
            found[nearest] += 1
            squares.add(distance, to: 0)
            for column in 0..<width { sums.add(vectors.values[index * width + column], to: nearest * width + column) }
        }
        try found.withUnsafeMutableBufferPointer { try communicator.allReduce($0, .sum) }
        inertia = try squares.reduced(communicator)[0]
        counts = Array(found[..<clusters])
        guard found[clusters] > 0 else { return false }
        let moved = try sums.reduced(communicator)
        for cluster in 0..<clusters where counts[cluster] > 0 {
            for column in 0..<width {
                centers[cluster * width + column] = moved[cluster * width + column] / Double(counts[cluster])
            }
        }
        return true
    }

    /// The center nearest to a vector, the first of several, and the squared distance.
    func nearest(to values: [Double], at place: Int) -> (cluster: Int, distance: Double) {
        var best = (cluster: 0, distance: Double.infinity)
        for cluster in counts.indices {
            let distance = KMeans.squaredDistance(values, place, centers, cluster * width, width)
            if distance < best.distance { best = (cluster, distance) }
        }
        return best
    }

    static func squaredDistance(_ a: [Double], _ i: Int, _ b: [Double], _ j: Int, _ width: Int) -> Double {
        var sum = 0.0
        for column in 0..<width {
            let difference = a[i + column] - b[j + column]
            sum += difference * difference
        }
        return sum
    }
}
