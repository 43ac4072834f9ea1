#!/bin/bash
#
# A training or a simulation killed at a random moment, resumed on another number of ranks and killed again, ends with
# the weights or the trajectory of one that was never stopped; so does one that is asked to stop.
#
# Wall time  1 minute

set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"
# shellcheck disable=SC2034 # for small.bash
SMALL_STEPS=60
# shellcheck source=Tests/cli/support/small.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/small.bash"
command -v h5diff > /dev/null || skip "no h5diff here; jobs/setup.sh says how to get it"

# Milliseconds that a command takes, in `elapsed`: measure COMMAND...
measure() {
    local started
    started="$(date +%s%N)"
    "$@"
    elapsed=$((($(date +%s%N) - started) / 1000000))
}

# Starts a command whose last argument is the file that it writes, signals its ranks some time after that file is
# there, and gives the launcher's status: interrupt SIGNAL RANKS MILLISECONDS COMMAND... FILE
interrupt() {
    local launcher process status=0 deadline=$((SECONDS + 30))
    sages_launcher "$2"
    timeout --kill-after=5 120 "${launcher[@]}" "${@:4}" > "$output" 2> "$messages" < /dev/null &
    process=$!
    until [[ -e "${*: -1}" ]] || ((SECONDS > deadline)); do sleep 0.05; done
    sleep "$(printf '%d.%03d' $(($3 / 1000)) $(($3 % 1000)))"
    # Only our own ranks: the children of the launcher, which is the child of timeout.
    pkill "-$1" --parent "$(pgrep --parent "$process" | head --lines=1)" 2> /dev/null
    wait "$process" || status=$?
    return "$status"
}

# Kills a command that takes some time whole, three times, at any moment, so that now and then a file is being written;
# the first time soon, so that it is alive: kill_at_random MILLISECONDS COMMAND... FILE
kill_at_random() {
    local killed=0 longest=300 ranks status
    for ranks in 3 1 2; do
        status=0
        interrupt KILL "$ranks" $((RANDOM * longest / 32768)) "${@:2}" || status=$?
        ((status == 0)) || killed=$((killed + 1))
        longest="$1"
    done
    expect "nothing was killed: all runs had ended before" test "$killed" -gt 0
}

# Asks a command to stop as soon as its file is there, which must end with 75: ask_to_stop SIGNAL RANKS COMMAND... FILE
ask_to_stop() {
    local status=0
    interrupt "$1" "$2" 0 "${@:3}" || status=$?
    [[ "$status" == 75 ]]
    outcome $? "exit status $status instead of 75 after SIG$1 (0: it had ended before; more steps are needed)"
}

# The number of frames of a trajectory.
frames_of() { h5ls "$1/particles/all/position/value" | sed --regexp-extended 's/.*\{([0-9]+)\/.*/\1/'; }

import_small
small+=(--set training.checkpointEvery=3)
train=("$SAGES" train "$configuration" "${small[@]}" --resume --out)
measure train_small 2 whole.h5
kill_at_random "$elapsed" "${train[@]}" killed.h5
train_small 3 killed.h5 --resume
expect "weights differ after SIGKILL and resuming" h5diff whole.h5 killed.h5 /parameters
for signal in USR1 TERM; do
    ask_to_stop "$signal" 2 "${train[@]}" "asked-$signal.h5"
    train_small 1 "asked-$signal.h5" --resume
    expect "weights differ after SIG$signal and resuming" h5diff whole.h5 "asked-$signal.h5" /parameters
done

