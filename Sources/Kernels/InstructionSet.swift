internal import CInstructionSet

/// The instruction set that this module was compiled for, chosen by SAGES_ARCH when the package was built.
public enum InstructionSet {
    /// Bytes of the widest vector register: 64, 32 or 16. A constant, so branches on it cost nothing.
    public static var vectorBytes: Int { Int(SAGES_VECTOR_BYTES) }
    /// Its name in messages.
    public static var name: String { SAGES_INSTRUCTION_SET }
    /// Whether the processor that runs this program has it. A program checks this before it calls any kernel, and
    /// ends with a message; otherwise the processor ends it with an illegal instruction.
    public static var isSupported: Bool { sages_processor_supports_instruction_set() != 0 }
}
