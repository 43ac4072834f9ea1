import HDF5
import MPI

/// What rank 0 writes of a frame.
struct H5MDFrame {
    var step: Int64
    var time: Double
    var box: SimulationBox
    var observables: [Double]
}

extension H5MDSeries {
    /// Whether every growing dataset can be written beside the library. Every rank gets the same answer.
    func isPlaced(_ options: H5MDOptions) throws -> Bool {
        guard options.deflate == nil else { return false }
        let reals = scalars + [position] + [velocity].compactMap { $0 }
        return try step.isPlaced(of: Int64.self)
            && ([time, edges, origin] + observables).allSatisfy { try $0.isPlaced(of: Double.self) }
            && (options.hasWideIdentifiers ? id.isPlaced(of: Int64.self) : id.isPlaced(of: Int32.self))
            && ([species] + [image].compactMap { $0 }).allSatisfy { try $0.isPlaced(of: Int32.self) }
            && reals.allSatisfy {
                options.precision == .float64 ? try $0.isPlaced(of: Double.self) : try $0.isPlaced(of: Float.self)
            }
    }
}

// A frame is brought into the types of the file in one piece of memory, from which it is written: in the background, or
// dataset by dataset through the library. HDF5 would convert too, but give up collective transfer for it.
extension H5MDWriter {
    /// Writes the atoms in `order` as the last frame, or hands them to `background`. Collective without one.
    func write(_ frame: H5MDFrame) throws {
        let payload = order.payload
        // 64-bit words: of the frame, then of an atom, where every dataset begins at a whole word.
        let words = 8 + options.observables.count + order.rowCount * payload.words + 8 + payload.scalarCount
        var cursor = Cursor(word: staging.reserve(words), frame: frameCount)
        let root = file.communicator.map { $0.rank == 0 } ?? true
        let (box, one, three) = (frame.box, root ? 0..<1 : 0..<0, root ? 0..<3 : 0..<0)
        try put(series.step, Int64.self, one, &cursor) { _ in frame.step }
        try put(series.time, Double.self, one, &cursor) { _ in frame.time }
        try put(series.edges, Double.self, three, &cursor) { box.edges[$0] }
        try put(series.origin, Double.self, three, &cursor) { box.origin[$0] }
        for (dataset, value) in zip(series.observables, frame.observables) {
            try put(dataset, Double.self, one, &cursor) { _ in value }
        }

        if options.hasWideIdentifiers {
            try putAtoms(series.id, Int64.self, 1, &cursor) { $1[0] = $0[0] }
        } else {
            try putAtoms(series.id, Int32.self, 1, &cursor) { $1[0] = Int32(truncatingIfNeeded: $0[0]) }
        }
        try putAtoms(series.species, Int32.self, 1, &cursor) { $1[0] = Int32(truncatingIfNeeded: $0[1]) }
        for (index, scalar) in series.scalars.enumerated() {
            try putReals(scalar, word: payload.scalarWord + index, components: 1, &cursor)
        }
        if let velocity = series.velocity { try putReals(velocity, word: payload.velocityWord, components: 3, &cursor) }
        if let image = series.image {
            try putAtoms(image, Int32.self, 3, &cursor) { atom, image in
                image[0] = Int32(truncatingIfNeeded: atom[1] >> 32)
                image[1] = Int32(truncatingIfNeeded: atom[2])
                image[2] = Int32(truncatingIfNeeded: atom[2] >> 32)
            }
        }
        try putReals(series.position, word: 3, components: 3, &cursor)
    }

    /// Where the next dataset's numbers of a frame go.
    struct Cursor {
        var word: UnsafeMutablePointer<UInt64>
        let frame: Int
    }

    private func putReals(_ dataset: Dataset, word: Int, components: Int, _ cursor: inout Cursor) throws {
        @inline(__always) func real(_ atom: UnsafePointer<Int64>, _ component: Int) -> Double {
            Double(bitPattern: UInt64(bitPattern: atom[word + component]))
        }
        if options.precision == .float64 {
            try putAtoms(dataset, Double.self, components, &cursor) { atom, value in
                for component in 0..<components { value[component] = real(atom, component) }
            }
        } else {
            try putAtoms(dataset, Float.self, components, &cursor) { atom, value in
                for component in 0..<components { value[component] = Float(real(atom, component)) }
            }
        }
    }

    /// Rows of all atoms of this rank; `fill` gets the words of an atom and the place of its numbers.
    @inline(__always)
    private func putAtoms<T: HDF5Datatype>(
        _ dataset: Dataset, _ type: T.Type, _ components: Int, _ cursor: inout Cursor,
        _ fill: (UnsafePointer<Int64>, UnsafeMutablePointer<T>) -> Void
    ) throws {
        let rows = order.firstRow..<(order.firstRow + order.rowCount)
        let values = UnsafeMutableRawPointer(cursor.word).bindMemory(to: T.self, capacity: rows.count * components)
        let atoms = order.atoms
        for row in 0..<rows.count { fill(atoms[row], values + row * components) }
        try send(dataset, UnsafeBufferPointer(start: values, count: rows.count * components), rows, &cursor)
    }

    /// The numbers of an entry of a small dataset, one a row.
    private func put<T: HDF5Datatype>(
        _ dataset: Dataset, _ type: T.Type, _ rows: Range<Int>, _ cursor: inout Cursor, _ value: (Int) -> T
    ) throws {
        let values = UnsafeMutableRawPointer(cursor.word).bindMemory(to: T.self, capacity: rows.count)
        for row in rows { values[row] = value(row) }
        try send(dataset, UnsafeBufferPointer(start: values, count: rows.count), rows, &cursor)
    }

    private func send<T: HDF5Datatype>(
        _ dataset: Dataset, _ values: UnsafeBufferPointer<T>, _ rows: Range<Int>, _ cursor: inout Cursor
    ) throws {
        let bytes = UnsafeRawBufferPointer(values)
        cursor.word += (bytes.count + 7) / 8
        if let background, let start = bytes.baseAddress {
            try dataset.forEachPiece(ofEntry: cursor.frame, rows: rows) { background.write(start + $1, count: $2, at: $0) }
        } else {
            let rest = dataset.shape.dropFirst(2)
            let selection: Selection = dataset.shape.count == 1
                ? .box(offset: [cursor.frame], count: [rows.count])
                : .box(offset: [cursor.frame, rows.lowerBound] + rest.map { _ in 0 }, count: [1, rows.count] + rest)
            try dataset.write(values, rows.isEmpty ? .none : selection)
        }
    }

    /// Masses do not change with time; they are known with the first frame. Collective.
    func writeMasses() throws {
        let atoms = order.atoms
        let masses = (0..<atoms.count).map { row in
            let index = Int(Int32(truncatingIfNeeded: atoms[row][1]))
            return species.masses.indices.contains(index) ? species.masses[index] : 0
        }
        try series.mass.write(masses, .box(offset: [order.firstRow], count: [order.rowCount]))
        hasMasses = true
    }
}

extension Optional<Communicator> {
    /// `Communicator.agree`, or the body alone where there are no other ranks.
    @discardableResult
    func agree<T>(_ body: () throws -> T) throws -> T {
        guard let self else { return try body() }
        return try self.agree(body)
    }
}
