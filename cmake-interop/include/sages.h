/**
 * @file sages.h
 * @brief C interface of SAGES: load a trained model and step a simulation over the ranks of the host's communicator.
 *
 * Units: Angstrom, ps, Angstrom/ps, K, u. Vectors are x, y, z; arrays of vectors are `double [n][3]`, passed by the
 * address of their first number.
 *
 * Every function that can fail returns a status: 0, or a number of sysexits.h (below). sages_last_error() then says
 * what was wrong. Nothing prints, ends the process, starts MPI or ends MPI. The host calls MPI_Init before the first
 * function that takes a communicator and frees all handles before MPI_Finalize.
 *
 * Functions marked "Collective" are called by all ranks of the handle's communicator, in the same order. If one rank
 * fails there, all ranks return an error. The exceptions are handles and communicators that are not valid: who has one
 * cannot tell the others. Communicators are duplicated: messages of SAGES never meet the host's.
 *
 * Calls may come from any thread, one at a time (MPI_THREAD_FUNNELED: from the thread that started MPI).
 * Results do not depend on the number of ranks or on which rank passes which atom.
 */
#ifndef SAGES_H
#define SAGES_H

#include <mpi.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Statuses; the numbers are those of sysexits.h. */
enum {
    SAGES_SUCCESS = 0,
    /** An argument is wrong. */
    SAGES_USAGE = 64,
    /** The content of a file, or atoms, are wrong: truncated, foreign, inconsistent, outside of the box. */
    SAGES_DATA = 65,
    /** A file is missing or cannot be opened. */
    SAGES_NO_INPUT = 66,
    /** A fault of SAGES or MPI, or a simulation that diverged. */
    SAGES_INTERNAL = 70,
    /** Reading or writing failed: disk full, permission, quota. */
    SAGES_IO = 74
};

/** A trained model. */
typedef struct sages_model sages_model;
/** How a simulation is to be run. */
typedef struct sages_options sages_options;
/** A running simulation; each rank holds the atoms of its part of the grid. */
typedef struct sages_simulation sages_simulation;
/** An H5MD file that frames are written to. */
typedef struct sages_output sages_output;

/** Version and commit of the library; valid forever. */
const char *sages_version(void);

/** What the last failed call of this thread says, or "" if none failed; valid until this thread's next failure. */
const char *sages_last_error(void);

/** The atomic number of an element's symbol such as "C"; 0 if there is no such element. */
int sages_atomic_number(const char *symbol);

/* ---- Models ------------------------------------------------------------------------------------------------- */

/** sages_model_load with a Fortran handle of the communicator. Collective. */
int sages_model_load_f(const char *path, int communicator, sages_model **model);

/** Frees a model; NULL is fine. Simulations made from it go on. */
int sages_model_free(sages_model *model);

/** The kind of model, "sagesnet"; valid until the model is freed. */
int sages_model_kind(const sages_model *model, const char **kind);

/** The time that a step covers, ps. */
int sages_model_time_step(const sages_model *model, double *time_step);

/** Wanted edge length of a cell of the grid, Angstrom. */
int sages_model_cell_side(const sages_model *model, double *cell_side);

/** The number of elements that the model knows. */
int sages_model_element_count(const sages_model *model, int *count);

/** The symbol of element `index`, from 0; valid until the model is freed. */
int sages_model_element(const sages_model *model, int index, const char **symbol);

/* ---- Options: where NULL is passed, or nothing is set, the defaults hold ---------------------------------------- */

/** Makes options with all defaults. */
int sages_options_create(sages_options **options);

/** Frees options; NULL is fine. Simulations made with them go on. */
int sages_options_free(sages_options *options);

/** Parts of the grid along x, y, z; at most as many as there are ranks. Default: chosen. */
int sages_options_set_decomposition(sages_options *options, int x, int y, int z);

/** Whether the box is periodic along x, y, z. Default: as the file says; periodic for atoms from arrays. */
int sages_options_set_periodic(sages_options *options, int x, int y, int z);

/** Copies of the box along x, y, z; only for sages_simulation_open. Default: 1, 1, 1. */
int sages_options_set_replicate(sages_options *options, int x, int y, int z);

