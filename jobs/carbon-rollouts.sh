#!/bin/bash
#
# Rolls the model of carbon out without thermostat, and sets it beside LAMMPS from the same start, as long: temperature, true
# (AIREBO) energy, g(r), velocity autocorrelation and spectrum, displacement, height of the sheet; elastic constants and
# stress under strain beside AIREBO's.
#
#   bash jobs/carbon-rollouts.sh [MODEL.h5]      # default jobs/models/carbon.h5
#
# What is there is not made again; remove out/carbon/rollouts to begin anew. Each rollout has NAME.json (sages evaluate), NAME.plot.json
# (the drift of the energy) and its pictures. Wants LAMMPS: jobs/setup.sh --data.
#
# Purpose    the figures of rollouts in README.md
# Wall time  50 minutes on 2 cores, of which 40 are LAMMPS's
# Cost       2 ranks, 2 GB of memory, 2 GB of disk

set -euo pipefail
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/site.sh"
cd "$SAGES_ROOT"

model="${1:-jobs/models/carbon.h5}"
sages="$SAGES_BUILD/release/sages"
folder="$SAGES_OUTPUT/carbon/rollouts"
make=(bash jobs/data/make-carbon.sh)
mkdir --parents "$folder"

# Runs a command whose output is a file that appears whole, unless it is there: into FILE COMMAND...
into() {
    [[ ! -s "$1" ]] || return 0
    "${@:2}" > "$1.partial"
    mv "$1.partial" "$1"
}

# Reads a file of LAMMPS, unless it was: import SOURCE FILE.h5
import() {
    [[ -s "$2" ]] || "$sages" import "$1" --elements C --timestep 0.0005 --out "$2"
}

# A model and LAMMPS from the first frame of a dump: roll NAME DUMP STEPS SYSTEM...
roll() {
    local name="$1" dump="$2" steps="$3" at="$folder/$1" start
    local system=("${@:4}")
    start="$(zcat "$dump" | awk '/^ITEM: TIMESTEP/ { getline; print; exit }' || true)"
    "${make[@]}" release "${system[@]}" --seed 1 --from "$dump" --frames "$((steps + 1))" \
        --steps "$start,$start,$((10 * (steps + 1)))" --file "$at-md.lammpstrj.gz"
    import "$at-md.lammpstrj.gz" "$at-md.h5"
    into "$at.json" sages_run "$SAGES_RANKS" "$sages" evaluate "$model" --data "$at-md.h5" --rollout "$steps" --json
    [[ -s "$at.h5" ]] || sages_run "$SAGES_RANKS" "$sages" simulate "$model" --input "$at-md.h5" --frame 0 \
        --steps "$steps" --out "$at.h5"
    # Energies of a hundred frames of each; LAMMPS takes 0.4 s for one.
    local apart=$(((steps + 99) / 100))
    [[ -s "$at-few.h5" ]] || "$sages" import "$at.h5" --every "$apart" --out "$at-few.h5"
    [[ -s "$at-md-few.h5" ]] || "$sages" import "$at-md.h5" --every "$apart" --out "$at-md-few.h5"
    local which
    for which in "$at" "$at-md"; do
        [[ -s "$which.csv" ]] || "$sages" export "$which-few.h5" --format lammpstrj --out "$which-few.lammpstrj"
    done
    "${make[@]}" energies "${system[@]}" --seed 1 --from "$at-few.lammpstrj" --every "$apart" --file "$at.csv"
    "${make[@]}" energies "${system[@]}" --seed 1 --from "$at-md-few.lammpstrj" --every "$((10 * apart))" --file "$at-md.csv"
    into "$at.plot.json" "$sages" plot "$at.h5" --reference "$at-md.h5" --energies "$at.csv" \
        --reference-energies "$at-md.csv" --out "$at" --json
    echo "$at.json, $at.plot.json"
}

