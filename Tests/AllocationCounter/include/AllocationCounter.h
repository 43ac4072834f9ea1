#pragma once

// Counts the heap allocations of the whole process, all threads, runtime and libraries included, except those that the
// MPI library makes itself (its lists of early messages grow with the timing of other ranks). For tests of code that
// must not allocate: a program linked with this gets a malloc that counts and passes the call on to glibc's.

/// Sets the count to zero and starts counting.
void allocation_counter_start(void);
/// Stops counting and returns how many allocations there were.
long allocation_counter_stop(void);
