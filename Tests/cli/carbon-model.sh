#!/bin/bash
#
# The physics of the carbon model that ships: elastic constants, stress under strain, energies of frames in plots; the same
# on every number of ranks, and clear errors.
#
# Wall time  1 minute

set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"
# shellcheck source=Tests/cli/support/small.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/small.bash"

model="$SAGES_ROOT/jobs/models/carbon.h5"
import=("$SAGES" import --elements C --timestep 0.0005)
expect_status 0 "${import[@]}" "$diamond/diamond-2x2x2.data" --out crystal.h5
expect_status 0 "${import[@]}" "$diamond/pulled-x.lammpstrj.gz" --out pulled.h5
expect_status 0 "${import[@]}" "$diamond/nve-validation-600K.lammpstrj.gz" --out run.h5

for ranks in 1 2 3; do
    expect_status_on "$ranks" 0 "$SAGES" evaluate "$model" --data crystal.h5 --elastic --json
    grep --invert-match seconds "$output" > "elastic-$ranks.json"
    expect_status_on "$ranks" 0 "$SAGES" evaluate "$model" --data pulled.h5 --stress --json
    grep --invert-match seconds "$output" > "stress-$ranks.json"
    expect "elastic constants differ between 1 and $ranks ranks" cmp elastic-1.json "elastic-$ranks.json"
    expect "stresses differ between 1 and $ranks ranks" cmp stress-1.json "stress-$ranks.json"
done
# AIREBO's in jobs/data/diamond/elastic.txt: 1091.5 and 738.1 GPa; cubic, so three of each are alike.
expect "elastic constants are not those of diamond" python3 - << 'END'
import json
figures = json.load(open("elastic-1.json"))
stiffness = figures["stiffness"]
assert figures["unit"] == "GPa" and figures["atoms"] == 64
for axis in range(3):
    assert abs(stiffness[axis][axis] / 1091.5 - 1) < 0.1, stiffness
    assert abs(stiffness[3 + axis][3 + axis] / 738.1 - 1) < 0.1, stiffness
    assert abs(stiffness[axis][axis] - stiffness[0][0]) < 1, stiffness
    assert abs(stiffness[axis][3 + axis]) < 1, stiffness
END
# The table of the molecular dynamics: 112 GPa more at a strain of 20%.
expect "stress under strain is not that of diamond" python3 - << 'END'
import json
frames = json.load(open("stress-1.json"))["frames"]
assert len(frames) == 11 and frames[0]["stress_change"] == [0] * 6
along = [frame["stress_change"][0] for frame in frames]
assert along == sorted(along) and abs(along[-1] / 111 - 1) < 0.2, along
END

expect_status 0 "$SAGES" evaluate "$model" --data crystal.h5 --elastic
expect_output "64 atoms at rest, strained by 0.0001, GPa"
expect_status 0 "$SAGES" evaluate "$model" --data run.h5 --rollout 30
expect_output "mean-square displacement"

# What does not fit.
import_small
train_small 1 grid-model.h5
expect_status_on 2 64 "$SAGES" evaluate grid-model.h5 --data crystal.h5 --elastic
expect_message_once 'stress needs the predictor "bonds"'
expect_status 64 "$SAGES" evaluate "$model" --data run.h5 --elastic --rollout 5
expect_message "evaluations of their own"
expect_status 64 "$SAGES" evaluate "$model" --data run.h5 --elastic --strain 0.1
expect_message "--strain"
expect_status 64 "$SAGES" evaluate "$model" --data run.h5 --strain 0.01
expect_message "--elastic is missing"
expect_status 64 "$SAGES" evaluate "$model" --data run.h5 --elastic --frame 6
expect_message "there is no frame 6"

# Total energies from potential ones that another program found.
if command -v gnuplot > /dev/null; then
    expect_status 0 "$SAGES" simulate "$model" --input run.h5 --frame 0 --steps 20 --out rollout.h5
    first="$(zcat "$diamond/nve-validation-600K.lammpstrj.gz" | sed --quiet '2{p;q}' || true)"
    { echo "step,potential"; for frame in {0..20..2}; do echo "$((first + frame)),-$((7400 + frame % 3))"; done; } > energies.csv
    expect_status 0 "$SAGES" plot rollout.h5 --reference data.h5 --energies energies.csv --out plots --json
    expect_output '"energy_drift"'
    expect "the picture of everything" test -s plots/rollout.png
    head --lines=2 energies.csv > short.csv
    expect_status 65 "$SAGES" plot rollout.h5 --energies short.csv --out plots
    expect_message "short.csv: it has energies for fewer than two of the frames of rollout"
    expect_status 65 "$SAGES" plot rollout.h5 --energies <(printf 'step,loss\n1,2\n') --out plots
    expect_message "no column 'potential'"
    expect_status 64 "$SAGES" plot rollout.h5 --reference-energies energies.csv --out plots
    expect_message "those of --reference, which is missing"
fi

finish
