/// Clusters merged two by two, those first whose union adds least to the sum of squared distances (Ward 1963).
struct ClusterHierarchy {
    /// One union.
    struct Merge: Equatable {
        /// Clusters below the number of leaves, or earlier unions: union m is the number of leaves plus m.
        var first: Int
        var second: Int
        /// By how much the sum of squared distances from the centers grows.
        var cost: Double
        var count: Int
    }

    let leaves: Int
    /// In their order; costs ascend. [leaves - 1]
    private(set) var merges: [Merge] = []

    /// - Parameters:
    ///   - centers: [leaves, width]
    ///   - counts: of vectors of each. [leaves]
    init(centers: [Double], counts: [Int]) {
        leaves = counts.count
        let width = leaves == 0 ? 0 : centers.count / leaves
        var nodes = (0..<leaves).map { leaf in
            (name: leaf, count: counts[leaf], center: Array(centers[(leaf * width)..<((leaf + 1) * width)]))
        }
        while nodes.count > 1 {
            var best = (cost: Double.infinity, first: 0, second: 0)
            for first in nodes.indices {
                for second in nodes.indices.dropFirst(first + 1) {
                    let (m, n) = (Double(nodes[first].count), Double(nodes[second].count))
                    let square = KMeans.squaredDistance(nodes[first].center, 0, nodes[second].center, 0, width)
                    let cost = m + n > 0 ? m * n / (m + n) * square : 0
                    if cost < best.cost { best = (cost, first, second) }
                }
            }
            let (one, other) = (nodes[best.first], nodes[best.second])
            let count = one.count + other.count
            let share = count > 0 ? Double(other.count) / Double(count) : 0
            nodes.remove(at: best.second)
            nodes[best.first] = (
                leaves + merges.count, count, zip(one.center, other.center).map { $0 + share * ($1 - $0) })
            merges.append(Merge(first: one.name, second: other.name, cost: best.cost, count: count))
        }
    }

    /// The cluster of each leaf where so many are left; clusters are numbered by descending count, then by their first leaf.
    func cut(clusters: Int, counts: [Int]) -> [Int] {
        var group = Array(0..<(leaves + merges.count))
        for (index, merge) in merges.prefix(max(0, leaves - clusters)).enumerated() {
            let (one, other) = (group[merge.first], group[merge.second])
            for node in group.indices where group[node] == one || group[node] == other { group[node] = leaves + index }
            group[leaves + index] = leaves + index
        }
        let ofLeaves = Array(group[..<leaves])
        var members: [Int: (count: Int, first: Int)] = [:]
        for leaf in 0..<leaves {
            let known = members[ofLeaves[leaf]] ?? (0, leaf)
            members[ofLeaves[leaf]] = (known.count + counts[leaf], known.first)
        }
        let order = members.sorted { ($1.value.count, $0.value.first) < ($0.value.count, $1.value.first) }.map(\.key)
        return ofLeaves.map { order.firstIndex(of: $0) ?? 0 }
    }
}
