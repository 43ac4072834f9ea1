#!/bin/bash
#
# Automata: makes data of a rule, trains a network on grids of 32^3 cells, and lets it predict 50 steps of an unseen grid
# of 64 x 48 x 40 cells, on 1 and on 4 ranks, beside the truth.
#
#   bash jobs/automata.sh [--trained] [RULE...]
#       RULE: 4555, 5766, gas; default all. --trained takes the weights in jobs/models in place of training.
#
# Run again, it goes on where it was; remove out/automata to begin anew.
#
# Purpose    models, predictions, pictures and figures, in out/automata
# Wall time  a few minutes a rule on 2 cores; with --trained, seconds
# Cost       2 ranks for training, 4 for predictions, 1 GB of memory, 100 MB of disk

set -euo pipefail
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/site.sh"
cd "$SAGES_ROOT"

sages="$SAGES_BUILD/release/sages"
# Configurations name this folder.
folder="out/automata"
steps=50
is_trained=""
if [[ "${1:-}" == --trained ]]; then
    is_trained=yes
    shift
fi
rules=("$@")
((${#rules[@]} > 0)) || rules=(4555 5766 gas)
[[ -x "$sages" ]] || {
    echo "automata.sh: there is no $sages; build it first: swift build --configuration release" >&2
    exit 66
}
mkdir --parents "$folder"

# Frames of a rule: automaton RULE NAME SEED DENSITY FRAMES GRID
automaton() {
    [[ -e "$folder/$1-$2.xdmf" ]] || "$sages" generate ca --rule "$1" --grid "$6" --frames "$5" --seed "$3" --density "$4" \
        --deflate 4 --out "$folder/$1-$2.h5"
}

for rule in "${rules[@]}"; do
    config="jobs/configs/automaton-$rule.json5"
    [[ -e "$config" ]] || {
        echo "automata.sh: there is no $config" >&2
        exit 66
    }
    # Life changes most at first; the gas is new in every frame.
    frames=5
    [[ "$rule" != gas ]] || frames=21
    automaton "$rule" test 1000 0.2 "$((steps + 1))" 64x48x40
    model="jobs/models/automaton-$rule.h5"
    if [[ -z "$is_trained" ]]; then
        # The densities are in the names of the files that the configuration trains on.
        grep --only-matching "$rule-train-[0-9]*" "$config" | while read -r name; do
            automaton "$rule" "${name#"$rule-"}" "${name##*-}" "0.${name##*-}" "$frames" 32x32x32
        done
        automaton "$rule" validation 500 0.2 20 32x32x32
        model="$folder/$rule.h5"
        sages_run "$SAGES_RANKS" "$sages" train "$config" --resume
    fi

    for ranks in 1 4; do
        sages_run "$ranks" "$sages" simulate "$model" --input "$folder/$rule-test.h5" --frame 0 --steps "$steps" --deflate 4 \
            --out "$folder/$rule-prediction-$ranks.h5"
        sages_run "$ranks" "$sages" evaluate "$model" --data "$folder/$rule-test.h5" --rollout "$steps"
    done
    cmp "$folder/$rule-prediction-1.h5" "$folder/$rule-prediction-4.h5"
    if command -v gnuplot > /dev/null; then
        "$sages" plot "$folder/$rule-prediction-4.h5" --reference "$folder/$rule-test.h5" --out "$folder/plots-$rule"
    fi
done
