#pragma once

// Counts the messages that this process starts and can pretend that they take longer, through MPI's profiling
// interface: every MPI routine may be defined anew by a program, and the library's own is then reached as PMPI_... .
// Linked by benchmarks and tests alone, so that the library pays nothing for it. One thread.

typedef struct {
    // Point-to-point messages sent, and their bytes.
    long messages, message_bytes;
    // Collective operations entered or started, and the bytes of this rank's buffers.
    long collectives, collective_bytes;
    // Seconds within the routines that wait for messages, and within blocking collective operations.
    double wait_seconds, collective_seconds;
} sages_message_counts;

// Since the process started, or since the last call of sages_message_counts_reset.
sages_message_counts sages_message_counts_now(void);
void sages_message_counts_reset(void);

// From now on no request counts as complete, and no blocking collective returns, before `seconds` after its start.
// 0 for the true times.
void sages_message_delay(double seconds);
