import AllocationCounter

/// Heap allocations of the whole process while `body` runs, those of the Swift runtime and of libraries
/// included, those inside the MPI library excepted.
func countAllocations(_ body: () throws -> Void) rethrows -> Int {
    allocation_counter_start()
    defer { _ = allocation_counter_stop() }
    try body()
    return allocation_counter_stop()
}
