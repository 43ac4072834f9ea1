#pragma once
#include <mpi.h>

// Macros that Swift cannot import, as functions. The handles are pointers in Open MPI and integers in MPICH.
static inline MPI_Comm sages_mpi_comm_world(void) { return MPI_COMM_WORLD; }
