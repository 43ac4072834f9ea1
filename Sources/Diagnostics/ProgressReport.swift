#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Progress of a long run with rate and estimated time left: one line that is rewritten on a terminal, a plain line
/// every few seconds otherwise (a log file). Rank 0 only; standard error only.
///
/// `advance` costs one look at the clock; nothing is allocated except when a line is printed.
public final class ProgressReport {
    private let title: String
    private let unit: String
    private let first: Int
    private let total: Int?
    private let isTerminal: Bool
    private let isEnabled: Bool
    private let interval: Double
    private let begin: Double
    private var lastPrint: Double
    private var done: Int

    /// - Parameters:
    ///   - title: what is being done, for example `training`.
    ///   - unit: what is counted, in the plural, for example `steps`.
    ///   - first: how many were done before this run began (a resumed run): they do not count for the rate.
    ///   - total: how many there are in all; `nil` where that is not known.
    ///   - isEnabled: whether this process prints at all.
    public init(_ title: String, unit: String, from first: Int = 0, of total: Int?,
                isEnabled: Bool = ProcessRank.current == 0) {
        self.title = title
        self.unit = unit
        self.first = first
        self.total = total
        self.isEnabled = isEnabled
        isTerminal = isatty(STDERR_FILENO) == 1
        interval = isTerminal ? 0.25 : 10
        begin = Self.now()
        // On a terminal the first line comes at once; in a log after one interval.
        lastPrint = isTerminal ? -Double.infinity : begin
        done = first
    }

    /// Says that `count` are done in all; prints where it is time to.
    ///
    /// - Parameter detail: figures to show behind the rate, evaluated only when a line is printed.
    public func advance(to count: Int, detail: @autoclosure () -> String = "") {
        done = count
        guard isEnabled else { return }
        let now = Self.now()
        guard now - lastPrint >= interval else { return }
        lastPrint = now
        let text = line(at: now, detail: detail())
        if isTerminal { Message.writeProgressLine(text, isLast: false) } else { Message.note(text) }
    }

    /// Prints the last line: how many were done, in what time and at what rate.
    public func finish(detail: @autoclosure () -> String = "") {
        guard isEnabled else { return }
        let seconds = Self.now() - begin
        var text = "\(title): \(done) \(unit) in \(Self.duration(seconds))"
        if done > first, seconds > 0 { text += ", \(Self.rate(Double(done - first) / seconds, unit))" }
        let detail = detail()
        if !detail.isEmpty { text += ", \(detail)" }
        if isTerminal { Message.writeProgressLine(text, isLast: true) } else { Message.note(text) }
    }

    private func line(at now: Double, detail: String) -> String {
        var text = "\(title): \(done)\(total.map { " of \($0)" } ?? "") \(unit)"
        if let total, total > 0 { text += " (\(Int(100 * Double(done) / Double(total)))%)" }
        let seconds = now - begin
        if done > first, seconds > 0 {
            let rate = Double(done - first) / seconds
            text += ", \(Self.rate(rate, unit))"
            if let total { text += ", \(Self.duration(Double(total - done) / rate)) left" }
        }
        return detail.isEmpty ? text : "\(text), \(detail)"
    }

    /// Monotonic seconds.
    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }

    /// Three digits, for example `12.3 steps/s`; slow work as its inverse, `4.56 s per step`.
    static func rate(_ perSecond: Double, _ unit: String) -> String {
        if perSecond >= 0.1 { return "\(threeDigits(perSecond)) \(unit)/s" }
        let one = unit.hasSuffix("s") ? String(unit.dropLast()) : unit
        return "\(threeDigits(1 / perSecond)) s per \(one)"
    }

    /// `4.2 s`, `3 min 05 s`, `2 h 07 min`.
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "unknown time" }
        if seconds < 59.95 { return "\((seconds * 10).rounded() / 10) s" }
        let whole = Int(seconds.rounded())
        let (large, small, names) = whole < 3600
            ? (whole / 60, whole % 60, ("min", "s")) : (whole / 3600, whole % 3600 / 60, ("h", "min"))
        return "\(large) \(names.0) \(small < 10 ? "0" : "")\(small) \(names.1)"
    }

    private static func threeDigits(_ value: Double) -> String {
        guard value.isFinite, value > 0, value < 1e15 else { return "\(value)" }
        if value >= 100 { return "\(Int(value.rounded()))" }
        let scale: Double = value >= 10 ? 10 : 100
        return "\((value * scale).rounded() / scale)"
    }
}
