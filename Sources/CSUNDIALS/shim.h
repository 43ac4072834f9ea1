#pragma once
#include <cvode/cvode.h>
#include <cvode/cvode_proj.h>
#include <nvector/nvector_serial.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_dense.h>
#include <sunmatrix/sunmatrix_sparse.h>

// Macros that Swift cannot import, as functions.

static inline double *sages_sun_values(N_Vector vector) { return NV_DATA_S(vector); }
static inline void sages_sun_point(N_Vector vector, double *values) { NV_DATA_S(vector) = values; }
static inline double *sages_sun_dense_values(SUNMatrix matrix) { return SM_DATA_D(matrix); }
static inline double *sages_sun_sparse_values(SUNMatrix matrix) { return SM_DATA_S(matrix); }
static inline sunindextype *sages_sun_sparse_rows(SUNMatrix matrix) { return SM_INDEXVALS_S(matrix); }
static inline sunindextype *sages_sun_sparse_columns(SUNMatrix matrix) { return SM_INDEXPTRS_S(matrix); }

// As sunlinsol_klu.h declares it, which wants SuiteSparse's headers, whose folder differs from system to system.
SUNLinearSolver SUNLinSol_KLU(N_Vector vector, SUNMatrix matrix, SUNContext context);
