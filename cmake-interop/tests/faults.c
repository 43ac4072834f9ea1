/*
 * Wrong calls get a status and a message: no crash, no hang, also where one rank alone is wrong.
 *
 *     mpirun -n 2 faults MODEL.h5 START.h5 NO_HDF5
 */
#include <sages.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int rank, size, checks;

/* A status that must be, and a part of the message that must come with it. */
static void expect_at(int line, int found, int status, const char *part) {
    ++checks;
    if (found == status && (status == SAGES_SUCCESS || strstr(sages_last_error(), part))) return;
    fprintf(stderr, "line %d, rank %d: status %d instead of %d, or without \"%s\": %s\n", line, rank, found, status, part,
            sages_last_error());
    exit(1);
}
#define EXPECT(status, part, call) expect_at(__LINE__, call, status, part)
#define SUCCEED(call) expect_at(__LINE__, call, SAGES_SUCCESS, "")

static void models(const char *path, const char *no_hdf5, MPI_Comm world) {
    sages_model *model;
    const char *text;
    double number;

    EXPECT(SAGES_USAGE, "NULL", sages_model_load(NULL, world, &model));
    EXPECT(SAGES_USAGE, "NULL", sages_model_load(path, world, NULL));
    EXPECT(SAGES_USAGE, "communicator", sages_model_load(path, MPI_COMM_NULL, &model));
    EXPECT(SAGES_USAGE, "communicator", sages_model_load_f(path, 123456, &model));
    EXPECT(SAGES_NO_INPUT, "missing.h5", sages_model_load("missing.h5", world, &model));
    EXPECT(SAGES_DATA, no_hdf5, sages_model_load(no_hdf5, world, &model));
    if (model != NULL) exit(2);
    if (size > 1) EXPECT(SAGES_USAGE, "NULL", sages_model_load(rank == 1 ? NULL : path, world, &model));

    SUCCEED(sages_model_load(path, world, &model));
    EXPECT(SAGES_USAGE, "no element 1", sages_model_element(model, 1, &text));
    EXPECT(SAGES_USAGE, "no element -1", sages_model_element(model, -1, &text));
    SUCCEED(sages_model_element(model, 0, &text));
    if (strcmp(text, "C") != 0 || sages_atomic_number(text) != 6 || sages_atomic_number("Xx") != 0 ||
        sages_atomic_number(NULL) != 0) {
        exit(3);
    }
    EXPECT(SAGES_USAGE, "time_step", sages_model_time_step(model, NULL));
    EXPECT(SAGES_USAGE, "no model", sages_model_time_step((const sages_model *)(const void *)&number, &number));
    SUCCEED(sages_model_free(model));
    SUCCEED(sages_model_free(NULL));
    EXPECT(SAGES_USAGE, "no model", sages_model_free(model));
    EXPECT(SAGES_USAGE, "no model", sages_model_kind(model, &text));
}

static void options(const sages_model *model, const char *start, MPI_Comm world) {
    sages_options *options;
    sages_simulation *simulation;

    SUCCEED(sages_options_create(&options));
    EXPECT(SAGES_USAGE, "did you mean temperature", sages_options_set_environment(options, "temperatur", 300));
    EXPECT(SAGES_USAGE, "temperature", sages_options_set_environment(options, "temperature", NAN));
    EXPECT(SAGES_USAGE, "decomposition", sages_options_set_decomposition(options, 0, 1, 1));
    EXPECT(SAGES_USAGE, "mass", sages_options_set_mass(options, 6, -1));
    EXPECT(SAGES_USAGE, "999", sages_options_set_mass(options, 999, 1));
    SUCCEED(sages_options_set_decomposition(options, 100, 1, 1));
    EXPECT(SAGES_USAGE, "decomposition", sages_simulation_open(model, start, 0, options, world, &simulation));
    SUCCEED(sages_options_set_decomposition(options, 1, 1, 1));
    SUCCEED(sages_options_set_mass(options, 6, 13));
    EXPECT(SAGES_USAGE, "masses", sages_simulation_open(model, start, 0, options, world, &simulation));
    if (size > 1) {
        SUCCEED(sages_options_set_decomposition(options, 1, 1 + rank % 2, 1));
        EXPECT(SAGES_USAGE, "option differs", sages_simulation_open(model, start, 0, options, world, &simulation));
    }
    SUCCEED(sages_options_free(options));
    EXPECT(SAGES_USAGE, "no options", sages_simulation_open(model, start, 0, options, world, &simulation));
}

