#include "CMessageObserver.h"
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sages_message_counts counts;
static double delay;

sages_message_counts sages_message_counts_now(void) { return counts; }
void sages_message_counts_reset(void) { memset(&counts, 0, sizeof counts); }
void sages_message_delay(double seconds) { delay = seconds; }

static long bytes_of(int count, MPI_Datatype type) {
    int size = 0;
    PMPI_Type_size(type, &size);
    return (long)count * size;
}

static void count_message(long bytes) {
    counts.messages++;
    counts.message_bytes += bytes;
}

static void count_collective(long bytes) {
    counts.collectives++;
    counts.collective_bytes += bytes;
}

// What is known of each request handle; an entry is overwritten when the library uses the handle again.
enum { TABLE_SIZE = 1 << 14 };
static struct entry {
    int is_used;
    MPI_Request request;
    double start;
    // Of a persistent send; -1 for everything else.
    long bytes;
} table[TABLE_SIZE];

static struct entry *entry_of(MPI_Request request) {
    uint64_t key = 0;
    memcpy(&key, &request, sizeof request);
    size_t place = (key * 0x9e3779b97f4a7c15u) >> 50;
    for (size_t step = 0; step < TABLE_SIZE; step++) {
        struct entry *entry = table + (place + step) % TABLE_SIZE;
        if (entry->is_used && entry->request == request) return entry;
        if (!entry->is_used) {
            entry->is_used = 1;
            entry->request = request;
            entry->bytes = -1;
            return entry;
        }
    }
    fprintf(stderr, "the message observer has no room for more requests\n");
    abort();
}

// A rank alone sends nothing through a network.
static int is_delayed(MPI_Comm comm) {
    int ranks = 1;
    if (delay > 0) PMPI_Comm_size(comm, &ranks);
    return ranks > 1;
}

static void note_start(MPI_Request request, MPI_Comm comm) {
    if (request != MPI_REQUEST_NULL) entry_of(request)->start = is_delayed(comm) ? PMPI_Wtime() : 0;
}

// When the last of these requests may complete.
static double release_time(int count, const MPI_Request *requests) {
    double latest = 0;
    for (int index = 0; index < count; index++) {
        if (requests[index] == MPI_REQUEST_NULL) continue;
        double start = entry_of(requests[index])->start;
        if (start > latest) latest = start;
    }
    return latest + delay;
}

static void pass_time_until(double moment) {
    while (PMPI_Wtime() < moment) {}
}

// MARK: Messages

int MPI_Isend(const void *buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm, MPI_Request *request) {
    count_message(bytes_of(count, type));
    int code = PMPI_Isend(buffer, count, type, rank, tag, comm, request);
    if (delay > 0) note_start(*request, comm);
    return code;
}

int MPI_Irecv(void *buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm, MPI_Request *request) {
    int code = PMPI_Irecv(buffer, count, type, rank, tag, comm, request);
    if (delay > 0) note_start(*request, comm);
    return code;
}

int MPI_Send_init(const void *buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm,
                  MPI_Request *request) {
    int code = PMPI_Send_init(buffer, count, type, rank, tag, comm, request);
    if (code == MPI_SUCCESS) entry_of(*request)->bytes = bytes_of(count, type);
    return code;
}

int MPI_Recv_init(void *buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm, MPI_Request *request) {
    int code = PMPI_Recv_init(buffer, count, type, rank, tag, comm, request);
    if (code == MPI_SUCCESS) entry_of(*request)->bytes = -1;
    return code;
}

int MPI_Startall(int count, MPI_Request requests[]) {
    for (int index = 0; index < count; index++) {
        struct entry *entry = entry_of(requests[index]);
        if (entry->bytes >= 0) count_message(entry->bytes);
        if (delay > 0) entry->start = PMPI_Wtime();
    }
    return PMPI_Startall(count, requests);
}

int MPI_Testall(int count, MPI_Request requests[], int *flag, MPI_Status statuses[]) {
    if (delay > 0 && PMPI_Wtime() < release_time(count, requests)) {
        // The library still gets its chance to move messages on.
        int ignored;
        *flag = 0;
        return PMPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_SELF, &ignored, MPI_STATUS_IGNORE);
    }
    return PMPI_Testall(count, requests, flag, statuses);
}

int MPI_Waitall(int count, MPI_Request requests[], MPI_Status statuses[]) {
    double start = PMPI_Wtime();
    double moment = delay > 0 ? release_time(count, requests) : 0;
    int code = PMPI_Waitall(count, requests, statuses);
    pass_time_until(moment);
    counts.wait_seconds += PMPI_Wtime() - start;
    return code;
}

// MARK: Collectives

#define BLOCKING(bytes, call)                                 \
    count_collective(bytes);                                  \
    double start = PMPI_Wtime();                              \
    int code = call;                                          \
    if (is_delayed(comm)) pass_time_until(start + delay);     \
    counts.collective_seconds += PMPI_Wtime() - start;        \
    return code

int MPI_Iallreduce(const void *from, void *to, int count, MPI_Datatype type, MPI_Op operation, MPI_Comm comm,
                   MPI_Request *request) {
    count_collective(bytes_of(count, type));
    int code = PMPI_Iallreduce(from, to, count, type, operation, comm, request);
    if (delay > 0) note_start(*request, comm);
    return code;
}

int MPI_Ibarrier(MPI_Comm comm, MPI_Request *request) {
    count_collective(0);
    int code = PMPI_Ibarrier(comm, request);
    if (delay > 0) note_start(*request, comm);
    return code;
}

int MPI_Allreduce(const void *from, void *to, int count, MPI_Datatype type, MPI_Op operation, MPI_Comm comm) {
    BLOCKING(bytes_of(count, type), PMPI_Allreduce(from, to, count, type, operation, comm));
}

int MPI_Bcast(void *buffer, int count, MPI_Datatype type, int root, MPI_Comm comm) {
    BLOCKING(bytes_of(count, type), PMPI_Bcast(buffer, count, type, root, comm));
}

int MPI_Barrier(MPI_Comm comm) { BLOCKING(0, PMPI_Barrier(comm)); }

int MPI_Allgather(const void *from, int count, MPI_Datatype type, void *to, int to_count, MPI_Datatype to_type,
                  MPI_Comm comm) {
    BLOCKING(bytes_of(count, type), PMPI_Allgather(from, count, type, to, to_count, to_type, comm));
}

int MPI_Alltoall(const void *from, int count, MPI_Datatype type, void *to, int to_count, MPI_Datatype to_type,
                 MPI_Comm comm) {
    int ranks = 1;
    PMPI_Comm_size(comm, &ranks);
    BLOCKING(ranks * bytes_of(count, type), PMPI_Alltoall(from, count, type, to, to_count, to_type, comm));
}
