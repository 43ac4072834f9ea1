#!/bin/bash
#
# From a fresh clone to a simulation: sets up, builds, trains a neural grid surrogate of diamond on the molecular
# dynamics that ships with the project, simulates 1,000 steps with it, and compares both with data not trained on.
#
#   bash jobs/quickstart.sh
#
# Run again, it goes on where it was; remove out/quickstart to begin anew.
#
# Purpose    a model, an H5MD trajectory, plots and the figures, in out/quickstart
# Wall time  within 10 minutes on 2 cores
# Cost       2 ranks, 2 GB of memory, 1 GB of disk

set -euo pipefail
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/site.sh"
cd "$SAGES_ROOT"

folder="$SAGES_OUTPUT/quickstart"
sages="$SAGES_BUILD/release/sages"
model="$folder/model.h5"
test="$folder/test-1000K.h5"
rollout="$folder/rollout.h5"
steps=1000
ranks="$SAGES_RANKS"
stages=()
mkdir --parents "$folder"

# Runs a command as one stage; its wall time is printed, and a failure names it.
stage() {
    local name="$1" started=$SECONDS status=0
    shift
    printf '\n== %s\n' "$name"
    "$@" || status=$?
    if ((status != 0)); then
        echo "quickstart.sh: failed: $name (exit status $status)" >&2
        exit "$status"
    fi
    echo "== $name: $((SECONDS - started)) s"
    stages+=("$(printf '  %-32s %5d s' "$name" "$((SECONDS - started))")")
}

import() {
    local name
    # Every run is a file of its own: joined, the step from the end of one to the start of the next would be no step.
    for name in train-1000K train-300K validation-1000K test-1000K; do
        "$sages" import "jobs/data/diamond/$name.lammpstrj.gz" --elements C --timestep 0.0005 --out "$folder/$name.h5"
    done
}

figures() {
    sages_run "$ranks" "$sages" evaluate "$model" --data "$test" --rollout "$steps" --json > "$folder/figures.json"
    echo "$folder/figures.json"
}

# A number of figures.json with three significant digits, or - where there is none: figure NAME [BASELINE]
# Members stand on lines of their own, and those of a baseline are indented more.
figure() {
    awk -v name="$1" -v baseline="${2:-}" '
        /^    "[a-z]*": / { within = $1; gsub(/[":]/, "", within) }
        /^    }/ { within = "" }
        within == baseline && $1 == "\"" name "\":" { value = $2 }
        END {
            sub(/,$/, "", value)
            if (value == "" || value == "null") print "-"
            else if (value + 0 >= 1000 || value + 0 <= -1000) printf "%.0f", value
            else printf "%.3g", value
        }' "$folder/figures.json"
}

stage "set up" bash jobs/setup.sh
stage "build" swift build --configuration release --product sages --scratch-path "$SAGES_BUILD"
stage "import" import
stage "train on $ranks ranks" \
    sages_run "$ranks" "$sages" train jobs/configs/quickstart.json5 --out "$model" --resume
# Every step is written, for the spectrum: carbon vibrates up to 45 THz.
stage "simulate $steps steps on $ranks ranks" \
    sages_run "$ranks" "$sages" simulate "$model" --input "$test" --frame 0 --steps "$steps" --out "$rollout"
stage "evaluate" figures
if command -v gnuplot > /dev/null; then
    stage "plot" "$sages" plot "$rollout" --reference "$test" --metrics "${model%.h5}.metrics.csv" --out "$folder/plots"
else
    echo "quickstart.sh: no plots, for there is no gnuplot here" >&2
fi

for file in "$model" "$rollout" "$folder/figures.json"; do
    [[ -s "$file" ]] || {
        echo "quickstart.sh: failed: $file was not made" >&2
        exit 70
    }
done
cat << END

One step of $(figure samples), error over that of ballistic motion   position   velocity
$(for who in model linear ballistic persistence; do
    baseline="$who"
    [[ "$who" != model ]] || baseline=""
    printf '  %-47s %10s %10s\n' "$who" "$(figure position_ratio "$baseline")" "$(figure velocity_ratio "$baseline")"
done)

Rollout of $(figure rollout_steps_done) steps
  temperature                      $(figure temperature_mean) K on average, $(figure temperature_drift) K/ps; molecular dynamics: $(figure temperature_reference) K
  largest difference of g(r)       $(figure rdf_error) of a peak of $(figure rdf_peak); between halves of the data: $(figure rdf_error_reference)
  atoms kept                       $(($(figure atoms) - $(figure atoms_lost))) of $(figure atoms)

Wall time
$(printf '%s\n' "${stages[@]}")
  all                              $(printf '%5d' "$SECONDS") s

Made
  model        $model
  trajectory   $rollout (H5MD: MDAnalysis opens it)
  figures      $folder/figures.json
  plots        $(find "$folder/plots" -name '*.png' -printf '%p ' 2> /dev/null)
What next: $sages --help, README.md
END
