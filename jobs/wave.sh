#!/bin/bash
#
# A sound wave in diamond: a bar of 60 cells at rest gets a push on one slab, and the picture shows how it goes on: at
# 171 Angstrom/ps (AIREBO: the root of C11 over density is 176).
#
#   bash jobs/wave.sh
#
# Purpose    what forces on a region do; a picture of velocity over place and time, in out/wave
# Wall time  a quarter of a minute on 2 cores
# Cost       2 ranks, 500 MB of memory, 10 MB of disk

set -euo pipefail
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/site.sh"
cd "$SAGES_ROOT"

folder="$SAGES_OUTPUT/wave"
sages="$SAGES_BUILD/release/sages"
mkdir --parents "$folder"

# 60 x 2 x 2 conventional cells of 8 atoms, all at rest on their sites.
awk 'BEGIN {
    a = 3.567
    print "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1920\nITEM: BOX BOUNDS pp pp pp"
    print 0, 60 * a "\n" 0, 2 * a "\n" 0, 2 * a "\nITEM: ATOMS id type x y z vx vy vz"
    split("0 0 0 0 2 2 2 0 2 2 2 0 1 1 1 1 3 3 3 1 3 3 3 1", site)
    for (k = 0; k < 2; k++) for (j = 0; j < 2; j++) for (i = 0; i < 60; i++) for (s = 0; s < 8; s++)
        printf "%d 1 %.6f %.6f %.6f 0 0 0\n", ++id, (i + 0.125 + site[3 * s + 1] / 4) * a,
            (j + 0.125 + site[3 * s + 2] / 4) * a, (k + 0.125 + site[3 * s + 3] / 4) * a
}' > "$folder/bar.lammpstrj"
"$sages" import "$folder/bar.lammpstrj" --elements C --timestep 0.0005 --out "$folder/bar.h5"

# 0.05 eV/Angstrom on the 16 atoms of two layers for 0.05 ps.
sages_run "$SAGES_RANKS" "$sages" simulate jobs/models/carbon.h5 --input "$folder/bar.h5" --steps 110 \
    --force 'x=0..1.7835:0.05,0,0@1-10' --out "$folder/wave.h5"
if command -v gnuplot > /dev/null; then "$sages" plot "$folder/wave.h5" --out "$folder/plots"; fi
