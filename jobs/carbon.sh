#!/bin/bash
#
# Trains the models of carbon on the molecular dynamics that ships with the project, and evaluates them on runs that they have not
# seen: other seeds, another temperature, another size.
#
#   bash jobs/carbon.sh
#
# Run again, it goes on where it was; remove out/carbon to begin anew.
#
# Purpose    the weights jobs/models/carbon.h5 and carbon-fast.h5 and their figures, in out/carbon
# Wall time  45 minutes on 2 cores
# Cost       2 ranks, 2 GB of memory, 1 GB of disk

set -euo pipefail
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/site.sh"
cd "$SAGES_ROOT"

folder="$SAGES_OUTPUT/carbon"
sages="$SAGES_BUILD/release/sages"
mkdir --parents "$folder"

for dump in jobs/data/diamond/*.lammpstrj.gz jobs/data/graphene/*.lammpstrj.gz; do
    name="$(basename "$(dirname "$dump")")-$(basename "$dump" .lammpstrj.gz)"
    [[ -s "$folder/$name.h5" ]] \
        || "$sages" import "$dump" --elements C --timestep 0.0005 --out "$folder/$name.h5"
done

# Four trainings, each from the weights of the one before: the fast model; with two more kicks and torsions; then for slow
# waves too, and more so.
sages_run "$SAGES_RANKS" "$sages" train jobs/configs/carbon-fast.json5 --out "$folder/fast.h5" --resume
sages_run "$SAGES_RANKS" "$sages" train jobs/configs/carbon.json5 --set model.slowWeight=0 \
    --set "model.start=\"$folder/fast.h5\"" --set training.steps=1800 --set training.schedule.peak=3e-3 \
    --out "$folder/five-kicks.h5" --resume
sages_run "$SAGES_RANKS" "$sages" train jobs/configs/carbon.json5 --set model.slowWeight=20 \
    --set "model.start=\"$folder/five-kicks.h5\"" --set training.steps=4000 --out "$folder/slow.h5" --resume
sages_run "$SAGES_RANKS" "$sages" train jobs/configs/carbon.json5 --set "model.start=\"$folder/slow.h5\"" \
    --out "$folder/model.h5" --resume

for name in diamond-test-1000K diamond-nve-test-600K graphene-nve-test-300K; do
    for model in model fast; do
        sages_run "$SAGES_RANKS" "$sages" evaluate "$folder/$model.h5" --data "$folder/$name.h5" --json \
            > "$folder/$name-$model.json"
        echo "$folder/$name-$model.json"
    done
done
