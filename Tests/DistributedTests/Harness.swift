import Diagnostics
import Foundation
import MPI

/// A test that runs on every rank of an MPI job, for certain numbers of ranks.
struct DistributedTest: Sendable {
    let name: String
    /// Numbers of ranks on which the test is meaningful.
    let ranks: Set<Int>
    /// Seconds after which the job is ended as hanging.
    let timeout: Double
    /// Gets a communicator of its own over all ranks. Throwing on any rank fails the test.
    let body: @Sendable (Communicator) throws -> Void

    init(_ name: String, ranks: Set<Int>, timeout: Double = 60, body: @escaping @Sendable (Communicator) throws -> Void) {
        self.name = name
        self.ranks = ranks
        self.timeout = timeout
        self.body = body
    }
}

/// A condition that did not hold.
struct ExpectationFailure: SAGESError {
    let description: String
    var exitStatus: ExitStatus { .internal }
}

/// Throws unless `condition` holds.
func expect(_ condition: Bool, _ message: @autoclosure () -> String, file: StaticString = #fileID, line: Int = #line) throws {
    if !condition { throw ExpectationFailure(description: "\(file):\(line): \(message())") }
}

/// Throws unless `body` throws an error of the type, which is returned.
@discardableResult
func expectError<E: Error>(_ type: E.Type, _ message: @autoclosure () -> String, file: StaticString = #fileID,
                           line: Int = #line, _ body: () throws -> Void) throws -> E {
    do {
        try body()
    } catch let error as E {
        return error
    }
    throw ExpectationFailure(description: "\(file):\(line): no error thrown: \(message())")
}

/// Runs those tests that declare the number of ranks of this job.
enum Harness {
    /// The running test, for the message of the alarm; set before the alarm and never during it.
    nonisolated(unsafe) private static var timeoutMessage: [UInt8] = []

    static func run(_ tests: [DistributedTest], filter: String?, world: Communicator) throws {
        let named = tests.filter { filter == nil || $0.name.contains(filter ?? "") }
        guard !named.isEmpty else { throw ExpectationFailure(description: "no test's name contains '\(filter ?? "")'") }
        guard Set(tests.map(\.name)).count == tests.count else {
            throw ExpectationFailure(description: "two tests have the same name")
        }
        let selected = named.filter { $0.ranks.contains(world.size) }
        for test in selected {
            let start = MPIEnvironment.wallTime()
            armTimeout(test, rank: world.rank)
            do {
                try test.body(Communicator(duplicating: world))
                try world.barrier()
            } catch {
                // Other ranks may be anywhere in the test: nothing collective is possible.
                write("FAILED \(test.name) on rank \(world.rank) of \(world.size): \(error)")
                world.abort(.internal)
            }
            disarmTimeout()
            if world.rank == 0 {
                let seconds = String(format: "%.3f", MPIEnvironment.wallTime() - start)
                print("passed \(test.name) on \(world.size) ranks (\(seconds) s)")
                fflush(nil)
            }
        }
        if world.rank == 0 {
            print("\(selected.count) distributed tests passed on \(world.size) ranks, "
                + "\(named.count - selected.count) are for other numbers of ranks")
        }
    }

    private static func armTimeout(_ test: DistributedTest, rank: Int) {
        timeoutMessage = Array("TIMED OUT \(test.name) on rank \(rank) after \(test.timeout) s\n".utf8)
        // Only calls that are safe in a signal handler: MPI_Abort is not, but mpirun ends the other ranks of a job
        // in which one exits without finalizing.
        signal(SIGALRM) { _ in
            Harness.timeoutMessage.withUnsafeBytes { _ = Foundation.write(2, $0.baseAddress, $0.count) }
            _exit(70)
        }
        setTimer(test.timeout)
    }

    private static func disarmTimeout() { setTimer(0) }

    private static func setTimer(_ seconds: Double) {
        let whole = seconds.rounded(.down)
        var timer = itimerval(it_interval: timeval(),
                              it_value: timeval(tv_sec: Int(whole), tv_usec: Int((seconds - whole) * 1e6)))
        setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
    }

    private static func write(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }
}
