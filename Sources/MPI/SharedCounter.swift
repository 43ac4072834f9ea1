import CMPI

/// A number that all ranks share and each raises when it likes: hands out work in pieces, to each rank as fast as it is done with
/// the last.
public final class SharedCounter {
    private var window = sages_mpi_window()
    private let rank: Int

    /// From 0. Collective.
    public init(_ communicator: Communicator) throws {
        rank = communicator.rank
        var number: UnsafeMutablePointer<Int64>?
        try check(
            sages_mpi_counter_make(communicator.raw, try communicator.narrow(rank, "MPI_Win_allocate"), &window, &number),
            "MPI_Win_allocate", rank: rank)
        // Nobody raises it before rank 0 has made it zero.
        try communicator.barrier()
    }

    /// Adds to the number; returns what it was before. Not collective.
    public func raise(by amount: Int = 1) throws -> Int {
        var before: Int64 = 0
        try check(sages_mpi_counter_raise(window, Int64(amount), &before), "MPI_Fetch_and_op", rank: rank)
        return Int(before)
    }

    /// Ends it. Collective, and needed: the counter cannot go away on one rank alone.
    public func free() throws {
        try check(sages_mpi_counter_free(&window), "MPI_Win_free", rank: rank)
    }
}
