import COpenBLAS
import Diagnostics
import MPI
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The program, the processor, BLAS, Slurm and gnuplot.
extension Doctor {
    static func version() -> Finding {
        guard BuildInformation.commit != nil else {
            return .warning("sages", BuildInformation.fullVersion,
                            hint: "files will not say which commit made them; build with SAGES_COMMIT set, as "
                                + "jobs/quickstart.sh does")
        }
        return .ok("sages", BuildInformation.fullVersion)
    }

    static func processor() -> Finding {
        let sets = BuildInformation.instructionSets
        let built = sets.filter(\.isRequired).map(\.name)
        let text = "\(processorName()), kernels built for \(built.isEmpty ? "the baseline" : built.joined(separator: " "))"
        do { try BuildInformation.requireProcessor() } catch {
            return .failure("processor", text, hint: error.description)
        }
        let unused = sets.filter { $0.isPresent && !$0.isRequired }.map(\.name)
        guard unused.isEmpty else {
            return .warning("processor", text,
                            hint: "the processor also has \(unused.joined(separator: " ")); a build on this kind of "
                                + "node with SAGES_ARCH=native would use them")
        }
        return .ok("processor", text)
    }

    private static func processorName() -> String {
        guard let file = fopen("/proc/cpuinfo", "r") else { return "unknown processor" }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 4096)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            guard text.hasPrefix("model name"), let colon = text.firstIndex(of: ":") else { continue }
            return text[text.index(after: colon)...].split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
        return "unknown processor"
    }

    /// A product of two matrices of small whole numbers, which is exact, and the number of threads.
    static func linearAlgebra(ranksOnNode: Int) -> Finding {
        let n = 64
        let a = (0..<n * n).map { Double(($0 * 7) % 11) - 5 }
        let b = (0..<n * n).map { Double(($0 * 5) % 13) - 6 }
        var c = [Double](repeating: 0, count: n * n)
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(n), Int32(n), Int32(n), 1, a, Int32(n),
                    b, Int32(n), 0, &c, Int32(n))
        let configuration = openblas_get_config().map { String(cString: $0) } ?? "OpenBLAS"
        let threads = Int(openblas_get_num_threads())
        let text = configuration.split(separator: " ").prefix(2).joined(separator: " ")
            + ", \(threads) thread\(threads == 1 ? "" : "s")"
        for row in 0..<n {
            for column in 0..<n {
                let expected = (0..<n).reduce(0.0) { $0 + a[row * n + $1] * b[$1 * n + column] }
                guard c[row * n + column] == expected else {
                    return .failure("blas", "\(text): dgemm gives \(c[row * n + column]) where \(expected) is right",
                                    hint: "another or a broken BLAS library is linked; see: ldd $(which sages)")
                }
            }
        }
        if threads > 1, ranksOnNode > 1 {
            return .warning("blas", text, hint: "\(ranksOnNode) ranks share this node: set OPENBLAS_NUM_THREADS=1")
        }
        return .ok("blas", "\(text), dgemm is right")
    }

    static func slurm(_ communicator: Communicator) -> Finding {
        guard let job = variable("SLURM_JOB_ID") else {
            return .ok("slurm", "not in a Slurm job")
        }
        let nodes = variable("SLURM_JOB_NUM_NODES") ?? "?"
        let text = "job \(job) on \(nodes) node\(nodes == "1" ? "" : "s"), \(communicator.size) ranks"
        if let tasks = variable("SLURM_NTASKS").flatMap(Int.init), tasks > 1, communicator.size == 1 {
            return .warning("slurm", text,
                            hint: "the job has \(tasks) tasks and this run one rank: start sages with srun or mpirun; "
                                + "where each of several ranks believes it is alone, srun lacks the right --mpi=")
        }
        return .ok("slurm", text)
    }

    static func plotting() -> Finding {
        let hint = "sages plot needs it; on Debian: apt-get install gnuplot-nox"
        guard let version = try? ChildProcess.run("gnuplot", ["--version"]), version.status == 0 else {
            return .warning("gnuplot", "not found", hint: hint)
        }
        let name = version.output.split(separator: "\n").first.map(String.init) ?? "gnuplot"
        guard let terminal = try? ChildProcess.run("gnuplot", [], input: "set terminal pngcairo\n"),
              terminal.status == 0 else {
            return .warning("gnuplot", "\(name), without pngcairo",
                            hint: "PNG pictures need the cairo terminal (package gnuplot-nox); SVG works")
        }
        return .ok("gnuplot", name)
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
