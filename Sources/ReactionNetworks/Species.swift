import Trajectory

/// A chemical species: what it is made of.
public struct Species: Hashable, Sendable {
    public let name: String
    /// Atoms of each element, by symbol.
    public let elements: [String: Int]
    /// In units of the elementary charge.
    public let charge: Int

    public init(name: String, elements: [String: Int], charge: Int) {
        (self.name, self.elements, self.charge) = (name, elements, charge)
    }

    /// Reads a formula such as H2O, HCO+ or c-C3H2; e-, e or E is the electron.
    ///
    /// - Returns: nil for what is no formula.
    public init?(formula: String) {
        if ["e-", "e", "E", "E-"].contains(formula) {
            self.init(name: formula, elements: [:], charge: -1)
            return
        }
        var elements: [String: Int] = [:]
        var charge = 0
        // Linear, cyclic, ortho, para, meta.
        var rest = ["l-", "c-", "o-", "p-", "m-"].contains { formula.hasPrefix($0) } ? formula.dropFirst(2) : formula[...]
        while let first = rest.first {
            if first == "+" || first == "-" {
                charge += first == "+" ? 1 : -1
                rest = rest.dropFirst()
                continue
            }
            // Charges come last.
            guard charge == 0, first.isUppercase, first.isASCII else { return nil }
            var symbol = String(first)
            rest = rest.dropFirst()
            while let next = rest.first, next.isLowercase, next.isASCII, symbol.count < 2 {
                symbol.append(next)
                rest = rest.dropFirst()
            }
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            // Deuterium has a symbol of its own in networks.
            guard symbol == "D" || PeriodicTable.atomicNumber(of: symbol) != nil else { return nil }
            guard let count = digits.isEmpty ? 1 : Int(digits), count > 0, count < 10_000 else { return nil }
            elements[symbol, default: 0] += count
        }
        guard !elements.isEmpty else { return nil }
        self.init(name: formula, elements: elements, charge: charge)
    }
}