/** A variable of the model's environment, such as "temperature" (K). Default: the start's kinetic temperature; the mean
 * of the training data for others. */
int sages_options_set_environment(sages_options *options, const char *name, double value);

/** Mass of an element's atoms, u; only for sages_simulation_create. Default: the standard atomic weight. */
int sages_options_set_mass(sages_options *options, int atomic_number, double mass);

/** Step number and time (ps) of the start; only for sages_simulation_create. Default: 0, 0. */
int sages_options_set_clock(sages_options *options, int64_t step, double time);

/* ---- Simulations -------------------------------------------------------------------------------------------- */

/** sages_simulation_open with a Fortran handle of the communicator. Collective. */
int sages_simulation_open_f(const sages_model *model, const char *path, int64_t frame, const sages_options *options,
                            int communicator, sages_simulation **simulation);

/** sages_simulation_create with a Fortran handle of the communicator. Collective. */
int sages_simulation_create_f(const sages_model *model, int64_t count, const int64_t *ids, const int *atomic_numbers,
                              const double *positions, const double *velocities, const double *origin,
                              const double *edges, const sages_options *options, int communicator,
                              sages_simulation **simulation);

/** Frees a simulation; NULL is fine. Collective. */
int sages_simulation_free(sages_simulation *simulation);

/** Advances by a number of the model's steps, the same on all ranks. After an error the simulation can only be freed.
 * Collective. */
int sages_simulation_step(sages_simulation *simulation, int64_t steps);

/**
 * Pushes the atoms of a region from the next step on, beside other forces. Collective.
 *
 * @param force  as for `sages simulate --force`: "REGION:FX,FY,FZ" or "REGION:FX,FY,FZ@FIRST-LAST", eV/Angstrom on each
 *               atom; steps count from the start of the simulation. The same on all ranks.
 */
int sages_simulation_apply_force(sages_simulation *simulation, const char *force);

/** Takes all forces away. Collective. */
int sages_simulation_remove_forces(sages_simulation *simulation);

/** What forces gave to the total momentum so far, u Angstrom/ps. [3] */
int sages_simulation_impulse(const sages_simulation *simulation, double *impulse);

/** Atoms over all ranks. */
int sages_simulation_atom_count(const sages_simulation *simulation, int64_t *count);

/** Atoms that this rank holds; changes with every step, and when positions are set. */
int sages_simulation_local_count(const sages_simulation *simulation, int64_t *count);

/** Simulated time, ps. */
int sages_simulation_time(const sages_simulation *simulation, double *time);

/** Number of the step, counted on from the start's. */
int sages_simulation_step_number(const sages_simulation *simulation, int64_t *step);

/** Kinetic temperature over all ranks, K: 3 N degrees of freedom. Collective. */
int sages_simulation_temperature(const sages_simulation *simulation, double *temperature);

/** Lower corner and edge lengths of the box [3], Angstrom, and whether it is periodic along x, y, z [3]; any may be
 * NULL. */
int sages_simulation_box(const sages_simulation *simulation, double *origin, double *edges, int *periodic);

/*
 * This rank's atoms, in an order that all of these share until the next step or setting of positions. `capacity` is the
 * number of atoms that the array has room for, at least sages_simulation_local_count. Not collective.
 */

/** Identifiers. [local count] */
int sages_simulation_get_ids(const sages_simulation *simulation, int64_t *ids, int64_t capacity);

/** Atomic numbers. [local count] */
int sages_simulation_get_atomic_numbers(const sages_simulation *simulation, int *atomic_numbers, int64_t capacity);

/** Positions, Angstrom, within the box along periodic axes. [local count][3] */
int sages_simulation_get_positions(const sages_simulation *simulation, double *positions, int64_t capacity);

/** Velocities, Angstrom/ps. [local count][3] */
int sages_simulation_get_velocities(const sages_simulation *simulation, double *velocities, int64_t capacity);

/** How often each atom has left the box through its upper faces. [local count][3] */
int sages_simulation_get_images(const sages_simulation *simulation, int *images, int64_t capacity);

