#pragma once
#include <mpi.h>
#include <stdint.h>

// What Swift cannot import or would import differently for each MPI library: macros, and handles passed by
// address. A handle is a pointer in Open MPI and an integer in MPICH, so Swift sees it only through the typedef
// (MPI_Comm, MPI_Datatype, ...) or, where the library writes one, inside a one-member structure.

typedef struct { MPI_Comm handle; } sages_mpi_comm;
typedef struct { MPI_Request handle; } sages_mpi_request;
typedef struct { MPI_Win handle; } sages_mpi_window;

// Communicators
static inline MPI_Comm sages_mpi_comm_world(void) { return MPI_COMM_WORLD; }
static inline MPI_Comm sages_mpi_comm_self(void) { return MPI_COMM_SELF; }
static inline int sages_mpi_comm_is_null(sages_mpi_comm comm) { return comm.handle == MPI_COMM_NULL; }
// An integer that is no handle gives the null communicator (Open MPI says 0), or one that MPI refuses.
static inline sages_mpi_comm sages_mpi_comm_f2c(int fortran) {
    sages_mpi_comm comm = {MPI_Comm_f2c((MPI_Fint)fortran)};
    if (comm.handle == (MPI_Comm)0) comm.handle = MPI_COMM_NULL;
    return comm;
}
static inline int sages_mpi_errors_return(MPI_Comm comm) { return MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN); }
static inline int sages_mpi_comm_dup(MPI_Comm comm, sages_mpi_comm *out) { return MPI_Comm_dup(comm, &out->handle); }
static inline int sages_mpi_comm_free(MPI_Comm comm) { return MPI_Comm_free(&comm); }
static inline int sages_mpi_comm_split(MPI_Comm comm, int color, int key, sages_mpi_comm *out) {
    return MPI_Comm_split(comm, color, key, &out->handle);
}
static inline int sages_mpi_comm_split_shared(MPI_Comm comm, int key, sages_mpi_comm *out) {
    return MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, key, MPI_INFO_NULL, &out->handle);
}
static inline int sages_mpi_cart_create(MPI_Comm comm, int axes, const int *sizes, const int *periodic,
                                        sages_mpi_comm *out) {
    return MPI_Cart_create(comm, axes, sizes, periodic, 0, &out->handle);
}

// Integer and pointer constants
static inline int sages_mpi_success(void) { return MPI_SUCCESS; }
static inline int sages_mpi_thread_funneled(void) { return MPI_THREAD_FUNNELED; }
static inline int sages_mpi_undefined(void) { return MPI_UNDEFINED; }
static inline int sages_mpi_any_source(void) { return MPI_ANY_SOURCE; }
static inline int sages_mpi_any_tag(void) { return MPI_ANY_TAG; }
static inline int sages_mpi_max_error_string(void) { return MPI_MAX_ERROR_STRING; }
static inline int sages_mpi_max_library_version_string(void) { return MPI_MAX_LIBRARY_VERSION_STRING; }
static inline int sages_mpi_max_processor_name(void) { return MPI_MAX_PROCESSOR_NAME; }
static inline const void *sages_mpi_in_place(void) { return MPI_IN_PLACE; }

// Datatypes
static inline MPI_Datatype sages_mpi_byte(void) { return MPI_BYTE; }
static inline MPI_Datatype sages_mpi_bool(void) { return MPI_C_BOOL; }
static inline MPI_Datatype sages_mpi_int8(void) { return MPI_INT8_T; }
static inline MPI_Datatype sages_mpi_int16(void) { return MPI_INT16_T; }
static inline MPI_Datatype sages_mpi_int32(void) { return MPI_INT32_T; }
static inline MPI_Datatype sages_mpi_int64(void) { return MPI_INT64_T; }
static inline MPI_Datatype sages_mpi_uint8(void) { return MPI_UINT8_T; }
static inline MPI_Datatype sages_mpi_uint16(void) { return MPI_UINT16_T; }
static inline MPI_Datatype sages_mpi_uint32(void) { return MPI_UINT32_T; }
static inline MPI_Datatype sages_mpi_uint64(void) { return MPI_UINT64_T; }
static inline MPI_Datatype sages_mpi_float(void) { return MPI_FLOAT; }
static inline MPI_Datatype sages_mpi_double(void) { return MPI_DOUBLE; }

