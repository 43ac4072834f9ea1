/// Constants in LAMMPS's "metal" units: Angstrom, picosecond, eV, unified atomic mass unit, kelvin (CODATA 2018).
public enum PhysicalConstants {
    /// Boltzmann's constant, eV/K (exact in the SI of 2019).
    public static let boltzmann = 8.617333262e-5
    /// One u Å²/ps² in eV: 1.66053906660e-27 kg · 1e4 m²/s² / 1.602176634e-19 J.
    public static let kineticEnergyUnit = 1.66053906660e-27 * 1e4 / 1.602176634e-19
    /// One THz in cm⁻¹: 1e12 Hz over the speed of light in cm/s.
    public static let wavenumberPerTerahertz = 1e12 / 2.99792458e10
}
