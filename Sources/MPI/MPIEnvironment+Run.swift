import CMPI
import Diagnostics
import Foundation

// How a program ends when some ranks fail.
//
// Every rank that leaves the body, with or without an error, joins a non-blocking reduction. If it completes, no
// rank is inside the body any more: the ranks compare their errors, each distinct one is printed once, and all end
// together. If it does not complete within a grace period after a rank's failure, some rank is still at work or
// waits for the failed one: the failed rank prints its error and aborts the job.
extension MPIEnvironment {
    /// The whole life of an MPI program: initializes MPI, runs `body` with the world communicator, prints errors,
    /// finalizes, and exits.
    ///
    /// The exit status is the same on every rank: that which `body` returned (the largest, should they differ), or
    /// that of the error on the lowest failing rank. An error that is the same on every rank is printed once,
    /// without a rank; other errors name their ranks. A failure on some ranks ends all ranks within seconds.
    public static func run(_ body: (Communicator) throws -> ExitStatus) -> Never {
        let control: Communicator
        do {
            try initialize()
            control = try Communicator(duplicating: .world)
        } catch {
            report("error: \(error)")
            exit(error.exitStatusOrInternal.rawValue)
        }
        var status = ExitStatus.success
        var failure: (any Error)?
        do { status = try body(.world) } catch { failure = error }
        fflush(nil)
        do {
            status = try agreeOnEnd(status: status, failure: failure, control: control)
        } catch {
            abandon(failure ?? error, rank: control.rank, size: control.size)
        }
        // Requests that an error left behind may keep the library from finalizing.
        endWithin(seconds: 10, status: status)
        finalize()
        exit(status.rawValue)
    }

    /// Seconds for which a failed rank waits for the others to fail too, before it aborts the job.
    private static let gracePeriod = 1.0
    /// Distinct errors printed at most.
    private static let printedErrors = 8

    private static func agreeOnEnd(status: ExitStatus, failure: (any Error)?, control: Communicator) throws -> ExitStatus {
        // [1 where a rank failed, largest status]
        let ended = UnsafeMutableBufferPointer<Int32>.allocate(capacity: 2)
        defer { ended.deallocate() }
        ended[0] = failure == nil ? 0 : 1
        ended[1] = status.rawValue
        let request = try control.startAllReduce(inPlace: ended, .maximum)
        // The lowest failed rank aborts first, so that the same error is not printed by many.
        let deadline = wallTime() + gracePeriod + 0.05 * Double(min(control.rank, 20))
        while try !request.test() {
            if let failure, wallTime() > deadline { abandon(failure, rank: control.rank, size: control.size) }
            usleep(500)
        }
        if ended[0] == 0 { return ExitStatus(rawValue: ended[1]) ?? .internal }

        // Every rank has left the body, so that blocking calls are safe from here on.
        let remote = failure as? RemoteRankError
        let message = remote?.message ?? failure.map { "\($0)" } ?? ""
        let kind: UInt64 = failure == nil ? 0 : remote == nil ? 1 : 2
        let records = try control.allGather([
            fingerprint(message), kind, UInt64(UInt32(bitPattern: failure?.exitStatusOrInternal.rawValue ?? 0)),
        ])
        let fingerprints = (0..<control.size).map { records[3 * $0] }
        let kinds = (0..<control.size).map { records[3 * $0 + 1] }
        let isSameEverywhere = kinds.allSatisfy { $0 == 1 } && fingerprints.allSatisfy { $0 == fingerprints[0] }
        // The lowest rank that knows of an error prints it; a remote error bears the message of its origin.
        var distinct: Set<UInt64> = []
        for rank in 0..<control.size where kinds[rank] != 0 && distinct.insert(fingerprints[rank]).inserted {
            guard rank == control.rank else { continue }
            if distinct.count <= printedErrors {
                report(isSameEverywhere ? "error: \(message)" : "error on rank \(remote?.rank ?? rank): \(message)")
            } else if distinct.count == printedErrors + 1 {
                report("error: more ranks failed, each with another message")
            }
        }
        let first = kinds.firstIndex { $0 != 0 } ?? 0
        return ExitStatus(rawValue: Int32(truncatingIfNeeded: records[3 * first + 2])) ?? .internal
    }

    /// Prints a failure that the other ranks may not know of and ends all ranks.
    private static func abandon(_ failure: any Error, rank: Int, size: Int) -> Never {
        if let remote = failure as? RemoteRankError {
            report("error on rank \(remote.rank): \(remote.message)")
        } else {
            report(size == 1 ? "error: \(failure)" : "error on rank \(rank): \(failure)")
        }
        abort(failure.exitStatusOrInternal)
    }

    /// Ends all ranks of the job at once with a non-zero status. Not collective.
    public static func abort(_ status: ExitStatus) -> Never {
        let value = status == .success ? ExitStatus.internal.rawValue : status.rawValue
        fflush(nil)
        if isActive { MPI_Abort(sages_mpi_comm_world(), value) }
        _exit(value)
    }

    /// One line to standard error in one call, so that lines of ranks do not mix.
    private static func report(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }

    /// FNV-1a: the same on every rank, unlike Swift's seeded hashes.
    private static func fingerprint(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    /// The status of the exit that `endWithin` forces. Written before the alarm is set.
    nonisolated(unsafe) private static var forcedStatus: Int32 = 70

    private static func endWithin(seconds: UInt32, status: ExitStatus) {
        forcedStatus = status.rawValue
        signal(SIGALRM) { _ in _exit(MPIEnvironment.forcedStatus) }
        alarm(seconds)
    }
}
