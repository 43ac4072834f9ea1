internal import CInstructionSet

/// The instruction set that this module was compiled for, chosen by SAGES_ARCH when the package was built. Programs ask
/// `BuildInformation.requireProcessor()` before they call any kernel.
public enum InstructionSet {
    /// Bytes of the widest vector register: 64, 32 or 16. A constant, so branches on it cost nothing.
    public static var vectorBytes: Int { Int(SAGES_VECTOR_BYTES) }
}
