import Autodiff
import Kernels
import Tensor

/// What a network knows of each of a rank's atoms.
struct AtomCodes {
    let width: Int
    /// Of the atom's row; atoms that share a cell share its code. [atoms, width]
    var codes: [Float] = []
    /// eV, up to a constant; nil for models without an energy, or where atoms share cells. [atoms]
    var energies: [Double]?
    /// Atoms within the cutoff of bonds; nil for models that list none. [atoms]
    var coordination: [Int32]?
}

extension Simulator {
    /// The codes of this rank's atoms where they are, in the order of `localAtoms`; the same bits on any number of ranks.
    /// Collective.
    func codes() throws -> AtomCodes {
        let topology = try arrangedNetwork().topology
        let tape = Tape<Scalar>()
        let cells = CellVariables("cell", for: model, on: tape, over: topology, sharingEnvironment: true)
        let codes = model.codes(cells, topology)
        let inputs = [cells.occupancy, cells.mobility, cells.offset] + [cells.environment, cells.shift].compactMap(\.self)
        let program = Program(
            computing: [codes.code] + [codes.energy].compactMap(\.self) + inputs, parameters: parameters.pointer)
        let rows = filler.binning.rowCount
        let writer = CellWriter(program, cells, model.cellLayout, firstRow: 0)
        writer.clear(rows: rows)
        write(atoms.arrays, to: writer)
        model.normalized(environment).withUnsafeBufferPointer { writer.write(environment: $0, rows: 1) }
        if let shift = cells.shift { writeShifts(to: program.pointer(to: shift)) }
        try program.run()

        let (width, slots) = (codes.code.columns, model.cellLayout.slots)
        let code = program.pointer(to: codes.code)
        var result = AtomCodes(width: width)
        let arrays = atoms.arrays
        result.codes.reserveCapacity(arrays.count * width)
        for atom in 0..<arrays.count {
            let row = Int(arrays.entries[atom]) / slots
            for channel in 0..<width { result.codes.append(Float(code[row * width + channel])) }
        }
        if let energy = codes.energy, slots == 1 {
            let values = program.pointer(to: energy)
            result.energies = (0..<arrays.count).map { model.energyUnit * Double(values[Int(arrays.entries[$0])]) }
        }
        if let bondSearch, let cutoff = model.configuration.bonds?.bondCutoff {
            let counts = bondSearch.coordination(within: cutoff, cellSize: grid.cellSize)
            result.coordination = (0..<arrays.count).map { counts[Int(arrays.entries[$0])] }
        }
        return result
    }
}
