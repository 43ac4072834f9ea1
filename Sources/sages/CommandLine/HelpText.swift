import Diagnostics

/// `sages --help` and `sages VERB --help`.
enum HelpText {
    static func overview(_ verbs: [VerbSpecification]) -> String {
        let width = (verbs.map(\.name.count).max() ?? 0) + 2
        let list = verbs.map { "  " + padded($0.name, width) + $0.summary }.joined(separator: "\n")
        return """
            SAGES learns reduced models of molecular dynamics and runs them at scale.

            Usage: sages VERB [arguments] [--option value]...

            From a LAMMPS dump to a trajectory of a trained model:
              sages import run.lammpstrj.gz --out run.h5
              mpirun -n 2 sages train jobs/configs/quickstart.json5 --set data.train=run.h5 --out model.h5
              mpirun -n 2 sages simulate model.h5 --input run.h5 --steps 1000 --out rollout.h5

            Verbs:
            \(list)

            Every verb runs under mpirun or srun unchanged. Options are --key value or --key=value.
              sages VERB --help   what a verb takes, with an example
              sages --version     version and commit
              sages doctor        what works on this machine and what does not

            Results go to standard output, messages to standard error.

            """
    }

    static func verb(_ verb: VerbSpecification) -> String {
        var text = "Usage: \(usage(verb))\n\n\(wrapped(verb.description, indentation: 0))\n"
        if !verb.positionals.isEmpty {
            text += "\nArguments:\n"
            for positional in verb.positionals {
                let allowed = positional.allowed.isEmpty ? "" : " (\(positional.allowed.joined(separator: ", ")))"
                text += entry(positional.placeholder, positional.help + allowed)
            }
        }
        text += "\nOptions:\n"
        for option in verb.options {
            var help = option.help
            if !option.allowed.isEmpty { help += " (\(option.allowed.joined(separator: ", ")))" }
            if let value = option.defaultValue { help += "; default \(value)" }
            if option.isRepeatable { help += "; may be repeated" }
            if option.isRequired { help += "; required" }
            text += entry("--\(option.name)" + (option.placeholder.map { " \($0)" } ?? ""), help)
        }
        text += entry("--help", "show this text")
        text += "\nExample:\n" + verb.examples.map { "  \($0)\n" }.joined()
        text += "\nExit status:\n"
        for status in [.success, .usage] + verb.exitStatuses {
            text += "  \(padded("\(status.rawValue)", 4))\(meaning(status))\n"
        }
        return text
    }

    static func usage(_ verb: VerbSpecification) -> String {
        var words = ["sages", verb.name]
        for positional in verb.positionals {
            let word = positional.placeholder + (positional.isRepeatable ? "..." : "")
            words.append(positional.isOptional ? "[\(word)]" : word)
        }
        for option in verb.options where option.isRequired {
            words.append("--\(option.name) \(option.placeholder ?? "")")
        }
        if verb.options.contains(where: { !$0.isRequired }) { words.append("[options]") }
        return words.joined(separator: " ")
    }

    private static func meaning(_ status: ExitStatus) -> String {
        switch status {
        case .success: "success"
        case .usage: "the command line or a configuration is wrong"
        case .data: "the content of an input file is wrong"
        case .noInput: "an input file is missing or cannot be opened"
        case .internal: "a fault of SAGES, or of a library or rank it relies on"
        case .io: "reading or writing failed (disk full, permission)"
        case .resumable: "stopped early on request; everything is saved, --resume goes on"
        }
    }

    private static func entry(_ name: String, _ help: String) -> String {
        let column = 30
        let lines = wrapped(help, indentation: column).dropFirst(column)
        let head = "  " + name
        return head.count < column - 1 ? padded(head, column) + lines + "\n"
            : head + "\n" + String(repeating: " ", count: column) + lines + "\n"
    }

    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// Lines of at most 96 characters; blank lines in the text part paragraphs.
    static func wrapped(_ text: String, indentation: Int) -> String {
        let margin = String(repeating: " ", count: indentation)
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { paragraph in
            var lines: [String] = []
            var line = ""
            for word in paragraph.split(separator: " ") {
                if !line.isEmpty, indentation + line.count + 1 + word.count > 96 {
                    lines.append(margin + line)
                    line = ""
                }
                line += (line.isEmpty ? "" : " ") + word
            }
            lines.append(line.isEmpty ? "" : margin + line)
            return lines.joined(separator: "\n")
        }.joined(separator: "\n")
    }
}
