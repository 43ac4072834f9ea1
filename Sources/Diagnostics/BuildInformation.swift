import CBuildInformation

/// What this program is: its version, the commit it was built from, and the instruction sets of its kernels.
public enum BuildInformation {
    /// The released version.
    public static let version = "0.1.0"

    /// The commit that the program was built from, or `nil` where the build was not told (`SAGES_COMMIT`).
    public static var commit: String? {
        let text = String(cString: sages_build_commit())
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

    /// The extensions that matter to the kernels on this architecture.
    public static var instructionSets: [InstructionSet] {
        (0..<sages_instruction_set_count()).map { index in
            InstructionSet(name: String(cString: sages_instruction_set_name(index)),
                           isRequired: sages_instruction_set_is_required(index) != 0,
                           isPresent: sages_instruction_set_is_present(index) != 0)
        }
    }

    /// Throws where the kernels would end in an illegal instruction on this processor. Call it before any kernel.
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
            + "build it on this kind of node, or with SAGES_ARCH=x86-64-v3 (or x86-64-v2) for all of them"
    }
}
