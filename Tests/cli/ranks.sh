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

import_small
for ranks in 1 2 3 4; do
    train_small "$ranks" "model-$ranks.h5"
    expect "weights differ between 1 and $ranks ranks" h5diff model-1.h5 "model-$ranks.h5" /parameters
done

for ranks in 1 2 3 4 6; do
    expect_status_on "$ranks" 0 "$SAGES" simulate model-1.h5 --input data.h5 --frame 0 --steps 20 --every 5 \
        --replicate 1x2x1 --out "rollout-$ranks.h5"
    expect "trajectories differ between 1 and $ranks ranks" h5diff rollout-1.h5 "rollout-$ranks.h5" /particles
done
expect_status_on 6 0 "$SAGES" simulate model-1.h5 --input data.h5 --frame 0 --steps 20 --every 5 \
    --replicate 1x2x1 --decomposition 3x2x1 --out rollout-3x2x1.h5
expect "trajectories differ between decompositions" h5diff rollout-1.h5 rollout-3x2x1.h5 /particles
# The comparison can fail: another frame is another trajectory.
expect_status 0 "$SAGES" simulate model-1.h5 --input data.h5 --frame 1 --steps 20 --every 5 \
    --replicate 1x2x1 --out other.h5
h5diff rollout-1.h5 other.h5 /particles/all/position/value > stdout 2> stderr
outcome "$(($? != 1))" "h5diff finds no difference where there is one"

finish
