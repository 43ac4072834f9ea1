#!/bin/bash
# How a job ends when ranks fail: exit status, what is printed and how often, and that no rank hangs.
# Usage: Tests/mpi-faults.sh [PROGRAM]     PROGRAM defaults to .build/release/distributed-tests
# About two minutes on two cores. Ends with status 1 if any expectation does not hold.
set -euo pipefail

program=${1:-.build/release/distributed-tests}
launcher=(mpirun)
if mpirun --version 2>&1 | grep --quiet "Open MPI"; then
    launcher+=(--oversubscribe)
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
failures=0

# check RANKS FAULT STATUS COUNT LINE: the job ends within 10 s with STATUS (any: any but 0) and prints the whole line
# LINE exactly COUNT times; no other line that begins with "error".
check() {
    local ranks=$1 fault=$2 status=$3 count=$4 line=$5
    local output got seconds=$SECONDS
    set +e
    output=$(timeout --signal=KILL 30 "${launcher[@]}" -n "$ranks" "$program" --fault "$fault" 2>&1)
    got=$?
    set -e
    seconds=$((SECONDS - seconds))
    local found errors problem=""
    found=$(grep --count --line-regexp --fixed-strings -e "$line" <<<"$output" || true)
    errors=$(grep --count '^error' <<<"$output" || true)
    if [[ $status == any ]]; then
        [[ $got -ne 0 ]] || problem+=" status 0;"
    else
        [[ $got -eq $status ]] || problem+=" status $got, not $status;"
    fi
    [[ -z $line || $found -eq $count ]] || problem+=" '$line' printed $found times, not $count;"
    [[ $status == any || $status == 70 || $errors -le ${6:-$count} ]] || problem+=" $errors error lines;"
    [[ $seconds -le 10 ]] || problem+=" took $seconds s;"
    if [[ -n $problem ]]; then
        echo "FAILED $fault on $ranks ranks:$problem"
        sed 's/^/    /' <<<"$output"
        failures=$((failures + 1))
    else
        echo "passed $fault on $ranks ranks (status $got, $seconds s)"
    fi
}

not_finite="error: step 0: the loss is not a finite number, with samples 17, 14, 5, 19, 13, 3, 18, 21 and 15 more;"
not_finite+=" a lower learning rate (training.schedule.peak) or training.clip may help"
for ranks in 1 2 3 4; do
    last=$((ranks - 1))
    on=" on rank $last"
    [[ $ranks -gt 1 ]] || on=""
    check "$ranks" none 0 0 "error"
    check "$ranks" status 75 0 "error"
    check "$ranks" same-everywhere 66 1 "error: file.h5 is missing"
    check "$ranks" one-rank-others-wait 74 1 "error$on: disk is full"
    check "$ranks" one-rank-others-done 74 1 "error$on: disk is full"
    check "$ranks" one-rank-others-busy 74 1 "error$on: disk is full"
    check "$ranks" in-flight 74 1 "error$on: disk is full"
    check "$ranks" agreed 65 1 "error$on: frame 3 is truncated"
    check "$ranks" each-rank-differs 65 1 "error$on: trouble $last" "$ranks"
    check "$ranks" training-fill 65 1 "error$on: frame 3 is truncated"
    check "$ranks" training-not-finite 70 1 "$not_finite"
    check "$ranks" exit any 0 "error"
    check "$ranks" killed any 0 "error"
    check "$ranks" timeout any 1 "TIMED OUT hang on rank 0 after 0.5 s"
    check "$ranks" expectation 70 0 ""
done
exit $((failures > 0))
