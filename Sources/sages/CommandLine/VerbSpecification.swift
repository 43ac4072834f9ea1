import Diagnostics

/// What a verb takes, as data: parsing, help and shell completion come from it.
struct VerbSpecification: Sendable {
    let name: String
    /// One line for the overview.
    let summary: String
    /// What the verb does, a paragraph or more.
    let description: String
    var positionals: [PositionalSpecification] = []
    var options: [OptionSpecification] = []
    /// Command lines that work.
    let examples: [String]
    /// What statuses other than the common ones (0, 64) mean here.
    var exitStatuses: [ExitStatus] = []

    func option(_ name: String) -> OptionSpecification? { options.first { $0.name == name } }
}

/// What the shell offers for a value.
enum ValueKind: Sendable {
    case file
    case folder
    case other
}

/// An argument without a name.
struct PositionalSpecification: Sendable {
    /// For usage lines and errors, for example `FILE.h5`.
    let placeholder: String
    let help: String
    var kind = ValueKind.file
    var isOptional = false
    /// One or more.
    var isRepeatable = false
    /// The values that are allowed; empty where any is.
    var allowed: [String] = []
}

/// `--name value`, `--name=value`, or `--name` alone for a flag.
struct OptionSpecification: Sendable {
    /// Without the dashes.
    let name: String
    /// What the value is, for example `FILE.h5`; `nil` for a flag.
    let placeholder: String?
    let help: String
    /// What is taken where the option is not given; `nil` where there is none.
    var defaultValue: String?
    /// The values that are allowed; empty where any is.
    var allowed: [String] = []
    var kind = ValueKind.other
    var isRequired = false
    var isRepeatable = false

    static func flag(_ name: String, _ help: String) -> Self { Self(name: name, placeholder: nil, help: help) }

    static func value(_ name: String, _ placeholder: String, _ help: String, default defaultValue: String? = nil,
                      allowed: [String] = [], kind: ValueKind = .other, isRequired: Bool = false,
                      isRepeatable: Bool = false) -> Self {
        Self(name: name, placeholder: placeholder, help: help, defaultValue: defaultValue, allowed: allowed,
             kind: kind, isRequired: isRequired, isRepeatable: isRepeatable)
    }

    /// `--threads`, the same for every verb that computes.
    static let threads = value(
        "threads", "N", "threads of each rank, for ranks that have N processors; no result depends on it", default: "1")

    /// `--json`, the same for every verb that has results.
    static let json = flag("json", "print the result as one JSON object and nothing else on standard output")
}
