#!/bin/bash
#
# Errors of a model beside baselines, and figures of a rollout: the same on every number of ranks, complete, and clear
# where something does not fit.
#
# Wall time  1 minute

set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"
# shellcheck source=Tests/cli/support/small.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/small.bash"

import_small
train_small 1 model.h5

# Everything but times is the same on any number of ranks.
for ranks in 1 2 3; do
    expect_status_on "$ranks" 0 "$SAGES" evaluate model.h5 --data data.h5 --rollout 5 --json
    cp "$output" "figures-$ranks.json"
    grep --invert-match seconds "figures-$ranks.json" > "without-times-$ranks.json"
    expect "figures differ between 1 and $ranks ranks" cmp without-times-1.json "without-times-$ranks.json"
done
expect "figures lack a number, or are not what they should be" python3 - << 'END'
import json
figures = json.load(open("figures-1.json"))
assert figures["kind"] == "sagesnet" and figures["model"] == "model.h5" and figures["data"] == "data.h5"
assert figures["samples"] == 40 and figures["atoms"] == 1000 and figures["seconds"] > 0
baselines = figures["baselines"]
for errors in [figures, *baselines.values()]:
    for what in ["position", "velocity"]:
        assert errors[what + "_rmse"] > 0
        ratio = errors[what + "_rmse"] / baselines["ballistic"][what + "_rmse"]
        assert abs(errors[what + "_ratio"] - ratio) < 1e-12
assert baselines["linear"]["position_ratio"] < 0.15, "a regression knows most of a harmonic crystal at 300 K"
assert baselines["persistence"]["position_ratio"] > 1
assert baselines["persistence"]["velocity_ratio"] == 1
# Six steps of training: better than nothing, worse than the regression.
assert baselines["linear"]["position_ratio"] < figures["position_ratio"] < 1.2
assert figures["rollout_steps_done"] == 5 and figures["rollout_failure"] is None
assert figures["atoms_lost"] == 0 and figures["mass_drift"] == 0 and abs(figures["momentum_drift"]) < 0.01
assert 250 < figures["temperature_reference"] < 350 and figures["temperature_mean"] > 0
assert abs(figures["momentum_drift_relative"]) < 1e-5 and figures["out_of_plane"] is None
for name in ["temperature_drift", "temperature_drift_error", "rdf_error", "rdf_error_reference", "rdf_peak", "vacf_error",
             "vacf_error_reference", "spectrum_error", "spectrum_error_reference", "spectrum_peak", "displacement",
             "displacement_reference", "rollout_seconds", "seconds_per_picosecond"]:
    assert isinstance(figures[name], float), name
END

expect_status 0 "$SAGES" evaluate model.h5 --data data.h5
expect_output "linear regression"
expect_output "40 steps of 1000 atoms"
expect_status 0 "$SAGES" evaluate model.h5 --data data.h5 --rollout 2 --frame 40
expect_output "Rollout of 2 steps"

# Where atoms are anywhere there is no regression, and it says so.
import_gas gas "7 11 13" 200 0
mapfile -t options < <(data_options gas.h5)
expect_status 0 "$SAGES" train "$configuration" "${options[@]}" "${gas[@]}" --out gas-model.h5
expect_status 0 "$SAGES" evaluate gas-model.h5 --data gas.h5 --json
expect_output '"linear": null'
expect_output '"linear_unavailable": "the model'

# What does not fit.
expect_status_on 2 64 "$SAGES" evaluate model.h5 --data data.h5 --rollout 2 --frame 41
expect_message_once "has 41 frames, so there is no frame 41"
expect_status 64 "$SAGES" evaluate model.h5 --data data.h5 --frame 1
expect_message "--rollout, --elastic or --sensitivity is missing"
expect_status 64 "$SAGES" evaluate model.h5
expect_message "data"
expect_status_on 3 66 "$SAGES" evaluate model.h5 --data missing.h5
expect_message_once missing.h5
expect_status 66 "$SAGES" evaluate missing.h5 --data data.h5
expect_status 65 "$SAGES" evaluate data.h5 --data data.h5
expect_message_once data.h5
expect_status 0 "$SAGES" import "$diamond/train-300K.lammpstrj.gz" --elements C --timestep 0.0005 --every 2 --out sparse.h5
expect_status_on 3 65 "$SAGES" evaluate model.h5 --data sparse.h5
expect_message_once "a step of the model is 0.005"

finish
