#!/bin/bash
#
# Coarse levels: trains levels 1 and 2 of diamond at 1000 K (predictors with the scale transformers frozen, and level 1 jointly
# with its own) and level 1 of an automaton, and compares each, decoded, with baselines and with level 0 at the same horizon.
#
#   bash jobs/hierarchy.sh [diamond] [automaton]      both by default
#
# Run again, it goes on where it was; remove out/hierarchy to begin anew.
#
# Purpose    models and figures, in out/hierarchy
# Wall time  a quarter of an hour on 2 cores
# Cost       2 ranks, 2 GB of memory, 1 GB of disk

set -euo pipefail
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/site.sh"
cd "$SAGES_ROOT"

sages="$SAGES_BUILD/release/sages"
# Configurations name this folder.
folder="out/hierarchy"
cases=("$@")
((${#cases[@]} > 0)) || cases=(diamond automaton)
[[ -x "$sages" ]] || {
    echo "hierarchy.sh: there is no $sages; build it first: swift build --configuration release" >&2
    exit 66
}
mkdir --parents "$folder"

# Levels 1 and 2 of jobs/models, made anew: their predictors, and level 1 jointly with its scale transformer. Rollouts of 5 ps
# of each beside level 0.
diamond() {
    local name
    for name in train-1000K validation-1000K test-1000K; do
        [[ -s "$folder/diamond-$name.h5" ]] || "$sages" import "jobs/data/diamond/$name.lammpstrj.gz" --elements C \
            --timestep 0.0005 --out "$folder/diamond-$name.h5"
    done
    sages_run "$SAGES_RANKS" "$sages" train jobs/configs/hierarchy-diamond.json5 --resume
    sages_run "$SAGES_RANKS" "$sages" train jobs/configs/hierarchy-diamond.json5 --resume \
        --set 'model.stage="joint"' --set "model.start=\"$folder/diamond-1.h5\"" --set training.steps=200 \
        --set training.schedule.peak=5e-4 --out "$folder/diamond-1-joint.h5"
    sages_run "$SAGES_RANKS" "$sages" train jobs/configs/hierarchy-diamond-2.json5 --resume \
        --set "model.below=\"$folder/diamond-1.h5\""
    for name in diamond-1 diamond-1-joint diamond-2; do
        sages_run "$SAGES_RANKS" "$sages" evaluate "$folder/$name.h5" --data "$folder/diamond-test-1000K.h5" \
            --rollout 1000 --beside jobs/models/carbon.h5 --json > "$folder/$name.json"
        echo "$folder/$name.json"
    done
}

automaton() {
    local density
    for density in 10 20 30 40; do
        [[ -s "$folder/4555-train-$density.h5" ]] || "$sages" generate ca --rule 4555 --grid 32x32x32 --frames 12 \
            --seed "$density" --density "0.$density" --deflate 4 --out "$folder/4555-train-$density.h5"
    done
    [[ -s "$folder/4555-validation.h5" ]] || "$sages" generate ca --rule 4555 --grid 32x32x32 --frames 12 --seed 500 \
        --density 0.2 --deflate 4 --out "$folder/4555-validation.h5"
    [[ -s "$folder/4555-test.h5" ]] || "$sages" generate ca --rule 4555 --grid 32x32x32 --frames 12 --seed 1000 \
        --density 0.2 --deflate 4 --out "$folder/4555-test.h5"
    local seed
    for seed in 1 2 3; do
        sages_run "$SAGES_RANKS" "$sages" train jobs/configs/hierarchy-automaton.json5 --resume \
            --set "training.seed=$seed" --out "$folder/4555-1-seed$seed.h5"
        sages_run "$SAGES_RANKS" "$sages" evaluate "$folder/4555-1-seed$seed.h5" --data "$folder/4555-test.h5" \
            --beside jobs/models/automaton-4555.h5 --json > "$folder/4555-1-seed$seed.json"
        echo "$folder/4555-1-seed$seed.json"
    done
}

for name in "${cases[@]}"; do
    case "$name" in
        diamond | automaton) "$name" ;;
        *)
            echo "hierarchy.sh: there is no case $name; diamond and automaton are" >&2
            exit 64
            ;;
    esac
done
