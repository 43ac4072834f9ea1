import Diagnostics
import MPI
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// `sages bench`: becomes the program `sages-bench`, which is installed beside `sages`.
struct Bench: ReplacementVerb {
    static let specification = VerbSpecification.bench

    let arguments: [String]

    init(_ arguments: Arguments) throws {
        let isModel = arguments.isGiven("model")
        guard arguments.positionals.isEmpty == isModel else {
            throw arguments.fault(isModel ? "--model is a measurement of its own" : "WHAT is missing: what to measure")
        }
        var words = arguments.positionals + ["model", "json"].filter { arguments.isGiven($0) }.map { "--\($0)" }
        for name in ["delay", "latency", "bandwidth"] {
            if let value = try arguments.number(name, as: Double.self, in: .atLeast(0)) { words.append("--\(name)=\(value)") }
        }
        if let ranks = try arguments.number("ranks-per-node", as: Int.self, in: .between(1, 100_000)) {
            words.append("--ranks-per-node=\(ranks)")
        }
        self.arguments = words
    }

    func replaceProcess() throws -> Never {
        let program = try Self.program()
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
        words.append(nil)
        execv(program, words)
        throw ChildProcess.Failure(program: program, code: errno)
    }

    /// `sages-bench` in the folder of this program.
    private static func program() throws -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard length > 0 else { throw ChildProcess.Failure(program: "sages-bench", code: errno) }
        let own = String(decoding: buffer.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return own.prefix(upTo: own.lastIndex(of: "/") ?? own.startIndex) + "/sages-bench"
    }
}