data=jobs/data
roll diamond-1000K "$data/diamond/test-1000K.lammpstrj.gz" 1000
roll graphene-300K "$data/graphene/nve-test-300K.lammpstrj.gz" 1000 --structure graphene
roll diamond-600K "$data/diamond/nve-test-600K.lammpstrj.gz" 2000 --cells 6,6,6

# At rest in the box of the runs: beside jobs/data/diamond/elastic.txt and graphene/elastic.txt.
"${make[@]}" crystal --cells 2,2,2 --temperature 0 --seed 1 --equilibration 0 --file "$folder/diamond.data"
"${make[@]}" crystal --structure graphene --cells 4,3,1 --temperature 0 --seed 1 --equilibration 0 --file "$folder/graphene.data"
for name in diamond graphene; do
    import "$folder/$name.data" "$folder/$name-rest.h5"
    into "$folder/$name-elastic.json" "$sages" evaluate "$model" --data "$folder/$name-rest.h5" --elastic --json
    echo "$folder/$name-elastic.json"
done

# Under tension: the model's stress in frames of molecular dynamics, beside the .stress.txt of each run.
# tension RUN COMPONENT: 1, 2 or 3 for xx, yy or zz, the axis that is pulled. The table is strain, the model's stress, AIREBO's;
# the model knows a stress up to a pressure, so that both are the same in the first frame.
tension() {
    local run="$1" component="$2" flat="${1/\//-}"
    import "$data/$run.lammpstrj.gz" "$folder/$flat.h5"
    into "$folder/$flat-stress.json" sages_run "$SAGES_RANKS" "$sages" evaluate "$model" --data "$folder/$flat.h5" --stress --json
    awk -v component="$component" '
        function number(place) { split($0, part, /[][,]/); return part[place + 1] }
        FNR == NR { if (!/^#/) { strain[++rows] = $2; stress[rows] = $(2 + component) } next }
        /"edges"/ { edge = number(component); if (!frames++) first = edge }
        /"stress_change"/ {
            pulled = edge / first - 1
            for (row = 1; row < rows && strain[row] < pulled; row++) continue
            if (frames == 1) offset = stress[row]
            printf "%.4f %.2f %.2f\n", pulled, number(component) + offset, stress[row]
        }' "$data/$run.stress.txt" "$folder/$flat-stress.json" > "$folder/$flat-stress.txt"
    echo "$folder/$flat-stress.txt"
}
tension diamond/pulled-x 1
tension diamond/pulled-111 1
tension diamond/pulled-y 2
tension diamond/pulled-z 3
tension graphene/pulled-zigzag 1
tension graphene/pulled-armchair 2
command -v gnuplot > /dev/null || exit 0
gnuplot << PLOT
set terminal pngcairo size 900,380 font "sans,10"
set output "$folder/tension.png"
set multiplot layout 1,2
set key top left
set xlabel "strain, %"
set grid lc rgb "#dddddd"
set title "Diamond pulled at 300 K"
set ylabel "stress, GPa"
plot "$data/diamond/pulled-x.stress.txt" using (100*\$2):3 with lines lc 1 title "[100], AIREBO", \
     "$folder/diamond-pulled-x-stress.txt" using (100*\$1):2 with points pt 7 lc 1 title "model", \
     "$data/diamond/pulled-111.stress.txt" using (100*\$2):3 with lines lc 2 title "[111], AIREBO", \
     "$folder/diamond-pulled-111-stress.txt" using (100*\$1):2 with points pt 7 lc 2 title "model"
set title "Graphene pulled at 300 K"
set ylabel "stress, N/m"
plot "$data/graphene/pulled-zigzag.stress.txt" using (100*\$2):3 with lines lc 1 title "zigzag, AIREBO", \
     "$folder/graphene-pulled-zigzag-stress.txt" using (100*\$1):2 with points pt 7 lc 1 title "model", \
     "$data/graphene/pulled-armchair.stress.txt" using (100*\$2):4 with lines lc 2 title "armchair, AIREBO", \
     "$folder/graphene-pulled-armchair-stress.txt" using (100*\$1):2 with points pt 7 lc 2 title "model"
PLOT
echo "$folder/tension.png"
