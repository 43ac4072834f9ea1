#!/bin/bash
#
# Forces on regions: the same file on every number of ranks, and after a stop; the impulse in the output; errors.
#
# Wall time  20 seconds

set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"
# shellcheck source=Tests/cli/support/small.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/small.bash"
command -v h5diff > /dev/null || skip "no h5diff here; jobs/setup.sh says how to get it"

import_gas gas "7 11 13" 200 0
mapfile -t options < <(data_options gas.h5)
expect_status 0 "$SAGES" train "$configuration" "${options[@]}" "${gas[@]}" --out model.h5

forces=(--force 'x=1..5,cell-z=2..:0.1,0,-0.2' --force 'id=1..100:0,0.3,0@3-12')
simulate=("$SAGES" simulate model.h5 --input gas.h5 --frame 0 --every 2)
for ranks in 1 3 6; do
    expect_status_on "$ranks" 0 "${simulate[@]}" --steps 20 "${forces[@]}" --out "whole-$ranks.h5"
    expect "the files differ between 1 and $ranks ranks" h5diff whole-1.h5 "whole-$ranks.h5"
done
# Ten steps, then ten more on other ranks.
expect_status_on 2 0 "${simulate[@]}" --steps 10 "${forces[@]}" --out halves.h5
expect_status_on 3 0 "${simulate[@]}" --steps 20 "${forces[@]}" --resume --out halves.h5
expect "a resumed run differs" h5diff whole-1.h5 halves.h5
expect_status 0 "${simulate[@]}" --steps 20 --out free.h5
h5diff whole-1.h5 free.h5 /particles/all/velocity/value > stdout 2> stderr
outcome "$(($? != 1))" "forces change nothing"

# 100 atoms for 10 steps of 0.005 ps: 0.3 * 9648.53 u Angstrom/ps^2 * 5 ps, along y alone.
expect_status 0 "$SAGES" simulate model.h5 --input gas.h5 --frame 0 --steps 15 --every 15 --json \
    --force 'id=1..100:0,0.3,0@3-12' --out impulse.h5
cp "$output" impulse.json
expect "the impulse is not F t" python3 - << 'END'
import json
x, y, z = json.load(open("impulse.json"))["impulse"]
assert x == 0 and z == 0 and abs(y / (100 * 0.3 * 9648.53322 * 0.05) - 1) < 1e-6, (x, y, z)
END
h5dump --dataset=/observables/impulse_y/value --start=1 --count=1 --format=%.1f impulse.h5 > stdout
grep --quiet ': 14472\.8' stdout
outcome $? "the output lacks the impulse"
expect_status 0 "$SAGES" info impulse.h5
grep --quiet '^  forces *id=1..100:0,0.3,0@3-12' stdout
outcome $? "sages info does not show the force"

expect_status_on 2 64 "${simulate[@]}" --steps 20 --resume --out halves.h5
expect_message_once "was begun with --force x=1..5,cell-z=2..:0.1,0,-0.2 --force id=1..100:0,0.3,0@3-12"
expect_status 64 "${simulate[@]}" --steps 20 "${forces[@]}" --resume --out free.h5
expect_message "was begun without --force"
expect_status 64 "${simulate[@]}" --steps 1 --force 'x=1..2' --out bad.h5
expect_message "is not REGION:FX,FY,FZ"
expect_status_on 2 64 "${simulate[@]}" --steps 1 --force 'x=8..:1,0,0' --out bad.h5
expect_message_once "outside of the box"
expect_status 0 "$SAGES" generate ca --rule 4555 --grid 8x8x8 --frames 2 --seed 1 --out automaton.h5
expect_status 64 "$SAGES" simulate "$SAGES_ROOT/jobs/models/automaton-4555.h5" --input automaton.h5 --steps 1 \
    --force 'all:0,0,1' --out bad.h5
expect_message "--force is for atoms"

finish
