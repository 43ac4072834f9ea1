#!/bin/bash
#
# Recurring structures in what the model of carbon knows of its atoms: strained diamond with surfaces and a missing atom,
# graphene with slits, with edges and with vacancies, and diamond that is pulled, in which all atoms are alike.
#
#   bash jobs/patterns.sh
#
# Purpose    tables, trajectories with clusters and pictures, in out/patterns
# Wall time  two minutes on 2 cores
# Cost       2 ranks, 1 GB of memory, 20 MB of disk

set -euo pipefail
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/site.sh"
cd "$SAGES_ROOT"

folder="$SAGES_OUTPUT/patterns"
sages="$SAGES_BUILD/release/sages"
mkdir --parents "$folder"

for run in diamond/nve-slab-300K graphene/nve-{kirigami-300K,zigzag-1000K,armchair-1000K,vacancy-1000K} diamond/pulled-x; do
    name="${run/\//-}"
    "$sages" import "jobs/data/$run.lammpstrj.gz" --elements C --timestep 0.0005 --out "$folder/$name.h5"
    sages_run "$SAGES_RANKS" "$sages" patterns jobs/models/carbon.h5 --data "$folder/$name.h5" \
        --out "$folder/$name-patterns.h5" | tee "$folder/$name.txt"
    if command -v gnuplot > /dev/null; then
        "$sages" plot "$folder/$name-patterns.h5" --out "$folder/$name"
    fi
done
