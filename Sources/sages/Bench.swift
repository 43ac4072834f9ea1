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
        self.arguments = [arguments.positionals[0]] + (arguments.isGiven("json") ? ["--json"] : [])
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
