#!/bin/bash
#
# A small model, a start, and what `sages simulate` makes of them, for the hosts.
#
#   SAGES=PROGRAM bash data.sh FOLDER

set -uo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
[[ -x "${SAGES:-}" ]] || {
    echo "the program sages is not at \"${SAGES:-}\": build it with SwiftPM, and configure with -D SAGES_PROGRAM=..."
    exit 1
}
rm --recursive --force "$1"
mkdir --parents "$1"
cd "$1" || exit 1
# shellcheck source=Tests/cli/support/checks.bash
source "$here/../../Tests/cli/support/checks.bash"
# shellcheck source=Tests/cli/support/small.bash
source "$here/../../Tests/cli/support/small.bash"

command -v h5diff > /dev/null || skip "no h5diff here; jobs/setup.sh says how to get it"
import_small
# Long enough that atoms stay near their sites for the steps below.
train_small 1 model.h5 --set training.steps=80
# Twice the box: some cells for each of two ranks.
expect_status 0 "$SAGES" simulate model.h5 --input data.h5 --frame 0 --steps 0 --replicate 1x2x1 --out start.h5
expect_status 0 "$SAGES" simulate model.h5 --input start.h5 --frame 0 --steps 12 --every 3 --out reference.h5
# The comparison can fail: another start is another trajectory.
expect_status 0 "$SAGES" simulate model.h5 --input data.h5 --frame 1 --steps 12 --every 3 --replicate 1x2x1 --out other.h5
h5diff reference.h5 other.h5 / > stdout 2> stderr
outcome "$(($? != 1))" "h5diff finds no difference where there is one"
finish
