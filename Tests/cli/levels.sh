#!/bin/bash
#
# Coarse levels from the command line: trained for a moment, simulated and evaluated; feedback from a level to the cells
# below it; and regions that run at one of two levels. The same on every number of ranks, and clear where something does
# not fit.
#
# Wall time  1 minute

set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"

for density in 1 2; do
    expect_status 0 "$SAGES" generate ca --rule 4555 --grid 32x32x16 --frames 9 --seed "$density" --density "0.$density" \
        --out "life-$density.h5"
done

# Configuration of a short training: configuration MODEL OUT
configuration() {
    cat << END
{
  model: { $1 },
  data: { train: ["$PWD/life-1.h5", "$PWD/life-2.h5"], validation: ["$PWD/life-2.h5"] },
  training: { steps: 20, globalBatch: 2, microBatch: 1, schedule: { peak: 5e-3 }, clip: 1, validation: { every: 10 } },
  output: { model: "$PWD/$2" },
}
END
}

# A level by itself.
level='kind: "sagesnet", state: "level", base: "grid", channels: 8, blocks: 1'
configuration "$level" level.h5 > level.json5
expect_status_on 2 0 "$SAGES" train level.json5
for ranks in 1 2 4; do
    expect_status_on "$ranks" 0 "$SAGES" simulate level.h5 --input life-2.h5 --frame 3 --steps 4 --every 2 \
        --out "level-$ranks.h5"
    expect "$ranks ranks simulate a level to the bytes of one" cmp level-1.h5 "level-$ranks.h5"
done
# The level knows frames 3 and 4; each of its steps has two of the cells'.
expect_status 0 "$SAGES" info level-1.h5
expect_output "3, 32, 32, 16, 1"
if command -v h5dump > /dev/null; then
    for dataset in step time; do
        expect_status 0 h5dump --dataset="/grids/0/$dataset" level-1.h5
        expect_output "(0): 4, 8, 12"
    done
fi
expect_status 0 "$SAGES" evaluate level.h5 --data life-2.h5 --rollout 2
expect_output "level 1, 4 starts"
expect_output "Known frames given back from their codes"
expect_status 64 "$SAGES" simulate level.h5 --input life-2.h5 --frame 8 --steps 1 --out wrong.h5
expect_message "no 2 frames behind one another from frame 8 on"
expect_status 64 "$SAGES" simulate level.h5 --input life-2.h5 --steps 1 --resume --out wrong.h5
expect_message "--resume is not for coarse levels"
expect_status 0 "$SAGES" generate ca --rule 4555 --grid 15x16x16 --frames 3 --out odd.h5
expect_status 65 "$SAGES" simulate level.h5 --input odd.h5 --steps 1 --out wrong.h5
expect_message "15 cells along z are no whole blocks of 2"

# Cells that feel a coarse level, which is found beside them.
configuration "kind: \"sagesnet\", state: \"grid\", channels: 8, crop: 8, feedback: \"$PWD/level.h5\"" cells.h5 > cells.json5
expect_status_on 2 0 "$SAGES" train cells.json5
for ranks in 1 3 4; do
    expect_status_on "$ranks" 0 "$SAGES" simulate cells.h5 --input life-2.h5 --frame 3 --steps 4 --out "cells-$ranks.h5"
    expect "$ranks ranks simulate with feedback to the bytes of one" cmp cells-1.h5 "cells-$ranks.h5"
done
mkdir elsewhere
cp cells.h5 level.h5 elsewhere
mv level.h5 moved.h5
expect_status 0 "$SAGES" evaluate elsewhere/cells.h5 --data life-2.h5 --rollout 3 --frame 1
expect_output "of cells right"
expect_status 66 "$SAGES" evaluate cells.h5 --data life-2.h5
expect_message "level.h5"
configuration "$level" level.h5 > level.json5
expect_status 0 "$SAGES" train level.json5 --set training.seed=2
expect_status_on 2 65 "$SAGES" simulate cells.h5 --input life-2.h5 --steps 1 --out wrong.h5
expect_message_once "its weights are other ones"
mv moved.h5 level.h5
expect_status 64 "$SAGES" simulate cells.h5 --input life-2.h5 --frame 0 --steps 1 --out wrong.h5
expect_message "has no 2 frames behind one another up to frame 0"
expect_status 64 "$SAGES" simulate cells.h5 --input life-2.h5 --steps 1 --resume --out wrong.h5
expect_message "--resume starts from one frame"
expect_status 64 "$SAGES" evaluate cells.h5 --data life-2.h5 --sensitivity population --steps 1
expect_message "--sensitivity is for models of a level alone"
expect_status 65 "$SAGES" simulate cells.h5 --input odd.h5 --steps 1 --out wrong.h5
expect_message "no whole cells of the coarse level"

# Regions at one of two levels.
model="$SAGES_ROOT/jobs/models/automaton-4555.h5"
cat > confidence.json5 << END
{
  model: { kind: "confidence", of: "$PWD/level.h5", width: 8, rows: 200 },
  data: { train: ["$PWD/life-1.h5"], validation: ["$PWD/life-2.h5"] },
  training: { steps: 20, globalBatch: 2, microBatch: 1, schedule: { peak: 1e-2 }, validation: { every: 10 } },
  output: { model: "$PWD/confidence.h5" },
}
END
expect_status_on 2 0 "$SAGES" train confidence.json5
start=(simulate "$model" --input life-2.h5 --frame 3 --steps 5)
scales=(--coarse level.h5 --confidence confidence.h5)
expect_status 0 "$SAGES" "${start[@]}" --out fine.h5
expect_status 0 "$SAGES" "${start[@]}" "${scales[@]}" --tolerance 0 --out none.h5 --json
expect_output '"coarse_share": 0'
expect "without tolerance all is as at level 0" h5diff fine.h5 none.h5 /grids/0/state
h5dump -y --output=shares.txt --dataset=/grids/0/regions/state none.h5 > /dev/null
expect "no region was at the coarse level" test "$(tr -d ' ,\n' < shares.txt | tr -d 0)" = ""
for tolerance in 0.5 1; do
    for ranks in 1 2 3 4 6; do
        expect_status_on "$ranks" 0 "$SAGES" "${start[@]}" "${scales[@]}" --tolerance "$tolerance" --out "scales-$ranks.h5"
        expect_output "of the regions' steps at the coarse level"
        expect "$ranks ranks choose as one does" cmp scales-1.h5 "scales-$ranks.h5"
    done
done
h5dump -y --output=shares.txt --dataset=/grids/0/regions/state scales-1.h5 > /dev/null
expect "with any tolerance all regions were" grep --quiet 1 shares.txt
expect_status 0 "$SAGES" plot scales-1.h5 --reference fine.h5 --out pictures --scripts
expect "the picture shows the regions' scale" grep --quiet "share of steps at the coarse level" pictures/plane.gnuplot
expect_status 64 "$SAGES" "${start[@]}" --coarse level.h5 --tolerance 0.1 --out wrong.h5
expect_message "together choose a level for each region"
expect_status 64 "$SAGES" "${start[@]}" "${scales[@]}" --tolerance 0.1 --resume --out wrong.h5
expect_message "--resume starts from one frame"
expect_status 65 "$SAGES" simulate "$model" --input odd.h5 "${scales[@]}" --tolerance 0.1 --steps 1 --out wrong.h5
expect_status 65 "$SAGES" "${start[@]}" --coarse "$model" --confidence confidence.h5 --tolerance 0.1 --out wrong.h5
expect_message "model.state"
finish
