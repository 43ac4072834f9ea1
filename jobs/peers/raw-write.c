/* Purpose: the limit that `sages bench io` is held against: frames written by MPI-IO with nothing around them.
 * Build:   mpicc -O2 -o raw-write jobs/peers/raw-write.c
 * Usage:   mpirun -n P ./raw-write FILE BYTES_A_FRAME FRAMES
 *
 * Each frame is one MPI_File_write_at_all, of which every rank has an equal part, and one MPI_File_sync, which is an
 * fsync of every rank. Prints one JSON object: the seconds of each frame, the slowest rank's. FILE is removed. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int status, const char *what) {
    if (status == MPI_SUCCESS) return;
    char text[MPI_MAX_ERROR_STRING];
    int length;
    MPI_Error_string(status, text, &length);
    fprintf(stderr, "raw-write: %s: %s\n", what, text);
    MPI_Abort(MPI_COMM_WORLD, 74);
}

int main(int count, char **arguments) {
    MPI_Init(&count, &arguments);
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (count != 4) {
        if (rank == 0) fprintf(stderr, "usage: raw-write FILE BYTES_A_FRAME FRAMES\n");
        MPI_Abort(MPI_COMM_WORLD, 64);
    }
    const char *path = arguments[1];
    const long bytes = atol(arguments[2]), frames = atol(arguments[3]);
    const long first = rank * bytes / size, length = (rank + 1) * bytes / size - first;
    char *data = malloc(length + 1);
    double *seconds = malloc(frames * sizeof *seconds);
    if (!data || !seconds || bytes < 1 || frames < 1) MPI_Abort(MPI_COMM_WORLD, 64);

    MPI_File file;
    check(MPI_File_open(MPI_COMM_WORLD, path, MPI_MODE_CREATE | MPI_MODE_WRONLY, MPI_INFO_NULL, &file), "open");
    check(MPI_File_set_size(file, 0), "cut");
    for (long frame = 0; frame < frames; frame++) {
        memset(data, 'a' + (int)(frame % 26), length);
        MPI_Barrier(MPI_COMM_WORLD);
        const double begin = MPI_Wtime();
        check(MPI_File_write_at_all(file, frame * bytes + first, data, (int)length, MPI_BYTE, MPI_STATUS_IGNORE), "write");
        check(MPI_File_sync(file), "sync");
        const double mine = MPI_Wtime() - begin;
        MPI_Reduce(&mine, &seconds[frame], 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    }
    check(MPI_File_close(&file), "close");
    if (rank == 0) {
        remove(path);
        printf("{\"ranks\": %d, \"bytes\": %ld, \"seconds\": [", size, bytes);
        for (long frame = 0; frame < frames; frame++) printf("%s%.6f", frame ? ", " : "", seconds[frame]);
        printf("]}\n");
    }
    MPI_Finalize();
    return 0;
}
