# The C libraries under SAGES, by their pkg-config names.

find_package(PkgConfig REQUIRED)

# SAGES_<name>_{INCLUDE_DIRS,LDFLAGS,LIBRARIES,LIBRARY_DIRS} of a pkg-config module.
macro(sages_library name module what)
    pkg_check_modules(SAGES_${name} ${module})
    if(NOT SAGES_${name}_FOUND)
        message(FATAL_ERROR "No ${what} with the pkg-config name ${module}; ${ARGN}")
    endif()
    list(APPEND SAGES_INCLUDE_DIRS ${SAGES_${name}_INCLUDE_DIRS})
    list(APPEND SAGES_LINK_FLAGS ${SAGES_${name}_LDFLAGS})
    list(APPEND SAGES_LIBRARY_DIRS ${SAGES_${name}_LIBRARY_DIRS})
endmacro()

sages_library(MPI "${SAGES_MPI_PKGCONFIG}" "MPI" "set SAGES_MPI_PKGCONFIG (ompi-c, mpich)")
sages_library(HDF5 "${SAGES_HDF5_PKGCONFIG}" "parallel HDF5" "set SAGES_HDF5_PKGCONFIG (hdf5-openmpi, hdf5-mpich)")
sages_library(BLAS "${SAGES_OPENBLAS_PKGCONFIG}" "OpenBLAS" "set SAGES_OPENBLAS_PKGCONFIG")
sages_library(ZLIB zlib "zlib" "Debian: apt-get install zlib1g-dev")
list(REMOVE_DUPLICATES SAGES_INCLUDE_DIRS)
list(REMOVE_DUPLICATES SAGES_LIBRARY_DIRS)

# pkg-config may say "-Wl,-rpath,..."; swiftc wants -Xlinker.
set(SAGES_SWIFT_LINK_FLAGS)
foreach(flag IN LISTS SAGES_LINK_FLAGS)
    if(flag MATCHES "^-Wl,(.*)")
        string(REPLACE "," ";" parts "${CMAKE_MATCH_1}")
        foreach(part IN LISTS parts)
            list(APPEND SAGES_SWIFT_LINK_FLAGS "SHELL:-Xlinker ${part}")
        endforeach()
    elseif(flag MATCHES "^-[lL]")
        list(APPEND SAGES_SWIFT_LINK_FLAGS "${flag}")
    endif()
endforeach()
