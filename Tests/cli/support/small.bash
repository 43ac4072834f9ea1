# shellcheck shell=bash
#
# Small data and models for checks of the command line; sourced after checks.bash. Gives, in the folder of the check:
#   import_small               data.h5: 41 frames of 1,000 C at 300 K
#   train_small RANKS MODEL.h5 [OPTION]...    a few steps of the quick start's configuration, with a small network
#   import_gas NAME "X Y Z" ATOMS MARGIN      NAME.h5: 4 frames of C anywhere in a box, but for the margin; fast
#   gas                        options of train for a model of such atoms, with cells of 1 Angstrom and 6 slots

SMALL_STEPS="${SMALL_STEPS:-6}"
diamond="$SAGES_ROOT/jobs/data/diamond"
configuration="$SAGES_ROOT/jobs/configs/quickstart.json5"

# The options that train on one file: data_options FILE
data_options() {
    local key
    for key in train validation test; do
        printf '%s\n' --set "data.$key=[\"$PWD/$1\"]"
    done
}

mapfile -t small < <(data_options data.h5)
small+=(--set "training.steps=$SMALL_STEPS" --set model.channels=8 --set model.blocks=2)
# shellcheck disable=SC2034 # for the checks
gas=(--set training.steps=2 --set model.channels=8 --set model.blocks=2 --set model.cell=1 --set model.slots=6
    --set 'model.origin="corner"')

import_small() {
    expect_status 0 "$SAGES" import "$diamond/train-300K.lammpstrj.gz" --elements C --timestep 0.0005 --out data.h5
}

train_small() {
    expect_status_on "$1" 0 "$SAGES" train "$configuration" "${small[@]}" --out "$2" "${@:3}"
}

import_gas() {
    awk -v edges="$2" -v atoms="$3" -v margin="$4" '
        function normal() { return rand() + rand() + rand() + rand() + rand() + rand() - 3 }
        BEGIN {
            srand(11)
            split(edges, edge)
            for (atom = 1; atom <= atoms; atom++)
                for (axis = 1; axis <= 3; axis++) {
                    x[atom, axis] = margin + rand() * (edge[axis] - 2 * margin)
                    v[atom, axis] = 20 * normal()
                }
            for (frame = 0; frame < 4; frame++) {
                printf "ITEM: TIMESTEP\n%d\nITEM: NUMBER OF ATOMS\n%d\nITEM: BOX BOUNDS pp pp pp\n", 10 * frame, atoms
                for (axis = 1; axis <= 3; axis++) print 0, edge[axis]
                print "ITEM: ATOMS id type x y z vx vy vz"
                for (atom = 1; atom <= atoms; atom++) {
                    printf "%d 1", atom
                    for (axis = 1; axis <= 3; axis++) printf " %.6f", x[atom, axis]
                    for (axis = 1; axis <= 3; axis++) printf " %.6f", v[atom, axis]
                    print ""
                    # What a model could learn: not free flight.
                    for (axis = 1; axis <= 3; axis++) {
                        x[atom, axis] += 0.005 * v[atom, axis] + 0.01 * normal()
                        v[atom, axis] += 2 * normal()
                    }
                }
            }
        }' > "$1.lammpstrj"
    expect_status 0 "$SAGES" import "$1.lammpstrj" --elements C --timestep 0.0005 --out "$1.h5"
}