// Reduction operations
static inline MPI_Op sages_mpi_sum(void) { return MPI_SUM; }
static inline MPI_Op sages_mpi_product(void) { return MPI_PROD; }
static inline MPI_Op sages_mpi_minimum(void) { return MPI_MIN; }
static inline MPI_Op sages_mpi_maximum(void) { return MPI_MAX; }
static inline MPI_Op sages_mpi_logical_and(void) { return MPI_LAND; }
static inline MPI_Op sages_mpi_logical_or(void) { return MPI_LOR; }
static inline MPI_Op sages_mpi_bitwise_and(void) { return MPI_BAND; }
static inline MPI_Op sages_mpi_bitwise_or(void) { return MPI_BOR; }
static inline MPI_Op sages_mpi_bitwise_xor(void) { return MPI_BXOR; }

// Requests. A null request is complete: testing it or waiting for it succeeds at once.
static inline sages_mpi_request sages_mpi_request_null(void) {
    sages_mpi_request request = {MPI_REQUEST_NULL};
    return request;
}
static inline int sages_mpi_request_is_null(const sages_mpi_request *request) {
    return request->handle == MPI_REQUEST_NULL;
}
static inline int sages_mpi_isend(const void *buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm,
                                  sages_mpi_request *out) {
    return MPI_Isend(buffer, count, type, rank, tag, comm, &out->handle);
}
static inline int sages_mpi_irecv(void *buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm,
                                  sages_mpi_request *out) {
    return MPI_Irecv(buffer, count, type, rank, tag, comm, &out->handle);
}
static inline int sages_mpi_iallreduce_in_place(void *buffer, int count, MPI_Datatype type, MPI_Op operation,
                                                MPI_Comm comm, sages_mpi_request *out) {
    return MPI_Iallreduce(MPI_IN_PLACE, buffer, count, type, operation, comm, &out->handle);
}
static inline int sages_mpi_ibarrier(MPI_Comm comm, sages_mpi_request *out) {
    return MPI_Ibarrier(comm, &out->handle);
}
static inline int sages_mpi_send_init(const void *buffer, int count, MPI_Datatype type, int rank, int tag,
                                      MPI_Comm comm, sages_mpi_request *out) {
    return MPI_Send_init(buffer, count, type, rank, tag, comm, &out->handle);
}
static inline int sages_mpi_recv_init(void *buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm,
                                      sages_mpi_request *out) {
    return MPI_Recv_init(buffer, count, type, rank, tag, comm, &out->handle);
}
static inline int sages_mpi_request_free(sages_mpi_request *request) { return MPI_Request_free(&request->handle); }
static inline int sages_mpi_startall(int count, sages_mpi_request *requests) {
    return MPI_Startall(count, &requests->handle);
}
static inline int sages_mpi_testall(int count, sages_mpi_request *requests, int *done) {
    return MPI_Testall(count, &requests->handle, done, MPI_STATUSES_IGNORE);
}
static inline int sages_mpi_waitall(int count, sages_mpi_request *requests) {
    return MPI_Waitall(count, &requests->handle, MPI_STATUSES_IGNORE);
}

// A number in the memory of rank 0 that every rank may raise at any time. A rank's address of it goes to `number`.
static inline int sages_mpi_counter_make(MPI_Comm comm, int rank, sages_mpi_window *out, int64_t **number) {
    const MPI_Aint bytes = rank == 0 ? (MPI_Aint)sizeof(int64_t) : 0;
    const int code = MPI_Win_allocate(bytes, sizeof(int64_t), MPI_INFO_NULL, comm, number, &out->handle);
    if (code != MPI_SUCCESS) return code;
    if (rank == 0) **number = 0;
    return MPI_Win_set_errhandler(out->handle, MPI_ERRORS_RETURN);
}
static inline int sages_mpi_counter_raise(sages_mpi_window window, int64_t by, int64_t *before) {
    int code = MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, window.handle);
    if (code != MPI_SUCCESS) return code;
    code = MPI_Fetch_and_op(&by, before, MPI_INT64_T, 0, 0, MPI_SUM, window.handle);
    const int unlocked = MPI_Win_unlock(0, window.handle);
    return code != MPI_SUCCESS ? code : unlocked;
}
static inline int sages_mpi_counter_free(sages_mpi_window *window) { return MPI_Win_free(&window->handle); }