static void starts(const sages_model *model, const char *start, MPI_Comm world) {
    sages_simulation *simulation;
    const double edges[3] = {7.0, 7.0, 7.0}, no_edges[3] = {7.0, NAN, 7.0};
    int64_t ids[2], none = 0;
    int numbers[2] = {6, 6};
    double positions[6] = {0, 0, 0, 3, 3, 3};
    const int last = rank == size - 1;

    EXPECT(SAGES_USAGE, "no frame 99", sages_simulation_open(model, start, 99, NULL, world, &simulation));
    EXPECT(SAGES_NO_INPUT, "missing.h5", sages_simulation_open(model, "missing.h5", 0, NULL, world, &simulation));
    EXPECT(SAGES_USAGE, "no model", sages_simulation_open(NULL, start, 0, NULL, world, &simulation));

    /* Two atoms on the last rank alone; the other ranks pass none. */
#define CREATE(count, edges)                                                                                         \
    sages_simulation_create(model, last ? (count) : none, ids, numbers, positions, NULL, NULL, edges, NULL, world,   \
                            &simulation)
    ids[0] = ids[1] = 5;
    EXPECT(SAGES_DATA, "id 5", CREATE(2, edges));
    ids[1] = -1;
    EXPECT(SAGES_DATA, "negative", CREATE(2, edges));
    ids[1] = 6;
    EXPECT(SAGES_USAGE, "-2", CREATE(-2, edges));
    EXPECT(SAGES_DATA, "none", CREATE(0, edges));
    EXPECT(SAGES_DATA, "box", CREATE(2, no_edges));
    EXPECT(SAGES_USAGE, "edges", CREATE(2, NULL));
    numbers[0] = 79;
    EXPECT(SAGES_DATA, "Au", CREATE(2, edges));
    numbers[0] = 999;
    EXPECT(SAGES_DATA, "999", CREATE(2, edges));
    numbers[0] = 6;
    positions[3] = INFINITY;
    EXPECT(SAGES_DATA, "atom 6", CREATE(2, edges));
    positions[3] = positions[4] = positions[5] = 0.01;
    EXPECT(SAGES_DATA, "cell", CREATE(2, edges));
    if (simulation != NULL) exit(4);
    positions[3] = positions[4] = positions[5] = 3;
    SUCCEED(CREATE(2, edges));
    SUCCEED(sages_simulation_step(simulation, 1));
    SUCCEED(sages_simulation_free(simulation));
}