/**
 * Sets the positions of atoms, Angstrom. [count][3] Beyond a periodic end of the box they are wrapped and the image
 * counts on. Atoms may change ranks; those not named stay as they are. Collective, also for ranks with count 0.
 *
 * @param ids  of atoms on any rank, each named once over all ranks; NULL for this rank's atoms in the order of
 *             sages_simulation_get_ids, with count = local count.
 *
 * After an error about the atoms' new cells (status SAGES_DATA) the simulation can only be freed; after one about
 * arguments (SAGES_USAGE) it is unchanged.
 */
int sages_simulation_set_positions(sages_simulation *simulation, int64_t count, const int64_t *ids,
                                   const double *positions);

/** Sets the velocities of atoms, Angstrom/ps; arguments as for positions. No atom changes ranks. Collective. */
int sages_simulation_set_velocities(sages_simulation *simulation, int64_t count, const int64_t *ids,
                                    const double *velocities);

/* ---- Output ------------------------------------------------------------------------------------------------- */

/** Makes an H5MD file for the frames of a simulation; a file of this name is overwritten. Collective. */
int sages_output_create(const sages_simulation *simulation, const char *path, sages_output **output);

/** Opens an H5MD file of an earlier run with as many atoms, to go on behind its last frame. Collective. */
int sages_output_append(const sages_simulation *simulation, const char *path, sages_output **output);

/** Writes the simulation's state as the next frame; it can be read although the host be killed later. Collective. */
int sages_output_write(sages_output *output, const sages_simulation *simulation);

/** Closes the file and frees the handle, also where it returns an error; NULL is fine. Collective. */
int sages_output_close(sages_output *output);

/* ---- With an MPI_Comm: the library knows communicators by their Fortran handles, so that no type of one MPI library is
 * part of its binary interface. ------------------------------------------------------------------------------- */

/** The Fortran handle of a communicator; -1 where MPI does not run. */
static inline int sages_fortran_communicator(MPI_Comm communicator) {
    int is_initialized = 0, is_finalized = 0;
    if (MPI_Initialized(&is_initialized) != MPI_SUCCESS || MPI_Finalized(&is_finalized) != MPI_SUCCESS) return -1;
    return is_initialized && !is_finalized ? (int)MPI_Comm_c2f(communicator) : -1;
}

/** Reads a model on rank 0 and gives it to all ranks of `communicator`. Collective. */
static inline int sages_model_load(const char *path, MPI_Comm communicator, sages_model **model) {
    return sages_model_load_f(path, sages_fortran_communicator(communicator), model);
}

/**
 * Starts from a frame of an H5MD file. Collective.
 *
 * @param frame    counted from 0, or from the end if negative (-1 is the last).
 * @param options  NULL for defaults.
 */
static inline int sages_simulation_open(const sages_model *model, const char *path, int64_t frame,
                                        const sages_options *options, MPI_Comm communicator,
                                        sages_simulation **simulation) {
    return sages_simulation_open_f(model, path, frame, options, sages_fortran_communicator(communicator), simulation);
}

/**
 * Starts from atoms in arrays, which are copied. Collective, also for ranks with count 0.
 *
 * @param count           atoms that this rank passes: any share of them, each atom on one rank.
 * @param ids             not negative, unique over all ranks. [count]
 * @param atomic_numbers  of elements that the model knows; see sages_atomic_number. [count]
 * @param positions       Angstrom. [count][3]
 * @param velocities      Angstrom/ps. [count][3]; NULL for atoms at rest
 * @param origin          lower corner of the box, Angstrom, the same on all ranks. [3]; NULL for 0, 0, 0
 * @param edges           edge lengths of the box, Angstrom, the same on all ranks. [3]
 * @param options         NULL for defaults.
 */
static inline int sages_simulation_create(const sages_model *model, int64_t count, const int64_t *ids,
                                          const int *atomic_numbers, const double *positions,
                                          const double *velocities, const double *origin, const double *edges,
                                          const sages_options *options, MPI_Comm communicator,
                                          sages_simulation **simulation) {
    return sages_simulation_create_f(model, count, ids, atomic_numbers, positions, velocities, origin, edges, options,
                                     sages_fortran_communicator(communicator), simulation);
}

#ifdef __cplusplus
}
#endif

#endif
