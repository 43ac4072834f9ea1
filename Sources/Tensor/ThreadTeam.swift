import Foundation
import Kernels
import Synchronization

/// Work that a `ThreadTeam` does in parts, which do not depend on one another.
public protocol TeamWork: AnyObject {
    /// Does one part; called on any thread of the team, for several parts at once.
    ///
    /// - Parameter thread: the thread's number, 0 for the one that called `ThreadTeam.run`.
    func perform(_ part: Int, thread: Int) throws
}

/// A fixed number of threads within a rank that work together: the caller and its helpers.
///
/// Parts go to threads as these become free, so nothing waits for a thread that the system has put aside, and results
/// must not depend on who does what; every use in SAGES gives the same bits for any number of threads. Idle threads
/// spin for some microseconds, then sleep. Running allocates nothing. Communication stays on the calling thread.
public final class ThreadTeam: Sendable {
    /// The team that programs run on: one thread until `resize(to:)`.
    public static let shared = ThreadTeam(threads: 1)
    /// The most threads that a team can have.
    public static let maximumCount = 1024

    private let members: Mutex<Members>
    private let queue = TeamQueue()

    private struct Members {
        var threads: [pthread_t] = []
    }

    /// - Parameter threads: the caller's counted, 1...`maximumCount`.
    public init(threads: Int) {
        members = Mutex(Members())
        resize(to: threads)
    }

    deinit {
        queue.stop()
        members.withLock { for thread in $0.threads { pthread_join(thread, nil) } }
    }

    /// Threads, the caller's counted.
    public var count: Int { queue.threadCount.load(ordering: .relaxed) }

    /// Ends the helpers and starts others. Not while the team runs.
    public func resize(to count: Int) {
        precondition((1...ThreadTeam.maximumCount).contains(count), "a team of \(count) threads")
        members.withLock { members in
            guard count != members.threads.count + 1 else { return }
            queue.stop()
            for thread in members.threads { pthread_join(thread, nil) }
            members.threads = []
            queue.restart(threads: count)
            for number in 1..<count {
                let helper = Helper(queue: queue, number: number)
                var thread = pthread_t()
                let status = pthread_create(&thread, nil, { context in
                    guard let context else { return nil }
                    // Balances the retain of the thread's creation.
                    let helper = Unmanaged<Helper>.fromOpaque(context).takeRetainedValue()
                    helper.queue.help(number: helper.number)
                    return nil
                }, Unmanaged.passRetained(helper).toOpaque())
                precondition(status == 0, "the system refuses a thread (\(status)); ask for fewer threads")
                members.threads.append(thread)
            }
        }
    }

    /// Does the parts `0..<parts` of some work and returns when all are done.
    ///
    /// - Throws: the error of the first part, by number, of those that failed; other parts may be done all the same.
    public func run(_ parts: Int, _ work: some TeamWork) throws {
        guard count > 1, parts > 1 else {
            for part in 0..<parts { try work.perform(part, thread: 0) }
            return
        }
        try queue.run(parts, work)
    }

    /// What a helping thread is given.
    private final class Helper: Sendable {
        let queue: TeamQueue
        let number: Int
        init(queue: TeamQueue, number: Int) { (self.queue, self.number) = (queue, number) }
    }
}
