/// Factors from the units that H5MD files name to Angstrom, ps and Angstrom/ps.
enum H5MDUnits {
    private static let lengths: [String: Double] = ["Angstrom": 1, "angstrom": 1, "A": 1, "nm": 10, "pm": 0.01]
    private static let times: [String: Double] = ["ps": 1, "fs": 1e-3, "ns": 1e3]

    static func length(_ unit: String) -> Double? { lengths[unit] }

    static func time(_ unit: String) -> Double? { times[unit] }

    /// Of units such as "Angstrom ps-1" and "nm/ps".
    static func velocity(_ unit: String) -> Double? {
        let parts = unit.split { $0 == " " || $0 == "/" }.map(String.init)
        guard parts.count == 2, let length = lengths[parts[0]] else { return nil }
        let isInverse = parts[1].hasSuffix("-1") != unit.contains("/")
        guard isInverse, let time = times[parts[1].hasSuffix("-1") ? String(parts[1].dropLast(2)) : parts[1]] else { return nil }
        return length / time
    }
}
