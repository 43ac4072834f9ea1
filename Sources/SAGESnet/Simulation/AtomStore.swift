import MPI
import Trajectory

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

/// The sum of one number of each atom over all ranks, the same bits on any number of ranks. Collective.
///
/// Terms are rounded to multiples of 1 / `scale` and stay below 2^62 / `scale`; their high and low halves are summed
/// apart, so that 2^31 atoms do not overflow.
func associativeSum(
    _ atoms: UnsafeBufferPointer<SimulatedAtom>, scale: Double, communicator: Communicator,
    _ term: (SimulatedAtom) -> Double
) throws -> Double {
    var (high, low): (Int64, Int64) = (0, 0)
    for atom in atoms {
        let units = Int64((term(atom) * scale).rounded())
        high += units >> 32
        low += units & 0xFFFF_FFFF
    }
    high = try communicator.allReduce(high, .sum)
    low = try communicator.allReduce(low, .sum)
    return (Double(high) * 0x1p32 + Double(low)) / scale
}

/// The kinetic temperature as `KineticState` defines it, K; the same bits on any number of ranks. Collective.
///
/// - Parameter mass: of all atoms, u.
func kineticTemperature(
    _ atoms: UnsafeBufferPointer<SimulatedAtom>, atomCount: Int, mass: Double, communicator: Communicator
) throws -> Double {
    // 2^10 u at 2^16 Angstrom/ps in each direction are below 2^44, their momentum is below 2^27.
    let squares = try associativeSum(atoms, scale: 0x1p16, communicator: communicator) {
        $0.mass * ($0.velocity * $0.velocity).sum()
    }
    var momentum = SIMD3<Double>()
    for axis in 0..<3 {
        momentum[axis] = try associativeSum(atoms, scale: 0x1p34, communicator: communicator) {
            $0.mass * $0.velocity[axis]
        }
    }
    return KineticState.temperature(squares: squares, momentum: momentum, mass: mass, atoms: atomCount)
}

/// Sums over the atoms of a start, the same bits on any number of ranks.
struct StartTotals {
    /// u
    let mass: Double
    /// K
    let temperature: Double

    /// Collective.
    init(_ start: SimulationStart, communicator: Communicator) throws {
        (mass, temperature) = try start.atoms.withUnsafeBufferPointer { atoms in
            // So fine that momentum drifts no more than by the rounding of its sums.
            let mass = try associativeSum(atoms, scale: 0x1p44, communicator: communicator) { $0.mass }
            return (
                mass,
                try kineticTemperature(atoms, atomCount: start.atomCount, mass: mass, communicator: communicator)
            )
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
