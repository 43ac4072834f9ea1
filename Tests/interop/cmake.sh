#!/bin/bash
#
# cmake-interop: libsages builds and installs with CMake and Ninja, and its own tests pass: hosts in C, C++ and Fortran
# find the installed package, run on 1 and 2 ranks, and write what `sages simulate` writes, bit for bit.
#
# Wall time  4 minutes on 2 cores, for Swift is compiled anew

set -euo pipefail
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../jobs/site.sh"

for need in cmake ninja; do
    command -v "$need" > /dev/null || {
        echo "no $need here; jobs/setup.sh says how to get it"
        exit 77
    }
done
: "${SAGES:?the path of the built sages}"

swift package --package-path "$SAGES_ROOT" dump-package > package.json
cmake -D PACKAGE=package.json -P "$SAGES_ROOT/cmake-interop/tests/modules.cmake"

cmake -S "$SAGES_ROOT/cmake-interop" -B build -G Ninja -D CMAKE_BUILD_TYPE=Release \
    -D CMAKE_INSTALL_PREFIX="$PWD/install" -D SAGES_PROGRAM="$SAGES"
cmake --build build
cmake --install build
[[ -e install/include/sages.h && -e install/lib/libsages.so ]] || {
    find install
    echo "the installation is not complete"
    exit 1
}
ctest --test-dir build --output-on-failure --no-tests=error
