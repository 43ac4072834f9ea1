#!/bin/bash
#
# cmake-interop: libsages builds and installs with CMake and Ninja, and its own tests pass (hosts that find the
# installed package and run on 2 ranks).
#
# Wall time  3 minutes, for Swift is compiled anew

set -euo pipefail
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../jobs/site.sh"

for need in cmake ninja; do
    command -v "$need" > /dev/null || {
        echo "no $need here; jobs/setup.sh says how to get it"
        exit 77
    }
done
[[ -e "$SAGES_ROOT/cmake-interop/CMakeLists.txt" ]] || {
    echo "there is no cmake-interop/CMakeLists.txt"
    exit 77
}

cmake -S "$SAGES_ROOT/cmake-interop" -B build -G Ninja -D CMAKE_BUILD_TYPE=Release \
    -D CMAKE_INSTALL_PREFIX="$PWD/install"
cmake --build build
cmake --install build
ctest --test-dir build --output-on-failure
