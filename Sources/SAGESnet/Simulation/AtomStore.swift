import MPI
import Trajectory

/// A rank's atoms and where each is in its cell, in memory that grows when it must.
///
/// After `arrange` of the simulator, atoms are in the order of their rows and slots.
struct AtomStore: ~Copyable {
    /// What is known of the atoms; valid until atoms come, leave or change their order.
    struct Arrays {
        var count = 0
        /// [count]
        var atoms: UnsafeMutablePointer<SimulatedAtom>
        /// This rank's cell of each; -1 where it has yet to be found. [count]
        var cells: UnsafeMutablePointer<Int32>
        /// From the cell's center, Angstrom; exact. [count, x y z]
        var offsets: UnsafeMutablePointer<Double>
        /// Row times slots plus slot. [count]
        var entries: UnsafeMutablePointer<Int32>

        init(capacity: Int) {
            atoms = .allocate(capacity: capacity)
            cells = .allocate(capacity: capacity)
            offsets = .allocate(capacity: 3 * capacity)
            entries = .allocate(capacity: capacity)
        }

        func deallocate() {
            atoms.deallocate()
            cells.deallocate()
            offsets.deallocate()
            entries.deallocate()
        }

        /// Takes over an atom of other arrays, but for its entry.
        @inline(__always)
        func copy(_ target: Int, from other: Arrays, _ source: Int) {
            atoms[target] = other.atoms[source]
            cells[target] = other.cells[source]
            for axis in 0..<3 { offsets[3 * target + axis] = other.offsets[3 * source + axis] }
        }
    }

    private(set) var arrays: Arrays
    /// Of the same capacity: where atoms go when they change their order, and from where they leave.
    private var spare: Arrays
    private var capacity: Int

    init(_ atoms: [SimulatedAtom]) {
        capacity = atoms.count + 16
        arrays = Arrays(capacity: capacity)
        spare = Arrays(capacity: capacity)
        atoms.withUnsafeBytes { append($0, count: atoms.count) }
    }

    deinit {
        arrays.deallocate()
        spare.deallocate()
    }

    var used: UnsafeBufferPointer<SimulatedAtom> { UnsafeBufferPointer(start: arrays.atoms, count: arrays.count) }

    /// Forgets all atoms.
    mutating func removeAll() { arrays.count = 0 }

    /// Forgets in which cells atoms are.
    func forgetCells() { arrays.cells.update(repeating: -1, count: arrays.count) }

    /// Adds `count` atoms from the bytes of as many records, in cells to be found.
    mutating func append(_ records: UnsafeRawBufferPointer, count: Int) {
        let old = arrays.count
        if old + count > capacity {
            capacity = (old + count) * 5 / 4
            var grown = Arrays(capacity: capacity)
            for index in 0..<old { grown.copy(index, from: arrays, index) }
            grown.count = old
            arrays.deallocate()
            spare.deallocate()
            arrays = grown
            spare = Arrays(capacity: capacity)
        }
        if let source = records.baseAddress {
            UnsafeMutableRawPointer(arrays.atoms + old).copyMemory(
                from: source, byteCount: count * MemoryLayout<SimulatedAtom>.stride)
        }
        (arrays.cells + old).update(repeating: -1, count: count)
        arrays.count = old + count
    }

    /// Takes out atoms, given by ascending indices.
    ///
    /// - Returns: their records, valid until the next change.
    mutating func remove(_ indices: UnsafePointer<Int32>, count: Int) -> UnsafeRawBufferPointer {
        var (kept, next) = (0, 0)
        for index in 0..<arrays.count {
            if next < count, Int(indices[next]) == index {
                spare.atoms[next] = arrays.atoms[index]
                next += 1
            } else {
                if kept < index { arrays.copy(kept, from: arrays, index) }
                kept += 1
            }
        }
        arrays.count = kept
        return UnsafeRawBufferPointer(UnsafeBufferPointer(start: spare.atoms, count: count))
    }

    /// Brings atoms into the order of the occupied slots in `atomOfSlot` [entries], -1 for empty ones.
    mutating func order(by atomOfSlot: UnsafePointer<Int32>, entries: Int) {
        var next = 0
        var isInOrder = true
        for entry in 0..<entries where atomOfSlot[entry] >= 0 {
            if Int(atomOfSlot[entry]) != next { isInOrder = false }
            arrays.entries[next] = Int32(truncatingIfNeeded: entry)
            next += 1
        }
        if isInOrder { return }
        next = 0
        for entry in 0..<entries where atomOfSlot[entry] >= 0 {
            spare.copy(next, from: arrays, Int(atomOfSlot[entry]))
            spare.entries[next] = Int32(truncatingIfNeeded: entry)
            next += 1
        }
        spare.count = next
        swap(&arrays, &spare)
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

extension Simulator {
    /// Environment variables that are farther from the mean of the training runs than two spreads, where the model knows
    /// nothing: name, value, mean and spread.
    public var unfamiliarEnvironment: [(name: String, value: Double, mean: Double, spread: Double)] {
        let (means, spreads) = (model.normalization.environmentMean, model.normalization.environmentSpread)
        return model.configuration.environment.indices.filter { abs(environment[$0] - means[$0]) > 2 * spreads[$0] }
            .map { (model.configuration.environment[$0].rawValue, environment[$0], means[$0], spreads[$0]) }
    }
}

extension AtomStore.Arrays {
    /// The atom at an index alone.
    subscript(index: Int) -> AtomStore.Arrays {
        var one = self
        one.count = 1
        one.atoms += index
        one.cells += index
        one.offsets += 3 * index
        one.entries += index
        return one
    }
}
