#!/bin/bash
#
# What a user gets wrong and what a machine does: one clear message, the right exit status, no hang, on 1 and 3 ranks.
#
# Wall time  2 minutes

set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"
# shellcheck source=Tests/cli/support/small.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/small.bash"

import_small
train_small 2 model.h5
# A model of a kind that this program does not know: another word of the same length, wherever the file says it.
LC_ALL=C sed 's/sagesnet/magicnet/g' model.h5 > other-kind.h5
head --bytes=100000 data.h5 > truncated.h5
zcat "$diamond/train-300K.lammpstrj.gz" | head --bytes=150000 > truncated.lammpstrj
head --bytes=150000 "$diamond/train-300K.lammpstrj.gz" > truncated.lammpstrj.gz

# One atom outside the box: box BOUNDARY FILE
box() {
    cat > "$2" << END
ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS $1
0 17.835
0 17.835
0 17.835
ITEM: ATOMS id type x y z vx vy vz
1 1 1.0 1.0 1.0 0 0 0
2 1 5.0 5.0 17.9 0 0 0
END
}
box "pp pp ff" outside.lammpstrj
box "pp pp pp" wrapped.lammpstrj
# Atoms that are inside, one of which flies out of the box, 0.25 Angstrom a step.
sed 's/ 17.9 0 0 0/ 17.7 0 0 50/' outside.lammpstrj > flying.lammpstrj
# Many atoms in one place: more than a cell has slots for.
{
    printf 'ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n64\nITEM: BOX BOUNDS pp pp pp\n'
    printf '0 17.835\n0 17.835\n0 17.835\nITEM: ATOMS id type x y z vx vy vz\n'
    for atom in {1..64}; do
        echo "$atom 1 1.0 1.0 1.0$atom 0 0 0"
    done
} > crowded.lammpstrj
# Atoms that may be anywhere, for a simulation that goes on.
import_gas gas "7 11 13" 200 0
mapfile -t options < <(data_options gas.h5)
expect_status 0 "$SAGES" train "$configuration" "${options[@]}" "${gas[@]}" --out gas-model.h5
from_dump=(--elements C --timestep 0.0005)
expect_status 0 "$SAGES" import wrapped.lammpstrj "${from_dump[@]}" --out wrapped.h5
expect_status 0 "$SAGES" import flying.lammpstrj "${from_dump[@]}" --out flying.h5
expect_status 0 "$SAGES" import crowded.lammpstrj "${from_dump[@]}" --out crowded.h5

for ranks in 1 3; do
    train=("$SAGES" train "$configuration" "${small[@]}" --out no.h5)
    expect_status_on "$ranks" 64 "${train[@]}" --set training.globalBtach=4
    expect_message_once training.globalBtach
    expect_message globalBatch

    expect_status_on "$ranks" 64 "$SAGES" simulat model.h5
    expect_message_once simulat

    expect_status_on "$ranks" 66 "${train[@]}" --set 'data.train=["missing.h5"]'
    expect_message_once missing.h5
    expect_status_on "$ranks" 66 "$SAGES" simulate missing.h5 --input data.h5 --steps 1 --out no.h5
    expect_message_once missing.h5
    expect_status_on "$ranks" 66 "$SAGES" import missing.lammpstrj --out no.h5
    expect_message_once missing.lammpstrj

    expect_status_on "$ranks" 65 "$SAGES" simulate model.h5 --input truncated.h5 --steps 1 --out no.h5
    expect_message_once truncated.h5
    expect_status_on "$ranks" 65 "$SAGES" simulate truncated.h5 --input data.h5 --steps 1 --out no.h5
    expect_message_once truncated.h5
    expect_status_on "$ranks" 65 "$SAGES" import truncated.lammpstrj "${from_dump[@]}" --out no.h5
    expect_message_once truncated.lammpstrj
    expect_status_on "$ranks" 65 "$SAGES" import truncated.lammpstrj.gz "${from_dump[@]}" --out no.h5
    expect_message_once truncated.lammpstrj.gz

    expect_status_on "$ranks" 65 "$SAGES" import outside.lammpstrj "${from_dump[@]}" --out no.h5
    expect_message_once outside.lammpstrj
    expect_message "atom 2"
    expect_status_on "$ranks" 65 "$SAGES" simulate model.h5 --input flying.h5 --steps 20 --out flown.h5
    expect_message_once flying.h5
    expect_message "atom 2 is outside the box, which is not periodic along z"
    rm --force flown.h5
    # The cell, what it holds and the side h of cells are told.
    expect_status_on "$ranks" 65 "$SAGES" simulate model.h5 --input crowded.h5 --steps 1 --out no.h5
    expect_message_once crowded.h5
    expect_message "holds 64 atoms, and the model has 1 slot for cells of side 0.89175 Angstrom"
    # Of the data, which takes two frames with velocities.
    expect_status_on "$ranks" 65 "${train[@]}" --set model.cell=3
    expect_message_once data.h5
    expect_message "slot"
    expect_status_on "$ranks" 65 "${train[@]}" --set 'model.elements=["Si"]'
    expect_message_once "does not know element C"

    # A trajectory is no model, a model no trajectory, and a model of another kind not this one.
    expect_status_on "$ranks" 65 "$SAGES" simulate other-kind.h5 --input data.h5 --steps 1 --out no.h5
    expect_message_once other-kind.h5
    expect_message magicnet
    expect_status_on "$ranks" 65 "$SAGES" simulate data.h5 --input data.h5 --steps 1 --out no.h5
    expect_message_once data.h5
    expect_status_on "$ranks" 65 "$SAGES" simulate model.h5 --input model.h5 --steps 1 --out no.h5
    expect_message_once model.h5
    expect "a failed run left no.h5 behind" test ! -e no.h5
done

# A full disk, where we may mount one: a rank that cannot write must not leave the others waiting.
full() { # size
    mkdir --parents full
    mount -t tmpfs -o "size=$1" tmpfs full 2> /dev/null
}
if full 256k; then
    trap 'umount --lazy full 2> /dev/null' EXIT
    for ranks in 1 3; do
        expect_status_on "$ranks" 74 "$SAGES" import "$diamond/train-300K.lammpstrj.gz" "${from_dump[@]}" \
            --out full/data.h5
        expect_message_once full/
        expect_status_on "$ranks" 74 "$SAGES" simulate model.h5 --input data.h5 --steps 100 --every 1 --out full/out.h5
        expect_message_once full/out.h5
        expect_status_on "$ranks" 74 "$SAGES" train "$configuration" "${small[@]}" --set model.channels=32 \
            --out full/model.h5
        expect_message_once "full/model.h5:"
        rm --force full/* full/.[!.]*
    done
    umount full
    # A disk that fills while a simulation goes on: what was written before stays readable.
    full 12m
    for ranks in 1 3; do
        expect_status_on "$ranks" 74 "$SAGES" simulate gas-model.h5 --input gas.h5 --replicate 2x2x2 \
            --steps 500 --every 1 --out full/out.h5
        expect_message_once full/out.h5
        expect_status 0 "$SAGES" info full/out.h5
        expect_output frames
        rm --force full/*
    done
    umount full
fi

finish
