import Foundation
import Grid
import MPI
import Tensor
import Training

/// Recurring structures of a trajectory: clusters of its atoms' codes (004, "Patterns").
///
/// Codes are looked at along the directions of `PatternSpace`, gathered around `leaves` centers by `KMeans`, and these are
/// joined by `ClusterHierarchy` until K clusters are left. Everything is the same on any number of ranks.
public struct PatternAnalysis {
    /// One recurring structure.
    public struct Cluster: Equatable, Sendable {
        /// Atoms of all frames.
        public var count: Int
        /// Mean energy over that of all atoms, eV; nil where the model has no energy for each atom.
        public var energy: Double?
        /// Mean number of atoms within the cutoff of bonds; nil where the model lists none.
        public var coordination: Double?
        /// How long an atom stays, ps: time spent over departures, seen at the frames; infinite where none left, nil where
        /// no frame followed.
        public var residence: Double?
        /// The sample that is nearest to the center: frame of the file, and id.
        public var typicalFrame: Int
        public var typicalAtom: Int64
        /// [dimensions]
        public var center: [Double]
    }

    public struct Options: Sendable {
        /// nil to choose by silhouettes.
        public var clusters: Int?
        /// Centers that are joined.
        public var leaves = 24
        public var seed: UInt64 = 1

        public init(clusters: Int? = nil, leaves: Int = 24, seed: UInt64 = 1) {
            (self.clusters, self.leaves, self.seed) = (clusters, leaves, seed)
        }
    }

    /// By descending count.
    public let clusters: [Cluster]
    /// Mean simplified silhouette (Hruschka et al. 2006) for each number of clusters looked at: of distances a to an atom's
    /// own center and b to the next, (b - a) / max(a, b).
    public let silhouettes: [(clusters: Int, silhouette: Double)]
    let samples: PatternSamples
    let frames: [Int]
    let space: PatternSpace
    let leaves: KMeans
    let hierarchy: ClusterHierarchy
    /// Of each leaf.
    let clusterOfLeaf: [Int]

    /// Where the number of clusters is not given: the greatest of these whose silhouette is at least this part of the best,
    /// for one structure more that is nearly as well apart is worth knowing; one cluster where no silhouette is a half, or
    /// where no direction shows lasting differences.
    public static let choices = 2...8
    public static let leastOfBest = 0.85
    public static let leastSilhouette = 0.5

    /// Collective.
    ///
    /// - Parameters:
    ///   - frames: of the file, ascending.
    ///   - progress: called with the number of frames after each.
    /// - Throws: on every rank, what reading and the simulator's start do; `SAGESnetError`.
    public init<Scalar: TrainingScalar & GridScalar>(
        _ path: String, frames: [Int], model: SAGESnetModel, parameters: Buffer<Scalar>, options: Options,
        communicator: Communicator, progress: (Int) -> Void = { _ in }
    ) throws {
        samples = try PatternSamples(
            path, frames: frames, model: model, parameters: parameters, communicator: communicator, progress: progress)
        space = try PatternSpace(samples, source: path, communicator: communicator)
        self.frames = frames
        let vectors = space.vectors(of: samples)
        let leaves = try KMeans(
            vectors, clusters: max(options.leaves, options.clusters ?? 0), seed: options.seed, communicator: communicator)
        let hierarchy = ClusterHierarchy(centers: leaves.centers, counts: leaves.counts)
        (self.leaves, self.hierarchy) = (leaves, hierarchy)
        let (centers, counts, assignment) = (leaves.centers, leaves.counts, leaves.assignment)
        let width = space.dimensions

        /// The leaves' clusters and the clusters' centers where so many are left.
        func cut(_ clusters: Int) -> (ofLeaf: [Int], centers: [[Double]]) {
            let ofLeaf = hierarchy.cut(clusters: clusters, counts: counts)
            var sums = [[Double]](repeating: [Double](repeating: 0, count: width), count: (ofLeaf.max() ?? 0) + 1)
            var members = [Int](repeating: 0, count: sums.count)
            for leaf in counts.indices {
                members[ofLeaf[leaf]] += counts[leaf]
                for column in 0..<width {
                    sums[ofLeaf[leaf]][column] += Double(counts[leaf]) * centers[leaf * width + column]
                }
            }
            for cluster in sums.indices {
                for column in 0..<width { sums[cluster][column] /= Double(max(1, members[cluster])) }
            }
            return (ofLeaf, sums)
        }
        let total = try communicator.allReduce(vectors.count, .sum)
        func silhouette(_ clusters: Int) throws -> Double {
            let (ofLeaf, centers) = cut(clusters)
            var sums = IntegerSums(count: 1, bound: 1, samples: total)
            for index in 0..<vectors.count {
                let own = ofLeaf[Int(assignment[index])]
                var (a, b) = (0.0, Double.infinity)
                for cluster in centers.indices {
                    let square = KMeans.squaredDistance(vectors.values, index * width, centers[cluster], 0, width)
                    if cluster == own { a = square.squareRoot() } else { b = min(b, square.squareRoot()) }
                }
                sums.add(max(a, b) > 0 ? (b - a) / max(a, b) : 0, to: 0)
            }
            return try sums.reduced(communicator)[0] / Double(total)
        }
        silhouettes = try PatternAnalysis.choices.filter { $0 <= counts.count }.map { ($0, try silhouette($0)) }
        let best = silhouettes.map(\.silhouette).max() ?? 0
        let least = max(PatternAnalysis.leastSilhouette, PatternAnalysis.leastOfBest * best)
        let chosen = options.clusters
            ?? (space.hasStructure ? silhouettes.last { $0.silhouette >= least }?.clusters : nil) ?? 1
        let (ofLeaf, found) = cut(chosen)
        clusterOfLeaf = ofLeaf
        clusters = try PatternAnalysis.describe(
            found, vectors, assignment.map { ofLeaf[Int($0)] }, samples, frames, communicator)
    }

