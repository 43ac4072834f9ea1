import Diagnostics

/// The command line is wrong; the message ends with where to find help.
struct CommandLineError: SAGESError {
    let message: String
    /// The verb whose help explains, or `nil` before a verb is known.
    let verb: String?

    init(_ message: String, verb: String?) {
        self.message = message
        self.verb = verb
    }

    var exitStatus: ExitStatus { .usage }
    var description: String { "\(message) (see: sages \(verb.map { $0 + " " } ?? "")--help)" }
}
