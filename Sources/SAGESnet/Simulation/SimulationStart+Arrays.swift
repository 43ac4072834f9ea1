import MPI
import Tensor
import Trajectory

/// Atoms that a host program has in its memory; views that are valid during the call they are passed to.
public struct HostAtoms {
    public var count: Int
    /// Not negative, unique over all ranks. [count]
    public var ids: UnsafePointer<Int64>?
    /// [count]
    public var atomicNumbers: UnsafePointer<Int32>?
    /// Angstrom, x y z of each atom. [count * 3]
    public var positions: UnsafePointer<Double>?
    /// Angstrom/ps. [count * 3]; nil for atoms at rest
    public var velocities: UnsafePointer<Double>?

    public init(
        count: Int, ids: UnsafePointer<Int64>?, atomicNumbers: UnsafePointer<Int32>?, positions: UnsafePointer<Double>?,
        velocities: UnsafePointer<Double>?
    ) {
        self.count = count
        self.ids = ids
        self.atomicNumbers = atomicNumbers
        self.positions = positions
        self.velocities = velocities
    }
}

extension SimulationStart {
    /// Starts from atoms that the ranks pass, each atom on one rank, in any distribution. Collective.
    ///
    /// - Parameters:
    ///   - masses: by atomic number, u, in place of standard atomic weights.
    ///   - source: what errors call the origin of the atoms.
    /// - Throws: on every rank, `SAGESnetError`: `badRequest` for arrays that are missing and a box that differs between
    ///   ranks, `unsuitableData` for numbers that are not finite and ids that are wrong, `unknownElement`.
    public init(
        _ host: HostAtoms, box: SimulationBox, masses: [Int32: Double] = [:], step: Int64 = 0, time: Double = 0,
        for model: SAGESnetModel, source: String, communicator: Communicator
    ) throws {
        let known = model.configuration.elements
        let numbers = try communicator.agree { try SimulationStart.atomicNumbers(host, known: known, source: source) }
        try SimulationStart.requireSame(box, step, time, masses, communicator)
        // One species for each element that occurs, in order of atomic numbers: the same table on every rank.
        let table = PeriodicTable.elements
        var occurs = [Int32](repeating: 0, count: table.count + 1)
        for number in numbers { occurs[number] = 1 }
        try occurs.withUnsafeMutableBufferPointer { try communicator.allReduce($0, .maximum) }
        let present = occurs.indices.filter { occurs[$0] != 0 }
        species = SpeciesTable(
            symbols: present.map { table[$0 - 1].symbol },
            masses: present.map { masses[Int32($0)] ?? table[$0 - 1].weight })
        let reference = PeriodicTable.weight(of: known[0]) ?? 1
        let (symbols, masses) = (species.symbols, species.masses)
        atoms = try communicator.agree {
            try numbers.indices.map { index in
                let kind = present.firstIndex(of: numbers[index]) ?? 0
                guard let ids = host.ids, let positions = host.positions,
                      let element = known.firstIndex(of: symbols[kind]) else {
                    preconditionFailure("arrays and elements were checked")
                }
                let place = SIMD3(positions, 3 * index)
                let velocity = host.velocities.map { SIMD3($0, 3 * index) } ?? .zero
                guard place.isFinite, velocity.isFinite else {
                    throw SAGESnetError.unsuitableData(
                        file: source, reason: "atom \(ids[index]) has a position or velocity that is not a finite number")
                }
                return SimulatedAtom(
                    id: ids[index], species: Int32(kind), element: Int32(element), mass: masses[kind],
                    mobility: reference / masses[kind], position: AtomGrid.quantized(place), velocity: velocity,
                    image: .zero)
            }
        }
        atomCount = try communicator.allReduce(atoms.count, .sum)
        self.box = box
        self.step = step
        self.time = time
        self.source = source
        guard atomCount > 0 else { throw SAGESnetError.unsuitableData(file: source, reason: "there are none") }
        try AtomRouter(communicator: communicator).requireUnique(atoms.map(\.id), source: source)
    }

    /// The atomic number of each atom, checked.
    private static func atomicNumbers(_ host: HostAtoms, known: [String], source: String) throws -> [Int] {
        guard host.count >= 0, host.count <= Int(Int32.max) else {
            throw SAGESnetError.badRequest("\(host.count) is no number of atoms of a rank")
        }
        if host.count == 0 { return [] }
        guard let numbers = host.atomicNumbers, host.ids != nil, host.positions != nil else {
            throw SAGESnetError.badRequest("atoms need arrays of ids, atomic numbers and positions")
        }
        return try (0..<host.count).map { index in
            let number = Int(numbers[index])
            guard number >= 1, number <= PeriodicTable.elements.count else {
                throw SAGESnetError.unsuitableData(file: source, reason: "\(number) is no atomic number")
            }
            let symbol = PeriodicTable.elements[number - 1].symbol
            guard known.contains(symbol) else {
                throw SAGESnetError.unknownElement(file: source, element: symbol, known: known)
            }
            return number
        }
    }

    /// Throws on every rank if what must be the same on all ranks is not. Collective.
    private static func requireSame(
        _ box: SimulationBox, _ step: Int64, _ time: Double, _ masses: [Int32: Double], _ communicator: Communicator
    ) throws {
        var words: [UInt64] = [UInt64(bitPattern: step), time.bitPattern]
        for axis in 0..<3 {
            words += [box.origin[axis].bitPattern, box.edges[axis].bitPattern]
            words.append(box.boundary(axis) == .periodic ? 1 : 0)
        }
        for number in 1...Int32(PeriodicTable.elements.count) { words.append((masses[number] ?? 0).bitPattern) }
        let first = try communicator.broadcast(words, root: 0)
        try communicator.agree {
            guard words == first else {
                throw SAGESnetError.badRequest("the box, the step, the time or a mass differs from rank 0's")
            }
        }
    }
}

extension SIMD3 where Scalar == Double {
    /// Whether no component is a NaN or infinite.
    var isFinite: Bool { x.isFinite && y.isFinite && z.isFinite }
}

extension AtomGrid {
    /// The nearest multiples of `quantum`.
    static func quantized(_ position: SIMD3<Double>) -> SIMD3<Double> {
        SIMD3(quantized(position.x), quantized(position.y), quantized(position.z))
    }
}
