import Diagnostics
import Foundation

/// The command line of sages-bench.
struct BenchmarkOptions {
    /// What is to be measured.
    var name: String?
    var isJSON = false
    /// Behind the name: words for `serve`.
    var words: [String] = []
    /// By how much every message's completion is delayed, s; emulates a slower network.
    var delay = 0.0
    /// Of the network that the model of performance is stated for.
    var latency = 2e-6
    var nodeBandwidth = 25e9
    var ranksPerNode = 64

    /// Options that take a number: its name, its place, what multiplies it, and its help.
    static var numbers: [(name: String, unit: String, path: WritableKeyPath<Self, Double>, scale: Double, help: String)] {
        [
            ("delay", "MS", \.delay, 1e-3, "pretend that each message, and each collective operation, takes MS at least"),
            ("latency", "US", \.latency, 1e-6, "of a message between nodes (model; default 2)"),
            ("bandwidth", "GB/S", \.nodeBandwidth, 1e9, "of a node to the network (model; default 25: 200 Gbit/s)"),
        ]
    }

    init(_ arguments: [String]) throws(BenchmarkError) {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            if word == "--json" {
                isJSON = true
            } else if word == "--model" {
                guard name == nil else { throw .unexpected(word) }
                name = Scaling.name
            } else if word.hasPrefix("--") {
                let option = String(parts[0].dropFirst(2))
                func value() throws(BenchmarkError) -> Double {
                    let text = parts.count > 1 ? parts[1] : rest.popFirst()
                    guard let text, let number = Double(text), number.isFinite, number >= 0 else {
                        throw .badValue(option: parts[0], value: text ?? "")
                    }
                    return number
                }
                if let known = Self.numbers.first(where: { $0.name == option }) {
                    self[keyPath: known.path] = known.scale * (try value())
                } else if option == "ranks-per-node" {
                    let number = try value()
                    guard number >= 1, number == number.rounded(), number < 1e6 else {
                        throw .badValue(option: parts[0], value: "\(number)")
                    }
                    ranksPerNode = Int(number)
                } else {
                    throw .unknownOption(word)
                }
            } else if name == nil {
                name = word
            } else {
                words.append(word)
            }
        }
        if latency == 0 || nodeBandwidth == 0 { throw .badValue(option: "--latency or --bandwidth", value: "0") }
    }
}

/// What is wrong with the command line.
enum BenchmarkError: SAGESError {
    case noBenchmark
    case unknownBenchmark(String, known: [String])
    case unknownOption(String)
    case unexpected(String)
    case badValue(option: String, value: String)
    case unknownCase(String)

    var exitStatus: ExitStatus { .usage }

    var description: String {
        switch self {
        case .noBenchmark: "no benchmark named; sages-bench --help lists them"
        case .unknownBenchmark(let name, let known):
            "there is no benchmark \(name); there are: \(known.joined(separator: ", "))"
        case .unknownOption(let option): "unknown option \(option); sages-bench --help lists what there is"
        case .unexpected(let word): "'\(word)' was not expected; one benchmark at a time"
        case .badValue(let option, let value): "option \(option) takes a number, not '\(value)'"
        case .unknownCase(let name): "there is no case '\(name)' to serve"
        }
    }
}
