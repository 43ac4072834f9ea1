/* Purpose: the limit that a trajectory's frames are held against: the same bytes by MPI-IO with nothing around them.
 * Build:   mpicc -O2 -o raw-write jobs/peers/raw-write.c
 * Usage:   mpirun -n P ./raw-write FILE
 *
 * Speaks the protocol of `sages-bench serve`: one command a line on rank 0's standard input, one answer a line.
 *
 *     open FORM:BYTES        ok work=BYTES
 *     calls FORM:BYTES N     N frames                ok seconds=S calls=N processor=C
 *
 * S is the wall time of a frame on the slowest rank, C the processor time that all ranks spent on it. A frame is written by
 * MPI_File_write_at_all (FORM collective) or MPI_File_write_at (independent), every rank an equal part, and then
 * MPI_File_sync, which is an fsync of every rank. Room on the disk is taken beforehand, behind the end of the file and 64 MB
 * at a time, as SAGES does (FORM with "-growing" behind it: not). After 64 frames the file begins anew. It is removed at the end. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FRAMES = 64, LINE = 256 };

static int rank, size;

static void check(int status, const char *what) {
    if (status == MPI_SUCCESS) return;
    char text[MPI_MAX_ERROR_STRING];
    int length;
    MPI_Error_string(status, text, &length);
    fprintf(stderr, "raw-write: %s: %s\n", what, text);
    MPI_Abort(MPI_COMM_WORLD, 74);
}

static double processor_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec + 1e-9 * time.tv_nsec;
}

/* Room for the first `bytes` of the file, whose length stays. */
static void take_room(const char *path, long bytes) {
    static long taken;
    if (bytes == 0) taken = 0;
    if (rank != 0 || bytes <= taken) return;
    taken = bytes + (64L << 20);
    int descriptor = open(path, O_WRONLY);
    if (descriptor < 0 || fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, taken) != 0) {
        perror("raw-write: take room");
        MPI_Abort(MPI_COMM_WORLD, 74);
    }
    close(descriptor);
}

/* The next line, on every rank; the others sleep meanwhile. */
static int next_line(char *line) {
    if (rank == 0 && !fgets(line, LINE, stdin)) line[0] = 0;
    MPI_Request request;
    int done = 0;
    check(MPI_Ibcast(line, LINE, MPI_CHAR, 0, MPI_COMM_WORLD, &request), "broadcast");
    while (MPI_Test(&request, &done, MPI_STATUS_IGNORE), !done) usleep(500);
    return line[0] != 0;
}

int main(int count, char **arguments) {
    MPI_Init(&count, &arguments);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (count != 2) {
        if (rank == 0) fprintf(stderr, "usage: raw-write FILE\n");
        MPI_Abort(MPI_COMM_WORLD, 64);
    }
    const char *path = arguments[1];
    MPI_File file;
    check(MPI_File_open(MPI_COMM_WORLD, path, MPI_MODE_CREATE | MPI_MODE_WRONLY, MPI_INFO_NULL, &file), "open");
    char line[LINE], form[LINE], verb[LINE], last[LINE] = "";
    char *data = NULL;
    long bytes = 0, frame = 0;
    while (next_line(line)) {
        int calls = 0;
        if (sscanf(line, "%255s %255[a-z-]:%ld %d", verb, form, &bytes, &calls) < 3 || bytes < 1) {
            if (rank == 0) printf("error no such case\n"), fflush(stdout);
            continue;
        }
        const long first = rank * bytes / size, length = (rank + 1) * bytes / size - first;
        const int grows = strstr(form, "-growing") != NULL, together = strncmp(form, "collective", 10) == 0;
        if (strcmp(verb, "open") == 0) {
            if (rank == 0) printf("ok work=%ld\n", bytes), fflush(stdout);
            continue;
        }
        char key[LINE];
        snprintf(key, LINE, "%.200s:%ld", form, bytes);
        if (strcmp(key, last) != 0) {
            strcpy(last, key);
            frame = 0;
            data = realloc(data, length + 1);
            if (!data) MPI_Abort(MPI_COMM_WORLD, 71);
        }
        double wall = 0, processor = 0;
        for (int call = 0; call < calls; call++, frame = (frame + 1) % FRAMES) {
            memset(data, 'a' + (int)(frame % 26), length);
            if (frame == 0) {
                check(MPI_File_set_size(file, 0), "cut");
                take_room(path, 0);
            }
            MPI_Barrier(MPI_COMM_WORLD);
            const double begin = MPI_Wtime(), before = processor_seconds();
            if (!grows) take_room(path, (frame + 1) * bytes);
            const MPI_Offset place = frame * bytes + first;
            check(together ? MPI_File_write_at_all(file, place, data, (int)length, MPI_BYTE, MPI_STATUS_IGNORE)
                           : MPI_File_write_at(file, place, data, (int)length, MPI_BYTE, MPI_STATUS_IGNORE), "write");
            check(MPI_File_sync(file), "sync");
            MPI_Barrier(MPI_COMM_WORLD);
            double mine[2] = {MPI_Wtime() - begin, processor_seconds() - before}, slowest, sum;
            MPI_Allreduce(&mine[0], &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
            MPI_Allreduce(&mine[1], &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
            wall += slowest;
            processor += sum;
        }
        if (rank == 0) {
            printf("ok seconds=%.9f calls=%d processor=%.9f\n", wall / calls, calls, processor / calls);
            fflush(stdout);
        }
    }
    check(MPI_File_close(&file), "close");
    if (rank == 0) remove(path);
    free(data);
    MPI_Finalize();
    return 0;
}
