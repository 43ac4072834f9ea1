import Synchronization
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Messages to the person at the terminal: standard error only, since standard output is for results.
public enum Message {
    /// Says what is going on; printed by rank 0 only.
    public static func note(_ text: String) {
        if ProcessRank.current == 0 { write(text) }
    }

    /// Says that something is not as it should be, though the run goes on; printed by rank 0 only.
    public static func warning(_ text: String) {
        if ProcessRank.current == 0 { write("warning: \(text)") }
    }

    /// Says why the run ends; printed by whichever rank calls.
    public static func error(_ text: String) {
        write("error: \(text)")
    }

    /// Whether a progress line without an end of line stands on the terminal.
    private static let progressLineIsOpen = Mutex(false)

    private static func write(_ text: String) {
        progressLineIsOpen.withLock { isOpen in
            emit(isOpen ? "\r\u{1B}[K\(text)\n" : "\(text)\n")
            isOpen = false
        }
    }

    /// Replaces the progress line on a terminal; `isLast` ends it.
    static func writeProgressLine(_ text: String, isLast: Bool) {
        progressLineIsOpen.withLock { isOpen in
            emit("\r\u{1B}[K\(text)\(isLast ? "\n" : "")")
            isOpen = !isLast
        }
    }

    /// One `write`, so that lines of several ranks do not mix.
    private static func emit(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while let base = rest.baseAddress, !rest.isEmpty {
                let written = standardErrorWrite(STDERR_FILENO, base, rest.count)
                if written > 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest[written...])
                } else if written < 0, errno == EINTR {
                    continue
                } else {
                    // Nobody can be told that standard error is gone.
                    return
                }
            }
        }
    }
}

/// `write(2)`, which the type's own `write` would hide.
private func standardErrorWrite(_ descriptor: Int32, _ base: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, base, count)
}
