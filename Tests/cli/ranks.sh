#!/bin/bash
#
# The number of ranks is not part of the result: trajectories and weights are the same, bit for bit.
#
# Wall time  2 minutes

set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"
# shellcheck source=Tests/cli/support/small.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/small.bash"
command -v h5diff > /dev/null || skip "no h5diff here; jobs/setup.sh says how to get it"

# Simulates on each number of ranks and compares: same_on_ranks NAME "RANKS" MODEL.h5 INPUT.h5 STEPS [OPTION]...
same_on_ranks() {
    local first="" ranks
    for ranks in $2; do
        expect_status_on "$ranks" 0 "$SAGES" simulate "$3" --input "$4" --frame 0 --steps "$5" "${@:6}" \
            --out "$1-$ranks.h5"
        if [[ -n "$first" ]]; then
            expect "$1: the files differ between $first and $ranks ranks" h5diff "$1-$first.h5" "$1-$ranks.h5"
        else
            first="$ranks"
        fi
    done
}

# Diamond: weights, and trajectories by the trained model.
import_small
for ranks in 1 2 3 4; do
    train_small "$ranks" "model-$ranks.h5"
    expect "weights differ between 1 and $ranks ranks" h5diff model-1.h5 "model-$ranks.h5" /parameters
done
same_on_ranks diamond "1 3" model-1.h5 data.h5 6 --every 2 --replicate 1x2x1
expect_status_on 6 0 "$SAGES" simulate model-1.h5 --input data.h5 --frame 0 --steps 6 --every 2 \
    --replicate 1x2x1 --decomposition 3x2x1 --out diamond-3x2x1.h5
expect "trajectories differ between decompositions" h5diff diamond-1.h5 diamond-3x2x1.h5
# The comparison can fail: another frame is another trajectory.
expect_status 0 "$SAGES" simulate model-1.h5 --input data.h5 --frame 1 --steps 6 --every 2 \
    --replicate 1x2x1 --out other.h5
h5diff diamond-1.h5 other.h5 /particles/all/position/value > stdout 2> stderr
outcome "$(($? != 1))" "h5diff finds no difference where there is one"

# A gas on a grid of 7 x 11 x 13 cells, whose atoms go from cell to cell and rank to rank and share cells.
import_gas gas "7 11 13" 200 0
mapfile -t options < <(data_options gas.h5)
for model in energy increment; do
    for cells in occupied dense; do
        expect_status 0 "$SAGES" train "$configuration" "${options[@]}" "${gas[@]}" --out "$model-$cells.h5" \
            --set "model.predictor=\"$model\"" --set "model.cells=\"$cells\""
    done
done
same_on_ranks gas "1 2 3 4 6" energy-occupied.h5 gas.h5 40 --every 8
same_on_ranks gas-increment "1 4" increment-occupied.h5 gas.h5 40 --every 8
same_on_ranks gas-dense "1 2 6" increment-dense.h5 gas.h5 20 --every 5
same_on_ranks gas-dense-energy "1 3" energy-dense.h5 gas.h5 10 --every 5
# Compressed, with the numbers of an uncompressed file; in single precision; flushed now and then or always.
same_on_ranks gas-compressed "1 3" energy-occupied.h5 gas.h5 20 --every 5 --deflate 4
same_on_ranks gas-plain "2" energy-occupied.h5 gas.h5 20 --every 5 --flush 0
expect "compression changes numbers" h5diff gas-compressed-1.h5 gas-plain-2.h5
same_on_ranks gas-single "1 3" energy-occupied.h5 gas.h5 20 --every 5 --precision float32 --flush 0
# One rank writes, on every file system there is here: the same bytes.
for folder in . /dev/shm; do
    [[ -w "$folder" ]] || continue
    shared="$(mktemp --directory --tmpdir="$folder" sages-XXXXXX)"
    for ranks in 1 3; do
        expect_status_on "$ranks" 0 "$SAGES" simulate energy-occupied.h5 --input gas.h5 --frame 0 --steps 20 --every 5 \
            --writers 1 --out "$shared/one-$ranks.h5"
        expect "--writers 1 changes the file on $ranks ranks in $folder" cmp --quiet "$shared/one-$ranks.h5" gas-plain-2.h5
    done
    rm --recursive "$shared"
done
expect_status 64 "$SAGES" simulate energy-occupied.h5 --input gas.h5 --frame 0 --steps 30 --every 5 --resume \
    --deflate 2 --out gas-compressed-1.h5
expect_status 0 "$SAGES" info gas-compressed-1.h5
for line in "program *sages simulate" "model *energy-occupied.h5" "input *gas.h5" "replicate *1x1x1" "seed" "commit" "config"; do
    grep --quiet "^  $line" stdout
    outcome $? "sages info does not show the provenance '$line'"
done
# Open along two axes, with room for the atoms to fly.
import_gas cloud "7 11 13" 100 2.4
same_on_ranks cloud "1 2 3 4 6" energy-occupied.h5 cloud.h5 15 --every 5 --boundary o,p,o
same_on_ranks cloud-dense "1 4" increment-dense.h5 cloud.h5 15 --every 5 --boundary o,p,o
# Ranks without cells: 27 cells cut along one axis leave five of eight ranks idle.
import_gas cube "3 3 3" 20 0
same_on_ranks cube "1 8" energy-occupied.h5 cube.h5 20 --every 5
same_on_ranks cube-dense "1 8" increment-dense.h5 cube.h5 20 --every 5
expect_status_on 8 0 "$SAGES" simulate energy-occupied.h5 --input cube.h5 --frame 0 --steps 20 --every 5 \
    --decomposition 1x1x3 --json --out cube-idle.h5
expect_output '"active_ranks": 3'
expect "files differ with idle ranks" h5diff cube-1.h5 cube-idle.h5

finish
