/// Finds the species of a dump's atoms from their type, element and mass columns.
///
/// The first frame decides: with types, species index = type - 1; with element symbols alone, the symbols that occur
/// in ascending order of atomic number.
struct DumpSpecies {
    struct Atom {
        var type: Int64?
        var element: UnsafeBufferPointer<UInt8>?
        var mass: Double?
    }

    struct Failure: Error { let message: String }

    /// Most types that a dump may have.
    private static let mostTypes = 10_000

    /// Species given by the user; the file's elements and masses are then not looked at.
    private let named: SpeciesTable?
    /// Symbol and mass of each type so far, or of each symbol so far.
    private var symbols: [String?] = []
    private var masses: [Double?] = []
    private var isResolved = false
    /// Whether indices come from types.
    private var isByType = false
    /// Species of each provisional index where there are symbols alone.
    private var order: [Int32] = []

    init(named: SpeciesTable?) { self.named = named }

    /// The species index of an atom; provisional in the first frame, until `resolve`.
    mutating func index(of atom: Atom, columns: DumpColumns) throws(Failure) -> Int32 {
        if let type = atom.type {
            guard type >= 1, type <= Self.mostTypes else { throw Failure(message: "type \(type) is out of range") }
            let index = Int(type) - 1
            if let named {
                guard index < named.count else {
                    throw Failure(message: "its type is \(type), but elements are given for \(named.count) types")
                }
                return Int32(index)
            }
            if isResolved {
                guard index < symbols.count else { throw Failure(message: "type \(type) is not in the first frame") }
                return Int32(index)
            }
            isByType = true
            try note(index, atom)
            return Int32(index)
        }
        guard let element = atom.element else {
            if let named, named.count == 1 { return 0 }
            throw Failure(message: "there is neither a type nor an element column: name the one element (--elements)")
        }
        let symbol = String(decoding: element, as: UTF8.self)
        if let named {
            guard let index = named.symbols.firstIndex(of: symbol) else {
                throw Failure(message: "element \"\(symbol)\" is not among those given")
            }
            return Int32(index)
        }
        if let index = symbols.firstIndex(of: symbol) { return isResolved ? order[index] : Int32(index) }
        guard !isResolved else { throw Failure(message: "element \"\(symbol)\" is not in the first frame") }
        guard PeriodicTable.atomicNumber(of: symbol) != nil else {
            throw Failure(message: "\"\(symbol)\" is no element's symbol")
        }
        symbols.append(symbol)
        masses.append(atom.mass)
        return Int32(symbols.count - 1)
    }

    private mutating func note(_ index: Int, _ atom: Atom) throws(Failure) {
        while symbols.count <= index {
            symbols.append(nil)
            masses.append(nil)
        }
        if let mass = atom.mass { masses[index] = mass }
        if let element = atom.element {
            let symbol = String(decoding: element, as: UTF8.self)
            if let known = symbols[index], known != symbol {
                throw Failure(message: "its type \(index + 1) is \(symbol) here and \(known) before")
            }
            symbols[index] = symbol
        }
    }

    /// The species table after the first frame, whose provisional indices are made final.
    mutating func resolve(_ species: inout [Int32]) throws(Failure) -> SpeciesTable {
        isResolved = true
        if let named { return named }
        var table = SpeciesTable(symbols: [], masses: [])
        for (index, symbol) in symbols.enumerated() {
            let mass = masses[index]
            let found = symbol ?? mass.flatMap(PeriodicTable.symbol(ofMass:))
            // A type that no atom has may stay without a name of its own.
            guard let found else {
                if !species.contains(Int32(index)) {
                    table.symbols.append("X")
                    table.masses.append(mass ?? 0)
                    continue
                }
                throw Failure(message: "nothing tells the element of type \(index + 1): name the elements (--elements)")
            }
            guard let weight = mass ?? PeriodicTable.weight(of: found), weight > 0 else {
                throw Failure(message: "\"\(found)\" is no element's symbol: name the elements (--elements)")
            }
            table.symbols.append(found)
            table.masses.append(weight)
        }
        if isByType { return table }
        let ascending = table.symbols.indices.sorted {
            (PeriodicTable.atomicNumber(of: table.symbols[$0]) ?? 0) < (PeriodicTable.atomicNumber(of: table.symbols[$1]) ?? 0)
        }
        order = [Int32](repeating: 0, count: ascending.count)
        for (place, index) in ascending.enumerated() { order[index] = Int32(place) }
        for index in species.indices { species[index] = order[Int(species[index])] }
        return SpeciesTable(symbols: ascending.map { table.symbols[$0] }, masses: ascending.map { table.masses[$0] })
    }
}
