import CMPI
import Diagnostics
import Glibc

/// The MPI library of this process: start, end, version, clock.
///
/// MPI is used from one thread (the thread level asked for is FUNNELED).
public enum MPIEnvironment {
    /// True where `initialize` started the library, so that `finalize` may end it; false where a host program did.
    /// Touched only by the thread that calls MPI.
    nonisolated(unsafe) private static var ownsLibrary = false

    /// Starts MPI unless it runs already (a host program may have started it), and has errors returned instead
    /// of aborting the job. Calling it again does nothing. Collective over all ranks of the job.
    public static func initialize() throws {
        if !isInitialized {
            // Within a node Open MPI moves messages of more than 4 KiB only while both sides are in one of its routines.
            // Those of 32 KiB as well go at once, so that a halo can arrive while both compute. A site's own setting holds.
            setenv("OMPI_MCA_btl_vader_eager_limit", "32768", 0)
            var provided: Int32 = 0
            try check(MPI_Init_thread(nil, nil, sages_mpi_thread_funneled(), &provided), "MPI_Init_thread", rank: nil)
            ownsLibrary = true
            // Only the library's own communicators: those of a host program keep the host's error handler, and
            // duplicates of them get this one.
            try check(sages_mpi_errors_return(sages_mpi_comm_world()), "MPI_Comm_set_errhandler", rank: nil)
            try check(sages_mpi_errors_return(sages_mpi_comm_self()), "MPI_Comm_set_errhandler", rank: nil)
        }
    }

    /// Ends MPI if `initialize` started it and it has not ended yet. Collective over all ranks of the job.
    public static func finalize() {
        if ownsLibrary && isActive { MPI_Finalize() }
    }

    /// True from `initialize` on, also after `finalize`.
    public static var isInitialized: Bool {
        var flag: Int32 = 0
        return MPI_Initialized(&flag) == sages_mpi_success() && flag != 0
    }

    public static var isFinalized: Bool {
        var flag: Int32 = 0
        return MPI_Finalized(&flag) == sages_mpi_success() && flag != 0
    }

    /// True while MPI calls are allowed.
    public static var isActive: Bool { isInitialized && !isFinalized }

    /// Name and version of the library, one line.
    public static var libraryVersion: String {
        string(capacity: sages_mpi_max_library_version_string()) { MPI_Get_library_version($0, $1) }
    }

    /// The name of the node on which this rank runs.
    public static var processorName: String {
        string(capacity: sages_mpi_max_processor_name()) { MPI_Get_processor_name($0, $1) }
    }

    /// Seconds since a fixed moment in the past of this process.
    public static func wallTime() -> Double { MPI_Wtime() }

    private static func string(capacity: Int32,
                               _ call: (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<Int32>) -> Int32) -> String {
        var text = [CChar](repeating: 0, count: Int(capacity) + 1)
        var length: Int32 = 0
        guard call(&text, &length) == sages_mpi_success() else { return "unknown" }
        let bytes = text.prefix(Int(max(0, length))).map { UInt8(bitPattern: $0) }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first ?? ""
        return String(line)
    }
}
