/// Completion scripts of shells, made from the specifications of the verbs.
enum CompletionScript {
    static func bash(_ verbs: [VerbSpecification]) -> String {
        var cases = ""
        for verb in verbs {
            let options = (verb.options.map { "--\($0.name)" } + ["--help"]).joined(separator: " ")
            let words = verb.positionals.flatMap(\.allowed).joined(separator: " ")
            cases += "        \(verb.name)) options='\(options)'; words='\(words)' ;;\n"
        }
        var values = ""
        for verb in verbs {
            for option in verb.options where option.placeholder != nil {
                let action = !option.allowed.isEmpty
                    ? "COMPREPLY=($(compgen -W '\(option.allowed.joined(separator: " "))' -- \"$current\"))"
                    : option.kind == .file ? "COMPREPLY=($(compgen -f -- \"$current\"))"
                    : option.kind == .folder ? "COMPREPLY=($(compgen -d -- \"$current\"))" : "COMPREPLY=()"
                values += "        \(verb.name):--\(option.name)) \(action); return ;;\n"
            }
        }
        return """
            # bash completion of sages; made by: sages completion bash
            # To use it now and in new shells: sages completion bash > ~/.local/share/bash-completion/completions/sages
            _sages() {
                local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]}
                local options words
                if [ "$COMP_CWORD" -eq 1 ]; then
                    COMPREPLY=($(compgen -W '\(verbs.map(\.name).joined(separator: " ")) --help --version' -- "$current"))
                    return
                fi
                # "--option=value" comes as three words.
                if [ "$current" = "=" ]; then current=; elif [ "$previous" = "=" ]; then previous=${COMP_WORDS[COMP_CWORD-2]}; fi
                case "$verb:$previous" in
            \(values.dropLast())
                esac
                case "$verb" in
            \(cases.dropLast())
                    *) return ;;
                esac
                if [[ "$current" == -* ]]; then
                    COMPREPLY=($(compgen -W "$options" -- "$current"))
                elif [ -n "$words" ]; then
                    COMPREPLY=($(compgen -W "$words" -- "$current"))
                else
                    COMPREPLY=($(compgen -f -- "$current"))
                fi
            }
            complete -o filenames -F _sages sages

            """
    }

    static func zsh(_ verbs: [VerbSpecification]) -> String {
        let list = verbs.map { "        '\($0.name):\(quoted($0.summary))'" }.joined(separator: "\n")
        var cases = ""
        for verb in verbs {
            cases += "        \(verb.name))\n            _arguments \\\n"
            for option in verb.options {
                let repeatable = option.isRepeatable ? "*" : ""
                let value = option.placeholder.map { ":\(quoted($0)):\(action(option.kind, option.allowed))" } ?? ""
                let equals = option.placeholder == nil ? "" : "="
                cases += "                '\(repeatable)--\(option.name)\(equals)[\(quoted(option.help))]\(value)' \\\n"
            }
            for positional in verb.positionals {
                let position = positional.isRepeatable ? "*" : ""
                cases += "                '\(position):\(quoted(positional.placeholder)):"
                    + "\(action(positional.kind, positional.allowed))' \\\n"
            }
            cases += "                '--help[show help]'\n            ;;\n"
        }
        return """
            #compdef sages
            # zsh completion of sages; made by: sages completion zsh > FOLDER_OF_FPATH/_sages
            _sages() {
                local -a verbs
                verbs=(
            \(list)
                )
                if (( CURRENT == 2 )); then
                    _describe 'verb' verbs
                    return
                fi
                local verb=$words[2]
                shift words
                (( CURRENT-- ))
                case $verb in
            \(cases.dropLast())
                esac
            }
            compdef _sages sages

            """
    }

    private static func action(_ kind: ValueKind, _ allowed: [String]) -> String {
        if !allowed.isEmpty { return "(\(allowed.joined(separator: " ")))" }
        return switch kind {
        case .file: "_files"
        case .folder: "_files -/"
        case .other: " "
        }
    }

    /// Text within single quotes of an `_arguments` specification.
    private static func quoted(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "'": result += "'\\''"
            case "[", "]", ":": result += "\\\(character)"
            default: result.append(character)
            }
        }
        return result
    }
}
