import Diagnostics
import MPI

/// What one check of `sages doctor` found.
struct Finding {
    enum State: Int32, Comparable {
        case ok, warning, failure
        static func < (a: State, b: State) -> Bool { a.rawValue < b.rawValue }
        var word: String {
            switch self {
            case .ok: "ok"
            case .warning: "warn"
            case .failure: "fail"
            }
        }
    }

    let name: String
    let state: State
    let text: String
    /// What to do about it; empty where all is well.
    let hint: String

    static func ok(_ name: String, _ text: String) -> Finding { Finding(name: name, state: .ok, text: text, hint: "") }

    static func warning(_ name: String, _ text: String, hint: String) -> Finding {
        Finding(name: name, state: .warning, text: text, hint: hint)
    }

    static func failure(_ name: String, _ text: String, hint: String) -> Finding {
        Finding(name: name, state: .failure, text: text, hint: hint)
    }

    /// The worst of all ranks' findings, with the number of ranks that are as badly off. Collective.
    func worst(_ communicator: Communicator) throws -> Finding {
        let states = try communicator.allGather(state.rawValue)
        guard let worst = states.max(), let root = states.firstIndex(of: worst) else { return self }
        let text = try communicator.broadcast(text, root: root)
        let hint = try communicator.broadcast(hint, root: root)
        let count = states.count { $0 == worst }
        let isOk = worst == State.ok.rawValue
        let ranks = isOk || communicator.size == 1 ? "" : " (on \(count) of \(communicator.size) ranks, the first is \(root))"
        return Finding(name: name, state: State(rawValue: worst) ?? .failure, text: text + ranks, hint: hint)
    }

    var line: String {
        "\(HelpText.padded(state.word, 6))\(HelpText.padded(name, 12))\(text)"
            + (hint.isEmpty ? "" : "\n" + HelpText.wrapped("hint: \(hint)", indentation: 18))
    }

    var json: JSONValue {
        ["check": .string(name), "state": .string(state.word), "text": .string(text), "hint": .string(hint)]
    }
}
