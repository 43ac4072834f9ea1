/// Unit systems of input files and what SAGES keeps: lengths in Angstrom, times in ps, masses in u.
public enum Units: String, Sendable, CaseIterable {
    /// Angstrom, ps, Angstrom/ps: LAMMPS' `metal`, and what SAGES keeps.
    case metal
    /// Angstrom, fs, Angstrom/fs: LAMMPS' `real`.
    case real

    /// Picoseconds in one unit of time.
    public var picoseconds: Double {
        switch self {
        case .metal: 1
        case .real: 1e-3
        }
    }

    /// Angstrom/ps in one unit of velocity.
    public var angstromPerPicosecond: Double {
        switch self {
        case .metal: 1
        case .real: 1e3
        }
    }

    /// Values of `unit` attributes in H5MD files, in the notation of H5MD's units module.
    public enum H5MD {
        public static let length = "Angstrom"
        public static let time = "ps"
        public static let velocity = "Angstrom ps-1"
        public static let mass = "u"
    }
}