static void runs(const sages_model *model, const char *start, MPI_Comm world) {
    sages_simulation *simulation;
    sages_output *output;
    int64_t count, id, steps[2] = {1, 2};
    double *values, vector[3] = {0, 0, 0};

    SUCCEED(sages_simulation_open(model, start, 0, NULL, world, &simulation));
    EXPECT(SAGES_USAGE, "-1", sages_simulation_step(simulation, -1));
    if (size > 1) EXPECT(SAGES_USAGE, "number of steps", sages_simulation_step(simulation, steps[rank % 2]));
    EXPECT(SAGES_USAGE, "REGION", sages_simulation_apply_force(simulation, "all"));
    EXPECT(SAGES_USAGE, "outside", sages_simulation_apply_force(simulation, "x=1e3..:0,0,1"));
    if (size > 1)
        EXPECT(SAGES_USAGE, "differs", sages_simulation_apply_force(simulation, rank == 0 ? "all:0,0,1" : "all:0,0,2"));
    SUCCEED(sages_simulation_apply_force(simulation, "id=1..2:0,0,1@1-1"));
    SUCCEED(sages_simulation_remove_forces(simulation));
    SUCCEED(sages_simulation_impulse(simulation, vector));
    if (vector[2] != 0) exit(4);
    SUCCEED(sages_simulation_local_count(simulation, &count));
    values = malloc((size_t)(3 * count + 3) * sizeof *values);
    if (count > 0) EXPECT(SAGES_USAGE, "room", sages_simulation_get_velocities(simulation, values, count - 1));
    SUCCEED(sages_simulation_get_velocities(simulation, values, count));
    EXPECT(SAGES_USAGE, "without ids", sages_simulation_set_velocities(simulation, count - 1, NULL, values));
    EXPECT(SAGES_USAGE, "no number of atoms", sages_simulation_set_velocities(simulation, 1 << 20, NULL, values));
    id = 1 << 20;
    EXPECT(SAGES_USAGE, "no atom 1048576", sages_simulation_set_velocities(simulation, rank == 0, &id, vector));
    id = 1;
    if (size > 1) EXPECT(SAGES_USAGE, "named twice", sages_simulation_set_velocities(simulation, 1, &id, vector));
    vector[1] = NAN;
    EXPECT(SAGES_USAGE, "atom 1 ", sages_simulation_set_velocities(simulation, rank == 0, &id, vector));
    vector[1] = 1e6;
    EXPECT(SAGES_USAGE, "more than a box", sages_simulation_set_positions(simulation, rank == 0, &id, vector));
    EXPECT(SAGES_IO, "no/such/folder", sages_output_create(simulation, "no/such/folder/out.h5", &output));
    EXPECT(SAGES_NO_INPUT, "missing.h5", sages_output_append(simulation, "missing.h5", &output));
    EXPECT(SAGES_DATA, "data.h5", sages_output_append(simulation, "data.h5", &output));
    /* All of this has changed nothing; what follows ends the simulation. */
    SUCCEED(sages_simulation_step(simulation, 1));
    SUCCEED(sages_output_create(simulation, size > 1 ? "faults-2.h5" : "faults-1.h5", &output));

    /* One atom onto another: two in a cell that has one slot. */
    if (rank == 0) {
        SUCCEED(sages_simulation_get_positions(simulation, values, count));
        for (int axis = 0; axis < 3; ++axis) vector[axis] = values[axis];
        int64_t *ids = malloc((size_t)count * sizeof *ids);
        SUCCEED(sages_simulation_get_ids(simulation, ids, count));
        id = ids[count - 1];
        free(ids);
    }
    EXPECT(SAGES_DATA, "cell", sages_simulation_set_positions(simulation, rank == 0, &id, vector));
    EXPECT(SAGES_USAGE, "ended", sages_simulation_step(simulation, 1));
    EXPECT(SAGES_USAGE, "ended", sages_output_write(output, simulation));
    SUCCEED(sages_output_close(output));
    EXPECT(SAGES_USAGE, "no output", sages_output_close(output));
    SUCCEED(sages_simulation_free(simulation));
    EXPECT(SAGES_USAGE, "no simulation", sages_simulation_step(simulation, 1));
    free(values);
}

int main(int argc, char **argv) {
    sages_model *model;
    MPI_Comm world;

    if (argc != 4) return 64;
    if (strlen(sages_last_error()) != 0 || strlen(sages_version()) < 5) return 5;
    EXPECT(SAGES_USAGE, "MPI does not run", sages_model_load(argv[1], MPI_COMM_WORLD, &model));
    MPI_Init(&argc, &argv);
    MPI_Comm_dup(MPI_COMM_WORLD, &world);
    MPI_Comm_rank(world, &rank);
    MPI_Comm_size(world, &size);

    models(argv[1], argv[3], world);
    SUCCEED(sages_model_load(argv[1], world, &model));
    options(model, argv[2], world);
    starts(model, argv[2], world);
    runs(model, argv[2], world);
    SUCCEED(sages_model_free(model));

    MPI_Comm_free(&world);
    MPI_Finalize();
    EXPECT(SAGES_USAGE, "MPI does not run", sages_model_load(argv[1], MPI_COMM_WORLD, &model));
    if (rank == 0) printf("%d checks\n", checks);
    return 0;
}
