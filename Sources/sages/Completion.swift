import Diagnostics

/// `sages completion bash|zsh`.
struct Completion: SerialVerb {
    static let specification = VerbSpecification(
        name: "completion",
        summary: "print a completion script for bash or zsh",
        description: "Prints a script with which the shell completes verbs, options and files.",
        positionals: [.init(placeholder: "SHELL", help: "the shell", kind: .other, allowed: ["bash", "zsh"])],
        options: [],
        examples: ["source <(sages completion bash)"])

    let shell: String

    init(_ arguments: Arguments) throws {
        shell = arguments.positionals[0]
    }

    func run() throws -> ExitStatus {
        let verbs = Program.specifications
        print(shell == "bash" ? CompletionScript.bash(verbs) : CompletionScript.zsh(verbs), terminator: "")
        return .success
    }
}
