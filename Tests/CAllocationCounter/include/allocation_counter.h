#pragma once

// Counts calls of malloc, calloc, realloc, aligned_alloc, memalign and posix_memalign in this process, whoever makes
// them. Defined in the executable, these functions take the place of the C library's for all shared libraries too.

/// Begins to count, from zero.
void sages_allocation_count_begin(void);
/// Stops to count and returns the number of calls since `begin`.
long sages_allocation_count_end(void);
