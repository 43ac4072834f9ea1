#!/bin/bash
#
# Runs a host on a number of ranks, and compares what it writes with what `sages simulate` wrote, bit for bit. Only their
# names, and where the host had its atoms from, are others: /provenance says so.
#
#   bash host.sh NAME RANKS DATA_FOLDER BUILD_FOLDER

set -euo pipefail
host="$1" ranks="$2" data="$3" build="$4"
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../jobs/site.sh"
cd "$data"

same() { # file, HDF5 path
    h5diff --exclude-path /provenance reference.h5 "$1" "$2"
    echo "$1 equals reference.h5 in $2"
}

out="$host-$ranks.h5"
case "$host" in
simulate-c)
    # The host keeps one rank for itself where there are more than one.
    sages_run "$((ranks == 1 ? 1 : ranks + 1))" "$build/hosts/$host" model.h5 start.h5 12 3 "$out"
    same "$out" /
    ;;
simulate-fortran)
    [[ -x "$build/hosts/$host" ]] || { echo "no Fortran compiler here"; exit 77; }
    sages_run "$ranks" "$build/hosts/$host" model.h5 start.h5 12 3 "$out"
    same "$out" /
    ;;
couple)
    sages_run "$ranks" "$build/hosts/$host" model.h5 start.h5 12 3 "$out"
    same "$out" /
    ;;
faults)
    echo "no HDF5" > text.h5
    sages_run "$ranks" "$build/faults" model.h5 start.h5 text.h5
    ;;
esac
