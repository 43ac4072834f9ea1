import Diagnostics

/// Reads the arguments behind a verb by its specification.
enum ArgumentParser {
    /// - Throws: `CommandLineError` for an unknown option, a missing or forbidden value, too many arguments, what
    ///   is required and not given.
    static func parse(_ words: some Sequence<String>, _ verb: VerbSpecification) throws(CommandLineError) -> Arguments {
        var positionals: [String] = []
        var values: [String: [String]] = [:]
        var rest = Array(words)[...]
        var optionsEnded = false
        while let word = rest.popFirst() {
            if word == "--", !optionsEnded {
                optionsEnded = true
            } else if word.hasPrefix("--"), !optionsEnded {
                try option(word, &rest, verb, &values)
            } else if word.hasPrefix("-"), word.count > 1, !optionsEnded, Double(word) == nil {
                throw CommandLineError("unknown option '\(word)': options are long ones, such as --help",
                                       verb: verb.name)
            } else {
                positionals.append(word)
            }
        }
        try check(positionals, verb)
        for option in verb.options where option.isRequired && values[option.name] == nil {
            throw CommandLineError("option --\(option.name) \(option.placeholder ?? "") is missing: \(option.help)",
                                   verb: verb.name)
        }
        return Arguments(specification: verb, positionals: positionals, values: values)
    }

    private static func option(_ word: String, _ rest: inout ArraySlice<String>, _ verb: VerbSpecification,
                               _ values: inout [String: [String]]) throws(CommandLineError) {
        func fault(_ message: String) -> CommandLineError { CommandLineError(message, verb: verb.name) }
        let equals = word.firstIndex(of: "=")
        let name = String(word.dropFirst(2).prefix(upTo: equals ?? word.endIndex))
        guard let option = verb.option(name) else {
            let nearest = NearestName.of(name, in: verb.options.map(\.name)).map { "; did you mean --\($0)?" } ?? ""
            throw fault("sages \(verb.name) has no option --\(name)\(nearest)")
        }
        if values[name] != nil, !option.isRepeatable, option.placeholder != nil {
            throw fault("option --\(name) is given twice")
        }
        guard let placeholder = option.placeholder else {
            if equals != nil { throw fault("option --\(name) takes no value") }
            values[name] = [""]
            return
        }
        let value: String
        if let equals {
            value = String(word[word.index(after: equals)...])
        } else if let next = rest.first, !next.hasPrefix("--") {
            value = next
            rest = rest.dropFirst()
        } else {
            throw fault("option --\(name) needs a value: --\(name) \(placeholder)")
        }
        guard !value.isEmpty else { throw fault("option --\(name) has an empty value") }
        try allowed(value, option.allowed, "option --\(name)", verb)
        values[name, default: []].append(value)
    }

    private static func check(_ positionals: [String], _ verb: VerbSpecification) throws(CommandLineError) {
        let minimum = verb.positionals.filter { !$0.isOptional }.count
        if positionals.count < minimum {
            let missing = verb.positionals[positionals.count]
            throw CommandLineError("sages \(verb.name) needs \(missing.placeholder): \(missing.help)", verb: verb.name)
        }
        if positionals.count > verb.positionals.count, verb.positionals.last?.isRepeatable != true {
            throw CommandLineError("sages \(verb.name) has no use for '\(positionals[verb.positionals.count])'",
                                   verb: verb.name)
        }
        for (index, value) in positionals.enumerated() {
            let specification = verb.positionals[min(index, verb.positionals.count - 1)]
            if value.isEmpty { throw CommandLineError("\(specification.placeholder) is empty", verb: verb.name) }
            try allowed(value, specification.allowed, specification.placeholder, verb)
        }
    }

    private static func allowed(_ value: String, _ allowed: [String], _ subject: String,
                                _ verb: VerbSpecification) throws(CommandLineError) {
        guard !allowed.isEmpty, !allowed.contains(value) else { return }
        let nearest = NearestName.of(value, in: allowed).map { "; did you mean \($0)?" } ?? ""
        throw CommandLineError("\(subject) must be one of \(allowed.joined(separator: ", ")), not '\(value)'\(nearest)",
                               verb: verb.name)
    }
}
