#!/bin/bash
#
# Automata from the command line: generate, train, simulate, evaluate and plot; the same bytes on any number of ranks, and
# a simulation that was killed goes on to the bytes of one that was not.
#
# Wall time  1 minute

set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"

# Same bytes for any number of ranks, with a description that refers to them.
for rule in 4555 B5-7/S6-8 gas; do
    for ranks in 1 3 4; do
        expect_status_on "$ranks" 0 "$SAGES" generate ca --rule "$rule" --grid 10x12x14 --frames 5 --seed 3 --density 0.3 \
            --boundary p,p,o --out "life-$ranks.h5"
        expect "rule $rule on $ranks ranks writes the bytes of one" cmp life-1.h5 "life-$ranks.h5"
    done
done
expect "the description names the data" grep --quiet "life-4.h5:/grids/0/state" life-4.xdmf
expect_status 0 "$SAGES" generate ca --rule gas --grid 10x12x14 --frames 5 --seed 4 --density 0.3 --boundary p,p,o \
    --out other.h5
expect "another seed is another file" test -n "$(cmp life-1.h5 other.h5)"
expect_status 0 "$SAGES" info life-1.h5
expect_output "sages generate ca"
expect_output "5, 10, 12, 14, 1"

expect_status 64 "$SAGES" generate ca --rule 455 --grid 4x4x4 --frames 2 --out wrong.h5
expect_message "there is no rule '455'"
expect_status 64 "$SAGES" generate ca --rule gas --grid 4x5x4 --frames 2 --out wrong.h5
expect_message "even number of cells along periodic axes, and y has 5"
expect_status 64 "$SAGES" generate ca --rule 4555 --grid 4x4 --frames 2 --out wrong.h5
expect_status 64 "$SAGES" generate life --rule 4555 --grid 4x4x4 --frames 2 --out wrong.h5
expect_message "WHAT must be one of ca"

# A small model, trained for a moment.
for density in 1 2 4; do
    expect_status 0 "$SAGES" generate ca --rule 4555 --grid 16x16x16 --frames 4 --seed "$density" --density "0.$density" \
        --out "train-$density.h5"
done
cat > config.json5 << 'JSON'
{
  model: { kind: "sagesnet", state: "grid", channels: 12, crop: 8 },
  data: { train: ["train-1.h5", "train-2.h5", "train-4.h5"] },
  training: { steps: 200, globalBatch: 8, microBatch: 2, schedule: { peak: 1e-2, final: 1e-4 }, clip: 1 },
  output: { model: "model.h5" },
}
JSON
expect_status_on 2 0 "$SAGES" train config.json5
expect_status 64 "$SAGES" train config.json5 --set model.elements='["C"]'
expect_message "model.elements"

# On another grid: the same bytes on any number of ranks, described and drawn.
expect_status 0 "$SAGES" generate ca --rule 4555 --grid 12x18x20 --frames 21 --seed 9 --density 0.2 --out start.h5
for ranks in 1 2 4; do
    expect_status_on "$ranks" 0 "$SAGES" simulate model.h5 --input start.h5 --frame 0 --steps 20 --every 5 \
        --out "rollout-$ranks.h5"
    expect "$ranks ranks predict the bytes of one" cmp rollout-1.h5 "rollout-$ranks.h5"
done
expect_status_on 3 0 "$SAGES" evaluate model.h5 --data start.h5 --rollout 20 --json
cp "$output" figures.json
for figure in cell_accuracy exact_frames step_cell_accuracy; do
    expect "figures hold $figure" grep --quiet "\"$figure\"" figures.json
done
expect_status 0 "$SAGES" evaluate model.h5 --data start.h5
expect_output "of cells right"
expect_status 64 "$SAGES" evaluate model.h5 --data start.h5 --rollout 21
expect_message "does not hold 21 frames after frame 0"

# Cut short, as if killed after two frames, and resumed on other ranks.
expect_status 0 "$SAGES" simulate model.h5 --input start.h5 --frame 0 --steps 10 --every 5 --out cut.h5
expect_status_on 3 0 "$SAGES" simulate model.h5 --input start.h5 --frame 0 --steps 20 --every 5 --out cut.h5 --resume
if command -v h5diff > /dev/null; then
    expect "a resumed simulation has the frames of an uninterrupted one" h5diff rollout-1.h5 cut.h5 /grids /grids
fi

# What belongs to atoms is refused.
expect_status 64 "$SAGES" simulate model.h5 --input start.h5 --steps 1 --replicate 2x1x1 --out wrong.h5
expect_message "--replicate is for atoms"
expect_status 65 "$SAGES" simulate model.h5 --input model.h5 --steps 1 --out wrong.h5

# The configurations that come with the project, for two steps; and their weights, which are exact on a grid of their own.
for rule in 4555 5766 gas; do
    expect_status 0 "$SAGES" generate ca --rule "$rule" --grid 16x16x16 --frames 3 --density 0.3 --out "small-$rule.h5"
    expect_status 0 "$SAGES" train "$SAGES_ROOT/jobs/configs/automaton-$rule.json5" --set training.steps=2 \
        --set "data.train=[\"small-$rule.h5\"]" --set "data.validation=[\"small-$rule.h5\"]" --out "tiny-$rule.h5"
    expect_status 0 "$SAGES" generate ca --rule "$rule" --grid 14x20x26 --frames 21 --seed 5 --density 0.25 \
        --out "exact-$rule.h5"
    expect_status_on 2 0 "$SAGES" evaluate "$SAGES_ROOT/jobs/models/automaton-$rule.h5" --data "exact-$rule.h5" --rollout 20
    expect_output "20 of 20 frames exact"
done

if command -v gnuplot > /dev/null; then
    expect_status 0 "$SAGES" plot rollout-4.h5 --reference start.h5 --out plots
    expect "a plane is drawn" test -s plots/plane.png
    expect "a curve of the population is drawn" test -s plots/population.png
fi
finish
