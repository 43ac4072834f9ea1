#!/bin/bash
#
# Coarse levels: trains levels 1 and 2 of diamond at 1000 K (predictors with the scale transformers frozen, and level 1 jointly
# with its own) and level 1 of an automaton, and compares each, decoded, with baselines and with level 0 at the same horizon;
# an automaton that needs feedback from a coarse level, with and without; and a grid that runs at two levels, region by
# region, beside level 0.
#
#   bash jobs/hierarchy.sh [diamond] [automaton] [feedback] [scales]      all by default
#
# Run again, it goes on where it was; remove out/hierarchy to begin anew.
#
# Purpose    models and figures, in out/hierarchy
# Wall time  an hour on 2 cores
# Cost       2 ranks, 2 GB of memory, 1 GB of disk

set -euo pipefail
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/site.sh"
cd "$SAGES_ROOT"

sages="$SAGES_BUILD/release/sages"
# Configurations name this folder.
folder="out/hierarchy"
cases=("$@")
((${#cases[@]} > 0)) || cases=(diamond automaton feedback scales)
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
    sages_run "$SAGES_RANKS" "$sages" train jobs/configs/hierarchy-diamond.json5 --resume --set model.steps=2 \
        --set model.kicks=9 --out "$folder/diamond-1-10fs.h5"
    sages_run "$SAGES_RANKS" "$sages" train jobs/configs/hierarchy-diamond-2.json5 --resume \
        --set "model.below=\"$folder/diamond-1.h5\""
    for name in diamond-1 diamond-1-joint diamond-1-10fs diamond-2; do
        sages_run "$SAGES_RANKS" "$sages" evaluate "$folder/$name.h5" --data "$folder/diamond-test-1000K.h5" \
            --rollout 1000 --beside jobs/models/carbon.h5 --json > "$folder/$name.json"
        echo "$folder/$name.json"
    done
}

# Frames of an automaton: frames NAME RULE GRID FRAMES SEED DENSITY
frames() {
    [[ -s "$folder/$1.xdmf" ]] || "$sages" generate ca --rule "$2" --grid "$3" --frames "$4" --seed "$5" --density "$6" \
        --deflate 4 --out "$folder/$1.h5"
}

automaton() {
    local density number seed
    for density in 08 15 25 40; do
        for number in 1 2 3 4; do
            frames "4555-train-$density-$number" 4555 32x32x32 6 "$((100 * number + 10#$density))" "0.$density"
        done
    done
    frames 4555-validation 4555 32x32x32 12 500 0.2
    frames 4555-test 4555 32x32x32 12 1000 0.2
    for seed in 1 2 3; do
        sages_run "$SAGES_RANKS" "$sages" train jobs/configs/hierarchy-automaton.json5 --resume \
            --set "training.seed=$seed" --out "$folder/4555-1-seed$seed.h5"
        sages_run "$SAGES_RANKS" "$sages" evaluate "$folder/4555-1-seed$seed.h5" --data "$folder/4555-test.h5" \
            --beside jobs/models/automaton-4555.h5 --json > "$folder/4555-1-seed$seed.json"
        echo "$folder/4555-1-seed$seed.json"
    done
}

feedback() {
    local rule=regions:3546,7878,120 number
    local densities=(0.15 0.25 0.35 0.45 0.1 0.2 0.3 0.4)
    for number in 1 2 3 4 5 6 7 8; do
        frames "regions-train-$number" "$rule" 32x32x32 16 "$number" "${densities[number - 1]}"
    done
    frames regions-validation "$rule" 32x32x32 16 500 0.25
    frames regions-test "$rule" 64x48x40 21 1000 0.25
    sages_run "$SAGES_RANKS" "$sages" train jobs/configs/feedback-level.json5 --resume
    sages_run "$SAGES_RANKS" "$sages" train jobs/configs/feedback-cells.json5 --resume
    sages_run "$SAGES_RANKS" "$sages" train jobs/configs/feedback-cells.json5 --resume --set model.feedback=null \
        --set training.steps=500 --out "$folder/regions-without.h5"
    local name
    for name in regions regions-without; do
        sages_run "$SAGES_RANKS" "$sages" evaluate "$folder/$name.h5" --data "$folder/regions-test.h5" --rollout 20 \
            --json > "$folder/$name.json"
        echo "$folder/$name.json"
    done
}

scales() {
    local number
    local densities=(0.08 0.12 0.2 0.08)
    for number in 1 2 3 4; do frames "ash-train-$number" 4555 32x32x32 48 "$number" "${densities[number - 1]}"; done
    frames ash-validation 4555 32x32x32 48 500 0.08
    frames ash-test 4555 128x128x128 61 1000 0.08
    sages_run "$SAGES_RANKS" "$sages" train jobs/configs/scales-level.json5 --resume
    sages_run "$SAGES_RANKS" "$sages" train jobs/configs/scales-confidence.json5 --resume
    local start=(simulate jobs/models/automaton-4555.h5 --input "$folder/ash-test.h5" --frame 20 --steps 20 --every 20)
    sages_run 1 "$sages" "${start[@]}" --out "$folder/fine.h5" --json > "$folder/fine.json"
    local tolerance
    for tolerance in 0.05 0.02 0.01; do
        sages_run 1 "$sages" "${start[@]}" --coarse "$folder/4555-quiet.h5" --confidence "$folder/4555-confidence.h5" \
            --tolerance "$tolerance" --out "$folder/scales-$tolerance.h5" --json > "$folder/scales-$tolerance.json"
        echo "$folder/scales-$tolerance.json"
    done
}

for name in "${cases[@]}"; do
    case "$name" in
        diamond | automaton | feedback | scales) "$name" ;;
        *)
            echo "hierarchy.sh: there is no case $name; diamond, automaton, feedback and scales are" >&2
            exit 64
            ;;
    esac
done