    /// The cluster of each sample. [frames, atoms]
    var assignment: [Int] { leaves.assignment.map { clusterOfLeaf[Int($0)] } }

    /// Collective.
    private static func describe(
        _ centers: [[Double]], _ vectors: KMeans.Vectors, _ assignment: [Int], _ samples: PatternSamples, _ frames: [Int],
        _ communicator: Communicator
    ) throws -> [Cluster] {
        let (count, atoms) = (centers.count, samples.atomCount)
        let total = try communicator.allReduce(vectors.count, .sum)
        // Atoms in each cluster, and their neighbors; then for each frame those in it that have a frame after, and those
        // of them that are elsewhere then.
        let pairs = max(0, frames.count - 1)
        var numbers = [Int](repeating: 0, count: 2 * count * (1 + pairs))
        let bound = try communicator.allReduce((samples.energies ?? []).reduce(1e-30) { max($0, abs($1)) }, .maximum)
        var energies = IntegerSums(count: count, bound: bound, samples: total)
        var nearest = [Double](repeating: .infinity, count: count)
        var places = [Int](repeating: -1, count: count)
        for index in 0..<vectors.count {
            let cluster = assignment[index]
            numbers[2 * cluster] += 1
            numbers[2 * cluster + 1] += Int(samples.coordination?[index] ?? 0)
            if let values = samples.energies { energies.add(values[index], to: cluster) }
            if index < pairs * atoms {
                let place = 2 * (count * (1 + index / atoms) + cluster)
                numbers[place] += 1
                if assignment[index + atoms] != cluster { numbers[place + 1] += 1 }
            }
            let distance = KMeans.squaredDistance(vectors.values, index * vectors.width, centers[cluster], 0, vectors.width)
            if distance < nearest[cluster]
                || (distance == nearest[cluster] && vectors.keys[index] < vectors.keys[places[cluster]]) {
                (nearest[cluster], places[cluster]) = (distance, index)
            }
        }
        try numbers.withUnsafeMutableBufferPointer { try communicator.allReduce($0, .sum) }
        let sums = try energies.reduced(communicator)
        let mean = sums.reduce(0, +) / Double(total)
        return try centers.indices.map { cluster in
            let least = try communicator.allReduce(nearest[cluster], .minimum)
            let mine = places[cluster] >= 0 && nearest[cluster] == least ? vectors.keys[places[cluster]] : .max
            let typical = try communicator.allReduce(mine, .minimum)
            let members = numbers[2 * cluster]
            var (time, departures) = (0.0, 0)
            for pair in 0..<pairs {
                let place = 2 * (count * (1 + pair) + cluster)
                time += Double(numbers[place]) * (samples.frames[pair + 1].time - samples.frames[pair].time)
                departures += numbers[place + 1]
            }
            return Cluster(
                count: members,
                energy: samples.energies == nil ? nil : sums[cluster] / Double(max(1, members)) - mean,
                coordination: samples.coordination == nil ? nil : Double(numbers[2 * cluster + 1]) / Double(max(1, members)),
                residence: pairs == 0 ? nil : departures == 0 ? .infinity : time / Double(departures),
                typicalFrame: frames[Int(typical >> 40)], typicalAtom: typical & (1 << 40 - 1), center: centers[cluster])
        }
    }
}
