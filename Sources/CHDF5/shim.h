#pragma once
#include <hdf5.h>

// Macros that Swift cannot import, as functions. Several of them call H5open, so they must not be constants.

static inline hid_t sages_h5_property_default(void) { return H5P_DEFAULT; }
static inline hid_t sages_h5_property_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t sages_h5_property_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t sages_h5_property_group_create(void) { return H5P_GROUP_CREATE; }
static inline hid_t sages_h5_property_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t sages_h5_property_dataset_transfer(void) { return H5P_DATASET_XFER; }
static inline hid_t sages_h5_property_link_create(void) { return H5P_LINK_CREATE; }

static inline unsigned sages_h5_access_read_only(void) { return H5F_ACC_RDONLY; }
static inline unsigned sages_h5_access_read_write(void) { return H5F_ACC_RDWR; }
static inline unsigned sages_h5_access_truncate(void) { return H5F_ACC_TRUNC; }

static inline hid_t sages_h5_space_all(void) { return H5S_ALL; }
static inline hsize_t sages_h5_unlimited(void) { return H5S_UNLIMITED; }
static inline hid_t sages_h5_error_stack(void) { return H5E_DEFAULT; }
static inline size_t sages_h5_variable_length(void) { return H5T_VARIABLE; }

static inline hid_t sages_h5_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t sages_h5_native_double(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t sages_h5_native_int8(void) { return H5T_NATIVE_INT8; }
static inline hid_t sages_h5_native_int16(void) { return H5T_NATIVE_INT16; }
static inline hid_t sages_h5_native_int32(void) { return H5T_NATIVE_INT32; }
static inline hid_t sages_h5_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t sages_h5_native_uint8(void) { return H5T_NATIVE_UINT8; }
static inline hid_t sages_h5_native_uint16(void) { return H5T_NATIVE_UINT16; }
static inline hid_t sages_h5_native_uint32(void) { return H5T_NATIVE_UINT32; }
static inline hid_t sages_h5_native_uint64(void) { return H5T_NATIVE_UINT64; }
static inline hid_t sages_h5_c_string(void) { return H5T_C_S1; }

static inline int sages_h5_version_major(void) { return H5_VERS_MAJOR; }

/// Whether this HDF5 was built with the MPI-IO driver.
static inline int sages_h5_is_parallel(void) {
#ifdef H5_HAVE_PARALLEL
    return 1;
#else
    return 0;
#endif
}

#ifdef H5_HAVE_PARALLEL
/// The MPI-IO driver without hints: MPI_INFO_NULL is a macro whose type differs between MPI libraries.
static inline herr_t sages_h5_use_mpio(hid_t access, MPI_Comm communicator) {
    return H5Pset_fapl_mpio(access, communicator, MPI_INFO_NULL);
}
#endif

/// Metadata reaches the file only when it is flushed, and rank 0 alone writes it, in order of address:
/// a file whose writer was killed is then, but for the moment of a flush, as the last flush left it.
static inline herr_t sages_h5_write_metadata_on_flush_only(hid_t access) {
    H5AC_cache_config_t configuration;
    configuration.version = H5AC__CURR_CACHE_CONFIG_VERSION;
    herr_t status = H5Pget_mdc_config(access, &configuration);
    if (status < 0) return status;
    configuration.evictions_enabled = 0;
    configuration.incr_mode = H5C_incr__off;
    configuration.flash_incr_mode = H5C_flash_incr__off;
    configuration.decr_mode = H5C_decr__off;
    configuration.metadata_write_strategy = H5AC_METADATA_WRITE_STRATEGY__PROCESS_0_ONLY;
    configuration.dirty_bytes_threshold = 32 << 20; // the largest that HDF5 accepts
    return H5Pset_mdc_config(access, &configuration);
}

// Linux's call is declared for GNU sources alone, which Swift's importer does not ask for. Unlike posix_fallocate, it
// never writes in place of a file system that cannot do it.
int fallocate(int descriptor, int mode, off_t offset, off_t length);

/// Takes room on the disk for the first `length` bytes of a file, whose own length stays. 0, or -1 with errno.
static inline int sages_take_room(int descriptor, off_t length) {
    return fallocate(descriptor, 1 /* FALLOC_FL_KEEP_SIZE */, 0, length);
}

int sync_file_range(int descriptor, off_t offset, off_t length, unsigned flags);

/// Asks the system to begin to bring a part of a file to the disk, and does not wait. A hint: what fails here fails in
/// fdatasync too.
static inline void sages_begin_writeback(int descriptor, off_t offset, off_t length) {
    (void)sync_file_range(descriptor, offset, length, 2 /* SYNC_FILE_RANGE_WRITE */);
}
