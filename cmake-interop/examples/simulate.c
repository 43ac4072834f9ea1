/*
 * Steps a simulation from C, on a communicator of its own: all ranks but the last where there are more than one, as in a
 * program that keeps a rank for other work.
 *
 *     mpirun -n 3 simulate-c MODEL.h5 START.h5 STEPS EVERY OUT.h5
 */
#include <sages.h>

#include <stdio.h>
#include <stdlib.h>

static void check(int status) {
    if (status == SAGES_SUCCESS) return;
    fprintf(stderr, "error: %s\n", sages_last_error());
    MPI_Abort(MPI_COMM_WORLD, status);
}

static void simulate(const char *model_path, const char *start, int64_t steps, int64_t every, const char *path,
                     MPI_Comm communicator) {
    sages_model *model;
    sages_simulation *simulation;
    sages_output *output;
    const char *kind;
    double time_step, temperature, time;
    int64_t atoms, done;
    int rank;

    check(sages_model_load(model_path, communicator, &model));
    check(sages_model_kind(model, &kind));
    check(sages_model_time_step(model, &time_step));

    check(sages_simulation_open(model, start, 0, NULL, communicator, &simulation));
    check(sages_simulation_atom_count(simulation, &atoms));
    check(sages_output_create(simulation, path, &output));
    check(sages_output_write(output, simulation));
    for (done = 0; done + every <= steps; done += every) {
        check(sages_simulation_step(simulation, every));
        check(sages_output_write(output, simulation));
    }
    check(sages_output_close(output));

    check(sages_simulation_temperature(simulation, &temperature));
    check(sages_simulation_time(simulation, &time));
    MPI_Comm_rank(communicator, &rank);
    if (rank == 0) {
        printf("%s model, steps of %g ps, %lld atoms: time %.4f ps, temperature %.2f K\n", kind, time_step,
               (long long)atoms, time, temperature);
    }
    check(sages_simulation_free(simulation));
    check(sages_model_free(model));
}

int main(int argc, char **argv) {
    int rank, size, works;
    MPI_Comm communicator;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (argc != 6 || atoll(argv[4]) < 1) {
        if (rank == 0) fprintf(stderr, "usage: simulate-c MODEL.h5 START.h5 STEPS EVERY OUT.h5\n");
        MPI_Finalize();
        return SAGES_USAGE;
    }
    works = size == 1 || rank < size - 1;
    MPI_Comm_split(MPI_COMM_WORLD, works ? 0 : MPI_UNDEFINED, rank, &communicator);
    if (works) {
        simulate(argv[1], argv[2], atoll(argv[3]), atoll(argv[4]), argv[5], communicator);
        MPI_Comm_free(&communicator);
    }
    MPI_Finalize();
    return 0;
}
