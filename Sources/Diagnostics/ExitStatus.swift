/// The statuses with which every SAGES program ends; the numbers are those of sysexits.h.
public enum ExitStatus: Int32, Sendable {
    case success = 0
    /// The command line or a configuration is wrong.
    case usage = 64
    /// The content of an input file is wrong: truncated, foreign, inconsistent.
    case data = 65
    /// An input file is missing or cannot be opened.
    case noInput = 66
    /// A fault of SAGES itself, or of a library or rank it relies on.
    case `internal` = 70
    /// Reading or writing failed: disk full, permission, quota.
    case io = 74
    /// Stopped early on request (signal, time limit); everything is saved and the run can be resumed.
    case resumable = 75
}
