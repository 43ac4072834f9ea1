# Settings of the site, and what must be known before the compilers are.

set(SAGES_SOURCE ${CMAKE_CURRENT_SOURCE_DIR}/../Sources)
cmake_path(NORMAL_PATH SAGES_SOURCE)

if(NOT CMAKE_GENERATOR MATCHES "Ninja")
    message(FATAL_ERROR "CMake builds Swift with Ninja only: add -G Ninja (Debian: apt-get install ninja-build)")
endif()

# A cache variable whose default is the environment's value, else a fallback.
function(sages_setting name fallback description)
    set(value "${fallback}")
    if(NOT "$ENV{${name}}" STREQUAL "")
        set(value "$ENV{${name}}")
    endif()
    set(${name} "${value}" CACHE STRING "${description}")
endfunction()

sages_setting(SAGES_ARCH native "Instruction set of the kernels, as for -march")
sages_setting(SAGES_MPI_PKGCONFIG ompi-c "pkg-config name of MPI")
sages_setting(SAGES_HDF5_PKGCONFIG hdf5-openmpi "pkg-config name of parallel HDF5")
sages_setting(SAGES_OPENBLAS_PKGCONFIG openblas "pkg-config name of OpenBLAS")
sages_setting(SAGES_COMMIT "" "The commit that is built, for provenance; git's if empty")

if(SAGES_COMMIT STREQUAL "")
    execute_process(
        COMMAND git describe --always --dirty --abbrev=40 --exclude=*
        WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
        OUTPUT_VARIABLE SAGES_BUILT_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
else()
    set(SAGES_BUILT_COMMIT ${SAGES_COMMIT})
endif()

# The version stands in one place.
set(SAGES_VERSION_FILE ${SAGES_SOURCE}/Diagnostics/BuildInformation.swift)
file(STRINGS ${SAGES_VERSION_FILE} version_line REGEX "public static let version = \"")
string(REGEX REPLACE ".*\"([0-9]+\\.[0-9]+\\.[0-9]+)\".*" "\\1" SAGES_SOURCE_VERSION "${version_line}")
if(NOT SAGES_SOURCE_VERSION MATCHES "^[0-9]+\\.[0-9]+\\.[0-9]+$")
    message(FATAL_ERROR "${SAGES_VERSION_FILE} has no line with the version")
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${SAGES_VERSION_FILE})

# CMake looks for swiftc itself, but what it says where there is none helps nobody.
find_program(CMAKE_Swift_COMPILER NAMES swiftc DOC "Swift compiler")
if(NOT CMAKE_Swift_COMPILER)
    message(FATAL_ERROR "No swiftc in PATH; Swift 6.3 or newer: https://www.swift.org/install/linux")
endif()
execute_process(
    COMMAND ${CMAKE_Swift_COMPILER} -print-target-info OUTPUT_VARIABLE target_info RESULT_VARIABLE status)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "${CMAKE_Swift_COMPILER} -print-target-info ended with ${status}")
endif()
string(JSON compiler_version GET "${target_info}" compilerVersion)
string(REGEX REPLACE ".*Swift version ([0-9.]+).*" "\\1" SAGES_SWIFT_VERSION "${compiler_version}")
if(SAGES_SWIFT_VERSION VERSION_LESS 6.3)
    message(FATAL_ERROR "${CMAKE_Swift_COMPILER} is Swift ${SAGES_SWIFT_VERSION}; 6.3 or newer is needed (functions of C)")
endif()
# Where the Swift runtime's libraries are: hosts find them by the RPATH of libsages.
string(JSON SAGES_SWIFT_RUNTIME GET "${target_info}" paths runtimeLibraryPaths 0)
