#!/bin/bash
#
# Derivatives of observables through rollouts, and networks that predict a model's errors: the same on every number of
# ranks, checked by perturbations, drawn, and clear where something does not fit.
#
# Wall time  1 minute

set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"
# shellcheck source=Tests/cli/support/small.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/small.bash"

import_small
train_small 1 model.h5
region=(--region 0,0,0,9,9,9)

# Derivatives.
for ranks in 1 2; do
    expect_status_on "$ranks" 0 "$SAGES" evaluate model.h5 --data data.h5 --sensitivity temperature "${region[@]}" \
        --steps 3 --frame 2 --check --out "sensitivity-$ranks.h5" --json
    grep --invert-match --extended-regexp '"seconds"|"file"' "$output" > "sensitivity-$ranks.json"
    cp "$output" last.json
done
expect "derivatives differ between 1 and 2 ranks" cmp sensitivity-1.json sensitivity-2.json
expect "per-atom derivatives differ between 1 and 2 ranks" h5diff sensitivity-1.h5 sensitivity-2.h5 /particles
expect "figures of a sensitivity are wrong" python3 - << 'END'
import json
figures = json.load(open("last.json"))
assert figures["kind"] == "sensitivity" and figures["unit"] == "K" and figures["steps"] == 3 and figures["frame"] == 2
assert figures["atoms"] == 1000 and 50 < figures["selected_atoms"] < 300
assert 150 < figures["value"] < 600 and figures["position_norm"] > 0 and figures["velocity_norm"] > 0
assert figures["check_error"] < 1e-3
END
expect_status 0 "$SAGES" evaluate model.h5 --data data.h5 --sensitivity position-x --atom 5 --steps 2
expect_output "position-x after 2 steps from frame 0"
if command -v gnuplot > /dev/null; then
    expect_status 0 "$SAGES" plot sensitivity-1.h5 --out pictures
    expect "there is no picture of the derivatives" test -s pictures/slice-sensitivity.png
fi
expect_status 64 "$SAGES" evaluate model.h5 --data data.h5 --sensitivity temprature
expect_message "did you mean temperature?"
expect_status 64 "$SAGES" evaluate model.h5 --data data.h5 --sensitivity temperature --region 1,2,3
expect_message "--region must be six numbers"
expect_status 64 "$SAGES" evaluate model.h5 --data data.h5 --check
expect_message "--sensitivity, which is missing"
expect_status 64 "$SAGES" evaluate model.h5 --data data.h5 --sensitivity population
expect_message "is an observable of grids"
expect_status_on 2 64 "$SAGES" evaluate model.h5 --data data.h5 --sensitivity position-x --atom 5000
expect_message_once "there is no atom 5000"

# Confidence.
cat > confidence.json5 << END
{
  model: { kind: "confidence", of: "$PWD/model.h5", width: 8, rows: 200 },
  data: { train: ["$PWD/data.h5"], validation: ["$PWD/data.h5"] },
  training: { steps: 30, globalBatch: 4, microBatch: 1, schedule: { peak: 1e-2 }, validation: { every: 15, samples: 4 } },
}
END
for ranks in 1 2; do
    expect_status_on "$ranks" 0 "$SAGES" train confidence.json5 --out "confidence-$ranks.h5"
done
for group in parameters normalization calibration subject; do
    expect "$group differs between 1 and 2 ranks" h5diff confidence-1.h5 confidence-2.h5 "/$group"
done
for ranks in 1 2 3; do
    expect_status_on "$ranks" 0 "$SAGES" evaluate model.h5 --data data.h5 --confidence confidence-1.h5 --out errors.h5 --json
    cp "$output" confidence.json
    grep --invert-match seconds confidence.json > "confidence-$ranks.json"
    expect "figures differ between 1 and $ranks ranks" cmp confidence-1.json "confidence-$ranks.json"
done
expect "figures of a confidence are wrong" python3 - << 'END'
import json
figures = json.load(open("confidence.json"))
assert figures["kind"] == "confidence" and figures["rows"] == 40000 and figures["seconds"] > 0
for level, part in figures["coverage"].items():
    # Calibrated on the same data.
    assert abs(part - float(level)) < 0.03, (level, part)
assert figures["rank_correlation"] > 0.1
END
train_small 1 other.h5 --set training.seed=2
expect_status 0 "$SAGES" evaluate model.h5 --data data.h5 --confidence confidence-1.h5 --ensemble model.h5 --ensemble other.h5
expect_output "2 models"
expect_status_on 2 65 "$SAGES" evaluate other.h5 --data data.h5 --confidence confidence-1.h5
expect_message_once "it belongs to other weights"
expect_status 65 "$SAGES" evaluate model.h5 --data data.h5 --confidence other.h5
expect_message "a model of kind 'sagesnet', not 'confidence'"
expect_status 64 "$SAGES" evaluate confidence-1.h5 --data data.h5
expect_message "predicts the errors of another model"
expect_status 64 "$SAGES" evaluate model.h5 --data data.h5 --ensemble other.h5
expect_message "--confidence is missing"

# In a simulation, without a change of its path.
for ranks in 1 2; do
    expect_status_on "$ranks" 0 "$SAGES" simulate model.h5 --input data.h5 --steps 3 --confidence confidence-1.h5 --out "out-$ranks.h5"
done
expect "simulations differ between 1 and 2 ranks" h5diff out-1.h5 out-2.h5
expect_status 0 "$SAGES" simulate model.h5 --input data.h5 --steps 3 --out plain.h5
expect "a confidence changes the path" h5diff plain.h5 out-1.h5 /particles/all/position
expect_status 0 "$SAGES" simulate model.h5 --input data.h5 --steps 1 --confidence confidence-1.h5 --out resumed.h5
expect_status 64 "$SAGES" simulate model.h5 --input data.h5 --steps 3 --out resumed.h5 --resume
expect_message "was begun with a network of confidence"
expect_status 0 "$SAGES" simulate model.h5 --input data.h5 --steps 3 --confidence confidence-1.h5 --out resumed.h5 --resume
expect "a resumed simulation differs" h5diff resumed.h5 out-1.h5 /particles
expect_status 65 "$SAGES" simulate other.h5 --input data.h5 --steps 1 --confidence confidence-1.h5 --out none.h5
expect_message "it belongs to other weights"

finish
