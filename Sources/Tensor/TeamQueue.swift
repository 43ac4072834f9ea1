import Foundation
import Kernels
import Synchronization

/// The parts of a team's work that are still to be done, and the places where threads wait.
///
/// A ticket holds the run's number above and the parts left below. Who lowers it has taken a part, and the run cannot
/// end before that part is done; so what describes the run may be read then, and at no other time.
final class TeamQueue: @unchecked Sendable {
    let threadCount = Atomic<Int>(1)
    private let ticket = Atomic<UInt64>(0)
    private let done = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)
    private let isCallerAsleep = Atomic<Bool>(false)
    private let isStopping = Atomic<Bool>(false)

    // Of the run: written before the ticket, read after taking from it.
    private var work: (any TeamWork)?
    private var parts = 0
    private var run: UInt64 = 0
    /// Under `mutex`.
    private var failure: (part: Int, error: any Error)?

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let arrival = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let completion = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    /// Looks at the queue before a thread goes to sleep: some tens of microseconds.
    private static let spins = 1000

    init() {
        mutex.initialize(to: pthread_mutex_t())
        arrival.initialize(to: pthread_cond_t())
        completion.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(arrival, nil)
        pthread_cond_init(completion, nil)
    }

    deinit {
        pthread_cond_destroy(completion)
        pthread_cond_destroy(arrival)
        pthread_mutex_destroy(mutex)
        completion.deallocate()
        arrival.deallocate()
        mutex.deallocate()
    }

    private func locked(_ body: () -> Void) {
        pthread_mutex_lock(mutex)
        body()
        pthread_mutex_unlock(mutex)
    }

    func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        locked { pthread_cond_broadcast(arrival) }
    }

    func restart(threads: Int) {
        isStopping.store(false, ordering: .sequentiallyConsistent)
        threadCount.store(threads, ordering: .sequentiallyConsistent)
    }

    // MARK: The caller

    func run(_ count: Int, _ newWork: some TeamWork) throws {
        precondition(work == nil, "a team runs one work at a time")
        precondition(count <= Int(UInt32.max), "\(count) parts")
        work = newWork
        parts = count
        failure = nil
        run &+= 1
        done.store(0, ordering: .relaxed)
        ticket.store(run << 32 | UInt64(count), ordering: .sequentiallyConsistent)
        // A helper counts itself among the sleepers before it looks at the ticket for the last time.
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 { locked { pthread_cond_broadcast(arrival) } }
        while takePart(thread: 0) {}
        awaitCompletion()
        work = nil
        if let failure {
            self.failure = nil
            throw failure.error
        }
    }

    private func awaitCompletion() {
        for _ in 0..<TeamQueue.spins {
            if done.load(ordering: .acquiring) == parts { return }
            spinPause()
        }
        locked {
            isCallerAsleep.store(true, ordering: .sequentiallyConsistent)
            while done.load(ordering: .sequentiallyConsistent) != parts { pthread_cond_wait(completion, mutex) }
            isCallerAsleep.store(false, ordering: .sequentiallyConsistent)
        }
    }

    // MARK: Everyone

    private var hasPartsLeft: Bool { UInt32(truncatingIfNeeded: ticket.load(ordering: .sequentiallyConsistent)) > 0 }

    /// Takes a part and does it; false if none is left.
    private func takePart(thread: Int) -> Bool {
        var current = ticket.load(ordering: .acquiring)
        while UInt32(truncatingIfNeeded: current) > 0 {
            let (isTaken, seen) = ticket.compareExchange(
                expected: current, desired: current - 1, ordering: .acquiringAndReleasing)
            if isTaken {
                perform(left: Int(UInt32(truncatingIfNeeded: current)), thread: thread)
                return true
            }
            current = seen
        }
        return false
    }

    private func perform(left: Int, thread: Int) {
        // Read before the part counts as done: after that the next run may begin.
        let parts = parts
        let part = parts - left
        do {
            try work?.perform(part, thread: thread)
        } catch {
            locked { if part < failure?.part ?? .max { failure = (part, error) } }
        }
        if done.add(1, ordering: .sequentiallyConsistent).newValue == parts,
           isCallerAsleep.load(ordering: .sequentiallyConsistent) {
            locked { pthread_cond_signal(completion) }
        }
    }

    // MARK: A helper

    /// Takes parts until the team stops.
    func help(number: Int) {
        while true {
            while takePart(thread: number) {}
            for _ in 0..<TeamQueue.spins {
                if hasPartsLeft || isStopping.load(ordering: .relaxed) { break }
                spinPause()
            }
            if !hasPartsLeft {
                locked {
                    sleepers.add(1, ordering: .sequentiallyConsistent)
                    while !hasPartsLeft && !isStopping.load(ordering: .sequentiallyConsistent) {
                        pthread_cond_wait(arrival, mutex)
                    }
                    sleepers.subtract(1, ordering: .sequentiallyConsistent)
                }
            }
            if isStopping.load(ordering: .sequentiallyConsistent) { return }
        }
    }
}
