#!/bin/bash
# A training killed with SIGKILL at random moments (while it writes checkpoints too) and resumed on another number of
# ranks ends with the weights of an uninterrupted one.
# Usage: Tests/training-kill.sh [PROGRAM [KILLS [SEED]]]   defaults: .build/release/distributed-tests, 10, 1
# About two seconds a kill. Ends with status 1 if weights differ or a resumed run fails.
set -euo pipefail

program=${1:-.build/release/distributed-tests}
kills=${2:-10}
RANDOM=${3:-1}
launcher=(mpirun)
if mpirun --version 2>&1 | grep --quiet "Open MPI"; then
    launcher+=(--oversubscribe)
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
folder=$(mktemp --directory)
trap 'rm --recursive --force "$folder"' EXIT

mkdir "$folder/whole"
expected=$("${launcher[@]}" -n 1 "$program" --train "$folder/whole" 2>/dev/null)
[[ $expected == weights* ]] || { echo "FAILED: the uninterrupted training printed '$expected'"; exit 1; }

killed=0 finished=0
mkdir "$folder/run"
while ((killed < kills || finished == 0)); do
    ranks=$((RANDOM % 4 + 1))
    "${launcher[@]}" -n "$ranks" "$program" --train "$folder/run" >"$folder/output" 2>"$folder/errors" &
    job=$!
    if ((killed < kills)); then
        # Between 0.3 s (the ranks are starting) and 1.5 s.
        milliseconds=$((RANDOM % 1200 + 300))
        sleep "$((milliseconds / 1000)).$(printf '%03d' $((milliseconds % 1000)))"
        # The ranks first: the launcher would end them more gently.
        if pkill --signal KILL --parent "$job"; then killed=$((killed + 1)); fi
    fi
    status=0
    wait "$job" || status=$?
    if ((status == 0)); then
        finished=$((finished + 1))
        got=$(cat "$folder/output")
        if [[ $got != "$expected" ]]; then
            echo "FAILED after $killed kills: '$got', not '$expected'"
            exit 1
        fi
        rm --recursive "$folder/run"
        mkdir "$folder/run"
    elif grep --quiet "^error" "$folder/errors"; then
        echo "FAILED after $killed kills:"
        cat "$folder/errors"
        exit 1
    fi
done
echo "passed: $killed kills, $finished finished trainings with the same weights"
