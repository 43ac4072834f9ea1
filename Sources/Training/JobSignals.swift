import Synchronization
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Requests to stop that a batch system or a person sends: SIGTERM, SIGUSR1 and SIGINT.
///
/// The handler stores the signal's number and does nothing else. The program looks at `received` at its step
/// boundaries, where the ranks agree (one rank's signal suffices), saves its state and ends with exit status 75.
/// Where a second SIGINT comes, the process ends at once.
public enum JobSignals {
    private static let flag = Atomic<Int32>(0)
    private static let signals = [SIGTERM, SIGUSR1, SIGINT]

    /// The signal received since `install` or `clear`, or nil.
    public static var received: Int32? {
        let number = flag.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// Receives the signals from now on; calling it again does nothing more. Affects this process only.
    public static func install() {
        // The flag exists before a handler can touch it: its first use would not be safe inside one.
        _ = flag.load(ordering: .relaxed)
        for number in signals {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                JobSignals.flag.store(number, ordering: .relaxed)
            }
            // Input and output in progress are not interrupted.
            action.sa_flags = SA_RESTART | (number == SIGINT ? Int32(bitPattern: UInt32(SA_RESETHAND)) : 0)
            sigaction(number, &action, nil)
        }
    }

    /// Gives the signals their default effect again.
    public static func uninstall() {
        for number in signals { signal(number, SIG_DFL) }
    }

    /// Forgets a received signal.
    public static func clear() { flag.store(0, ordering: .relaxed) }

    /// The name of a signal, for messages.
    public static func name(of number: Int32) -> String {
        switch number {
        case SIGTERM: "SIGTERM"
        case SIGUSR1: "SIGUSR1"
        case SIGINT: "SIGINT"
        default: "signal \(number)"
        }
    }
}
