import MPI

/// A rank's atoms in memory that grows when it must.
struct AtomStore: ~Copyable {
    private(set) var pointer: UnsafeMutablePointer<SimulatedAtom>
    private(set) var count: Int
    private var capacity: Int

    init(_ atoms: [SimulatedAtom]) {
        count = atoms.count
        capacity = atoms.count + 16
        pointer = .allocate(capacity: capacity)
        for (index, atom) in atoms.enumerated() { (pointer + index).initialize(to: atom) }
    }

    deinit { pointer.deallocate() }

    var used: UnsafeBufferPointer<SimulatedAtom> { UnsafeBufferPointer(start: pointer, count: count) }

    /// Takes `count` atoms from the bytes of as many records.
    mutating func replace(with records: UnsafeRawBufferPointer, count: Int) {
        if count > capacity {
            pointer.deallocate()
            capacity = count + count / 4
            pointer = .allocate(capacity: capacity)
        }
        self.count = count
        if let source = records.baseAddress {
            UnsafeMutableRawPointer(pointer).copyMemory(
                from: source, byteCount: count * MemoryLayout<SimulatedAtom>.stride)
        }
    }
}

/// Twice the kinetic energy over components and Boltzmann's constant, K, from sums in 64-bit integers. Collective.
func kineticTemperature(
    _ atoms: UnsafeBufferPointer<SimulatedAtom>, atomCount: Int, communicator: Communicator
) throws -> Double {
    // Terms stay below 2^62 (2^10 u, 2^16 Angstrom/ps in each direction), and low and high halves are summed apart, so
    // that 2^31 atoms do not overflow.
    let scale = 0x1p16
    var (high, low): (Int64, Int64) = (0, 0)
    for atom in atoms {
        let term = Int64((atom.mass * (atom.velocity * atom.velocity).sum() * scale).rounded())
        high += term >> 32
        low += term & 0xFFFF_FFFF
    }
    high = try communicator.allReduce(high, .sum)
    low = try communicator.allReduce(low, .sum)
    return (Double(high) * 0x1p32 + Double(low)) / scale / (3 * Double(max(atomCount, 1)) * boltzmannConstant)
}

/// Sums over the atoms of a start, the same bits on any number of ranks.
struct StartTotals {
    /// u
    let mass: Double
    /// K
    let temperature: Double

    /// Collective.
    init(_ start: SimulationStart, communicator: Communicator) throws {
        let scale = 0x1p20
        let mass = start.atoms.reduce(Int64(0)) { $0 + Int64(($1.mass * scale).rounded()) }
        self.mass = Double(try communicator.allReduce(mass, .sum)) / scale
        temperature = try start.atoms.withUnsafeBufferPointer {
            try kineticTemperature($0, atomCount: start.atomCount, communicator: communicator)
        }
    }
}

extension SAGESnetModel {
    /// The values of all environment variables of the model.
    ///
    /// - Throws: `SAGESnetError.badRequest` for a variable that the model does not have.
    func environmentValues(_ given: [EnvironmentVariable: Double], temperature: Double) throws -> [Double] {
        for variable in EnvironmentVariable.allCases
        where given[variable] != nil && !configuration.environment.contains(variable) {
            let known = configuration.environment.map(\.rawValue).joined(separator: ", ")
            throw SAGESnetError.badRequest(
                "the model has no environment variable \(variable.rawValue), \(known.isEmpty ? "nor any other" : "only \(known)")")
        }
        return configuration.environment.enumerated().map { index, variable in
            given[variable] ?? (variable == .temperature ? temperature : normalization.environmentMean[index])
        }
    }
}
