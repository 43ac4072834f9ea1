/// The atoms at one time; a structure of arrays that readers fill again and again.
public struct AtomFrame: Equatable, Sendable {
    /// Number of the simulation's step.
    public var step: Int64 = 0
    /// ps.
    public var time: Double = 0
    public var box = SimulationBox(edges: .one)
    /// Identifiers, ascending. [N]
    public var ids: [Int64] = []
    /// Index into the trajectory's species table. [N]
    public var species: [Int32] = []
    /// Angstrom; inside the box. [N * 3], x y z of each atom
    public var positions: [Double] = []
    /// Angstrom/ps; empty if unknown. [N * 3]
    public var velocities: [Double] = []
    /// How often each atom has left the box through its upper faces; empty if unknown. [N * 3]
    public var images: [Int32] = []
    /// `Virial.components`, eV; empty if unknown.
    public var virial: [Double] = []

    public init() {}

    /// The number of atoms.
    public var count: Int { ids.count }
    public var hasVelocities: Bool { !velocities.isEmpty }
    public var hasImages: Bool { !images.isEmpty }
    public var hasVirial: Bool { !virial.isEmpty }

    /// Empties the arrays of atoms, and the virial, and keeps their memory.
    mutating func removeAtoms() {
        ids.removeAll(keepingCapacity: true)
        species.removeAll(keepingCapacity: true)
        positions.removeAll(keepingCapacity: true)
        velocities.removeAll(keepingCapacity: true)
        images.removeAll(keepingCapacity: true)
        virial.removeAll(keepingCapacity: true)
    }

    /// Brings the atoms into ascending order of ids.
    /// - Returns: an id that two atoms have, if there is one.
    mutating func sortByIdentifier() -> Int64? {
        var isAscending = true
        for index in 1..<max(count, 1) where ids[index] <= ids[index - 1] {
            isAscending = false
            break
        }
        if isAscending { return nil }
        let ids = self.ids
        let order = ids.indices.sorted { ids[$0] < ids[$1] }
        for (current, next) in zip(order, order.dropFirst()) where ids[current] == ids[next] { return ids[current] }
        self.ids = order.map { ids[$0] }
        species = order.map { species[$0] }
        positions = Self.reordered(positions, order)
        velocities = Self.reordered(velocities, order)
        images = Self.reordered(images, order)
        return nil
    }

    private static func reordered<T>(_ values: [T], _ order: [Int]) -> [T] {
        if values.isEmpty { return values }
        var result: [T] = []
        result.reserveCapacity(values.count)
        for index in order { result.append(contentsOf: values[3 * index..<3 * index + 3]) }
        return result
    }
}
