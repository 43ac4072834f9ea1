import Autodiff
import Kernels
import Tensor

/// Writes atoms into the inputs of a program, from one row on.
struct CellWriter<Scalar: KernelScalar> {
    private let layout: CellLayout
    private let mobility, offset: UnsafeMutablePointer<Scalar>
    /// Nil where the program does not read them.
    private let occupancy, velocity: UnsafeMutablePointer<Scalar>?
    private let environment: UnsafeMutablePointer<Scalar>?

    init(_ program: Program<Scalar>, _ cells: CellVariables<Scalar>, _ layout: CellLayout, firstRow: Int) {
        self.layout = layout
        occupancy = program.contains(cells.occupancy)
            ? program.pointer(to: cells.occupancy) + firstRow * layout.occupancies : nil
        mobility = program.pointer(to: cells.mobility) + firstRow * layout.vectors
        offset = program.pointer(to: cells.offset) + firstRow * layout.vectors
        velocity = program.contains(cells.velocity)
            ? program.pointer(to: cells.velocity) + firstRow * layout.vectors : nil
        environment = cells.environment.map { program.pointer(to: $0) + firstRow * $0.columns }
    }

    /// Empties the slots of the rows.
    func clear(rows: Int) {
        if let occupancy { Kernels.fill(occupancy, with: 0, count: rows * layout.occupancies) }
        Kernels.fill(mobility, with: 0, count: rows * layout.vectors)
        Kernels.fill(offset, with: 0, count: rows * layout.vectors)
        if let velocity { Kernels.fill(velocity, with: 0, count: rows * layout.vectors) }
    }

    /// Writes the same environment, normalized [G], into every row.
    func write(environment values: UnsafeBufferPointer<Double>, rows: Int) {
        guard let environment else { return }
        for row in 0..<rows {
            for index in values.indices { environment[row * values.count + index] = Scalar(values[index]) }
        }
    }

    /// Writes one atom.
    ///
    /// - Parameters:
    ///   - entry: row times slots plus slot.
    ///   - offset: from the cell's center, Angstrom.
    ///   - velocity: Angstrom/ps.
    @inline(__always)
    func write(
        _ entry: Int, element: Int32, mobility: Double, offset: SIMD3<Double>, velocity: SIMD3<Double>
    ) {
        if let occupancy { occupancy[entry * layout.elements + Int(element)] = 1 }
        for axis in 0..<3 { self.mobility[3 * entry + axis] = Scalar(mobility) }
        write(entry, offset: offset, velocity: velocity)
    }

    /// Writes one atom's motion.
    @inline(__always)
    func write(_ entry: Int, offset: SIMD3<Double>, velocity: SIMD3<Double>) {
        for axis in 0..<3 { self.offset[3 * entry + axis] = Scalar(offset[axis]) }
        guard let target = self.velocity else { return }
        for axis in 0..<3 { target[3 * entry + axis] = Scalar(velocity[axis]) }
    }
}
