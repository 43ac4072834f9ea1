#pragma once
#include <stddef.h>
#include <cblas.h>

// OpenBLAS contains LAPACK, but not every distribution has a C header of it. Fortran's convention: all arguments by
// address, the lengths of the strings behind them by value; matrices are column-major.

/// Eigenvalues (ascending) and, in the columns of a, eigenvectors of a symmetric matrix.
void dsyevd_(const char *jobz, const char *uplo, const blasint *n, double *a, const blasint *lda, double *w, double *work,
             const blasint *lwork, blasint *iwork, const blasint *liwork, blasint *info, size_t jobz_length,
             size_t uplo_length);
/// a = Q R: R in the upper triangle of a, Q as reflections below it and in tau.
void dgeqrf_(const blasint *m, const blasint *n, double *a, const blasint *lda, double *tau, double *work,
             const blasint *lwork, blasint *info);
/// The first n columns of the Q of dgeqrf_, in place of its reflections.
void dorgqr_(const blasint *m, const blasint *n, const blasint *k, double *a, const blasint *lda, const double *tau,
             double *work, const blasint *lwork, blasint *info);
