import CBuildInformation
import CInstructionSet

/// What this program is: its version, the commit it was built from, and the instruction sets of its kernels.
public enum BuildInformation {
    /// The released version.
    public static let version = "0.1.0"

    /// The commit that the program was built from, or `nil` where the build was not told (`SAGES_COMMIT`).
    public static var commit: String? {
        let text = String(cString: sages_build_commit())
        return text.isEmpty ? nil : text
    }

    /// The instruction set that the build was asked for (`SAGES_ARCH`), as for a C compiler's `-march`; `nil` where the
    /// build was not told.
    public static var architecture: String? {
        let text = String(cString: sages_build_architecture())
        return text.isEmpty ? nil : text
    }

    /// Version and commit as one line, for `--version` and provenance.
    public static var fullVersion: String { "\(version) (commit \(commit ?? "unknown"))" }

    /// One extension of the instruction set.
    public struct InstructionSet: Sendable {
        /// Its name as compilers spell it, for example `avx512f`.
        public let name: String
        /// The kernels were compiled to use it.
        public let isRequired: Bool
        /// The processor of this machine has it.
        public let isPresent: Bool
    }

    /// The extensions that the kernels can use on this architecture; none where they need only what all processors of
    /// it have.
    public static var instructionSets: [InstructionSet] {
        (0..<sages_instruction_set_count()).map { index in
            InstructionSet(name: String(cString: sages_instruction_set_name(index)),
                           isRequired: sages_required_instruction_sets >> UInt32(index) & 1 != 0,
                           isPresent: sages_instruction_set_is_present(index) != 0)
        }
    }

    /// Throws where the kernels would end in an illegal instruction on this processor. Call it before any kernel; this
    /// module and the programs are compiled for every processor of the architecture, only kernels for a chosen one.
    public static func requireProcessor() throws(ProcessorError) {
        let missing = instructionSets.filter { $0.isRequired && !$0.isPresent }.map(\.name)
        if !missing.isEmpty { throw ProcessorError(missing: missing) }
    }
}

/// The processor lacks instructions that the kernels were compiled for.
public struct ProcessorError: SAGESError {
    /// The names of the missing instruction sets.
    public let missing: [String]
    public var exitStatus: ExitStatus { .internal }
    public var description: String {
        "this program was built for processors with \(missing.joined(separator: ", ")), which this one lacks; "
            + "build it on this kind of node, or with SAGES_ARCH=\(Self.nearestLevel) for all of them"
    }

    /// The highest level of x86-64 that this processor has whole, as for `SAGES_ARCH`.
    static var nearestLevel: String {
        let present = Set(BuildInformation.instructionSets.filter(\.isPresent).map(\.name))
        let levels = [
            ("x86-64-v4", ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]),
            ("x86-64-v3", ["avx2", "fma", "bmi", "bmi2"]), ("x86-64-v2", ["sse4.2", "popcnt"]),
        ]
        return levels.first { present.isSuperset(of: $0.1) }?.0 ?? "x86-64"
    }
}
