# shellcheck shell=bash
#
# A small real training for checks of the command line; sourced after checks.bash. Gives, in the folder of the check:
#   data.h5    41 frames of 1,000 C at 300 K
#   train_small RANKS MODEL.h5 [OPTION]...    a few steps of the quick start's configuration on that data

SMALL_STEPS="${SMALL_STEPS:-6}"
diamond="$SAGES_ROOT/jobs/data/diamond"
configuration="$SAGES_ROOT/jobs/configs/quickstart.json5"
small=(--set "data.train=[\"$PWD/data.h5\"]" --set "data.validation=[\"$PWD/data.h5\"]"
    --set "data.test=[\"$PWD/data.h5\"]" --set "training.steps=$SMALL_STEPS")

import_small() {
    expect_status 0 "$SAGES" import "$diamond/train-300K.lammpstrj.gz" --elements C --timestep 0.0005 --out data.h5
}

train_small() {
    expect_status_on "$1" 0 "$SAGES" train "$configuration" "${small[@]}" --out "$2" "${@:3}"
}
