import Diagnostics
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Another program, run to its end.
///
/// Input and outputs are unnamed temporary files, not pipes: no deadlock, no SIGPIPE, however much is written.
struct ChildProcess {
    /// The exit status; 128 and the signal where one ended it.
    let status: Int32
    let output: String
    let errors: String

    /// A program that could not be started, or a temporary file that could not be made.
    struct Failure: SAGESError {
        let program: String
        let code: Int32
        /// The program is not installed (or not in PATH).
        var isMissing: Bool { code == ENOENT }
        var exitStatus: ExitStatus { .internal }
        var description: String { "cannot run \(program): \(String(cString: strerror(code)))" }
    }

    /// Runs `program` (found in PATH) with `input` as its standard input.
    static func run(_ program: String, _ arguments: [String], input: String = "") throws(Failure) -> ChildProcess {
        guard let standardInput = tmpfile(), let standardOutput = tmpfile(), let standardError = tmpfile() else {
            throw Failure(program: program, code: errno)
        }
        defer {
            fclose(standardInput)
            fclose(standardOutput)
            fclose(standardError)
        }
        var text = input
        let written = text.withUTF8 { fwrite($0.baseAddress, 1, $0.count, standardInput) }
        guard written == input.utf8.count, fflush(standardInput) == 0 else {
            throw Failure(program: program, code: errno)
        }
        rewind(standardInput)

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, fileno(standardInput), STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, fileno(standardOutput), STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, fileno(standardError), STDERR_FILENO)
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process = pid_t()
        let code = posix_spawnp(&process, program, &actions, nil, &words, environ)
        guard code == 0 else { throw Failure(program: program, code: code) }
        var state: Int32 = 0
        while waitpid(process, &state, 0) < 0 {
            guard errno == EINTR else { throw Failure(program: program, code: errno) }
        }
        let signal = state & 0x7F
        return ChildProcess(status: signal == 0 ? (state >> 8) & 0xFF : 128 + signal,
                            output: contents(standardOutput), errors: contents(standardError))
    }

    private static func contents(_ file: UnsafeMutablePointer<FILE>) -> String {
        rewind(file)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
