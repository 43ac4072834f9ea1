/// The species of a trajectory: element symbols and masses by species index.
///
/// Two species may be of one element (LAMMPS types that differ in their charge, say).
public struct SpeciesTable: Equatable, Sendable {
    /// Element symbols, such as "C".
    public var symbols: [String]
    /// Masses in u.
    public var masses: [Double]

    public init(symbols: [String], masses: [Double]) {
        precondition(symbols.count == masses.count, "a symbol and a mass for each species")
        self.symbols = symbols
        self.masses = masses
    }

    /// Species of standard atomic weights; nil if a symbol is of no element.
    public init?(symbols: [String]) {
        var masses: [Double] = []
        for symbol in symbols {
            guard let weight = PeriodicTable.weight(of: symbol) else { return nil }
            masses.append(weight)
        }
        self.init(symbols: symbols, masses: masses)
    }

    public var count: Int { symbols.count }
}
