#!/bin/bash
#
# A training killed at a random moment, resumed on another number of ranks and killed again, ends with the weights of
# one that was never stopped; so does one that is asked to stop.
#
# Wall time  2 minutes

set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"
SMALL_STEPS=40
# shellcheck source=Tests/cli/support/small.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/small.bash"
command -v h5diff > /dev/null || skip "no h5diff here; jobs/setup.sh says how to get it"

import_small
small+=(--set training.checkpointEvery=3)
started=$SECONDS
train_small 2 whole.h5
seconds=$((SECONDS - started))

# Starts a training, signals its ranks, and gives the launcher's status: interrupt SIGNAL RANKS MODEL.h5 SECONDS
interrupt() {
    local launcher process status=0
    sages_launcher "$2"
    "${launcher[@]}" "$SAGES" train "$configuration" "${small[@]}" --out "$3" --resume > "$output" 2> "$messages" &
    process=$!
    sleep "$4"
    if [[ "$1" == KILL ]]; then
        # Only our own ranks: the launcher's children.
        pkill -KILL --parent "$process"
    else
        kill -s "$1" "$process"
    fi
    wait "$process" || status=$?
    return "$status"
}

# At any moment from the start to the end, so that now and then a checkpoint is being written.
killed=0
for ranks in 3 1 2; do
    moment="$(awk -v seed="$RANDOM" -v whole="$seconds" 'BEGIN { srand(seed); print 0.2 + rand() * whole }')"
    interrupt KILL "$ranks" killed.h5 "$moment" || killed=$((killed + 1))
done
expect "no training was killed: all ended before" test "$killed" -gt 0
train_small 3 killed.h5 --resume
expect "weights differ after SIGKILL and resuming" h5diff whole.h5 killed.h5 /parameters

status=0
interrupt USR1 2 asked.h5 "$((seconds / 2 + 1))" || status=$?
[[ "$status" == 75 ]]
outcome $? "exit status $status instead of 75 after SIGUSR1 (0: it had ended before; more steps are needed)"
train_small 1 asked.h5 --resume
expect "weights differ after SIGUSR1 and resuming" h5diff whole.h5 asked.h5 /parameters

finish