# The whole file is compared: atoms, boxes crossed, times, corrections. Atoms go everywhere, and out of the box.
import_gas gas "7 11 13" 200 0
mapfile -t options < <(data_options gas.h5)
expect_status 0 "$SAGES" train "$configuration" "${options[@]}" "${gas[@]}" --out gas-model.h5
simulate=("$SAGES" simulate gas-model.h5 --input gas.h5 --frame 0 --steps 500 --every 10 --resume --out)
measure expect_status_on 2 0 "${simulate[@]}" trajectory.h5
kill_at_random "$elapsed" "${simulate[@]}" killed-trajectory.h5
expect_status_on 3 0 "${simulate[@]}" killed-trajectory.h5
expect "trajectories differ after SIGKILL and resuming" h5diff trajectory.h5 killed-trajectory.h5
ask_to_stop USR1 3 "${simulate[@]}" asked-trajectory.h5
expect_status_on 1 0 "${simulate[@]}" asked-trajectory.h5
expect "trajectories differ after SIGUSR1 and resuming" h5diff trajectory.h5 asked-trajectory.h5
# Frames in single precision are no states: it goes on from the state beside them, and makes later frames again.
single=("$SAGES" simulate gas-model.h5 --input gas.h5 --frame 0 --every 10 --precision float32 --resume)
more=("${single[@]}" --steps 220 --out)
single+=(--steps 200)
killed=("${single[@]}" --restart 0.2 --out)
single+=(--out)
measure expect_status_on 2 0 "${single[@]}" single.h5
kill_at_random "$elapsed" "${killed[@]}" killed-single.h5
expect "there is no state beside the killed output" test -e killed-single.h5.restart
expect_status_on 3 0 "${single[@]}" killed-single.h5
expect "trajectories in single precision differ after SIGKILL and resuming" h5diff single.h5 killed-single.h5
ask_to_stop USR1 3 "${single[@]}" asked-single.h5
# Killed with frames behind the state, which are made again: here they are cut off and others put there by hand.
cp asked-single.h5 ahead.h5
cp asked-single.h5.restart ahead.h5.restart
expect_status_on 1 0 "${single[@]}" ahead.h5
cp asked-single.h5.restart ahead.h5.restart
expect_status_on 2 0 "${single[@]}" ahead.h5
expect "frames behind the state were not made again alike" h5diff single.h5 ahead.h5
# The state stays, so that steps can be added; without it, nothing is guessed and nothing is lost.
expect_status_on 2 0 "${single[@]}" asked-single.h5
expect "trajectories in single precision differ after SIGUSR1 and resuming" h5diff single.h5 asked-single.h5
expect_status_on 1 0 "${more[@]}" asked-single.h5
expect "no steps were added" test "$(frames_of asked-single.h5)" = 23
cp single.h5 stateless.h5
expect_status 65 "${single[@]}" stateless.h5
expect "a refused output was changed" cmp --quiet single.h5 stateless.h5
# In double precision a killed run loses no more than the time between two states, though it writes frames seldom.
rare=("$SAGES" simulate gas-model.h5 --input gas.h5 --frame 0 --steps 500 --every 499 --resume)
killed=("${rare[@]}" --restart 0 --out)
rare+=(--out)
expect_status_on 2 0 "${rare[@]}" rare.h5
interrupt KILL 2 3000 "${killed[@]}" killed-rare.h5
expect "no state was left between frames" test -e killed-rare.h5.restart
expect_status_on 1 0 "${rare[@]}" killed-rare.h5
expect "trajectories differ after SIGKILL between frames and resuming" h5diff rare.h5 killed-rare.h5
# A simulation that writes no frame for long stops at the next step all the same, and leaves its state beside its output,
# which shows nothing of it; the state counts as long as the output ends where it did.
seldom=("$SAGES" simulate gas-model.h5 --input gas.h5 --frame 0 --steps 500 --every 499 --resume --out)
expect_status_on 1 0 "${seldom[@]}" seldom.h5
expect "a finished simulation left a restart" test ! -e seldom.h5.restart
ask_to_stop TERM 2 "${seldom[@]}" asked-seldom.h5
expect "no state was left beside the output" test -e asked-seldom.h5.restart
expect "the stopped simulation wrote more than its first frame" \
    test "$(frames_of asked-seldom.h5)" = 1
cp asked-seldom.h5.restart stale.restart
expect_status_on 3 0 "${seldom[@]}" asked-seldom.h5
expect "trajectories differ after SIGTERM between frames and resuming" h5diff seldom.h5 asked-seldom.h5
expect "a finished simulation left a restart" test ! -e asked-seldom.h5.restart
# The state of a run that another has replaced is not gone on from: with it, the other run would be too long.
"$SAGES" simulate gas-model.h5 --input gas.h5 --frame 0 --steps 3 --every 1 --out other.h5 > "$output" 2> "$messages"
mv stale.restart other.h5.restart
expect_status_on 1 0 "$SAGES" simulate gas-model.h5 --input gas.h5 --frame 0 --steps 5 --every 1 --resume --out other.h5
expect "a restart of another output was used" test "$(frames_of other.h5)" = 6
# Nothing is left to do: the file stays as it is.
expect_status_on 2 0 "${simulate[@]}" trajectory.h5
expect "resuming a finished simulation changed it" h5diff trajectory.h5 asked-trajectory.h5

finish
