#!/bin/bash
#
# All tests: unit tests, distributed tests under mpirun on 1, 2, 3, 4, 6 and 8 ranks, checks of the command line, the C
# interface, and the job scripts on a Slurm of this machine's own. Sets up and builds first.
#
#   bash jobs/test.sh [STAGE...]
#       without arguments, all of: unit distributed checks portability interop slurm (set-up and build always)
#
# Every stage has a log in out/test, a time limit, and a line with its outcome and wall time. A stage that fails does
# not keep the next from running, except set-up and build. Exit status 0 only if all passed.
#
# Purpose    to know that what is checked out works here
# Wall time  20 to 30 minutes on 2 cores
# Cost       up to 8 ranks on whatever cores there are, 4 GB of memory, 3 GB of disk
#
# Environment: SAGES_TEST_RANKS (default "1 2 3 4 6 8").

set -euo pipefail
# The tests see internals, which changes how everything is compiled: their build keeps apart from the user's.
export SAGES_BUILD="${SAGES_TEST_BUILD:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.build/testing}"
export SAGES_DISTRIBUTED_TESTS=1
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/site.sh"
cd "$SAGES_ROOT"

logs="$SAGES_OUTPUT/test"
sages="$SAGES_BUILD/release/sages"
distributed="$SAGES_BUILD/release/distributed-tests"
swift_flags=(--configuration release --scratch-path "$SAGES_BUILD" -Xswiftc -enable-testing)
read -r -a rank_counts <<< "${SAGES_TEST_RANKS:-1 2 3 4 6 8}"
known=(unit distributed checks portability interop slurm)
running=()

rm --recursive --force "$logs"
mkdir --parents "$logs"
# What the tests themselves write goes here, and away at the end.
TMPDIR="$(mktemp --directory)"
export TMPDIR
# The names of stages that failed, one a line: some run at once, in shells of their own.
failed="$logs/failed"
: > "$failed"

# timeout makes its command a process group of its own, and passes signals on to all of it.
stop() {
    local process
    for process in "${running[@]}"; do kill -TERM "$process" 2> /dev/null || true; done
    for process in "${running[@]}"; do wait "$process" 2> /dev/null || true; done
}
end() {
    stop
    rm --recursive --force "$TMPDIR"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs a command as one stage: stage NAME SECONDS COMMAND...
# A command that exits with 77 was skipped; the last line of its log says why.
stage() {
    local name="$1" limit="$2" started=$SECONDS status=0 log="$logs/${1//[^[:alnum:].-]/-}.log"
    shift 2
    timeout --kill-after=30 "$limit" "$@" > "$log" 2>&1 < /dev/null &
    running=($!)
    wait "${running[0]}" || status=$?
    running=()
    case "$status" in
    0) printf 'ok      %-34s %5d s  %s\n' "$name" "$((SECONDS - started))" "$(last_line "$log")" ;;
    77) printf 'skipped %-34s %5d s  %s\n' "$name" "$((SECONDS - started))" "$(last_line "$log")" ;;
    *)
        echo "$name" >> "$failed"
        tail --lines=60 "$log" | sed 's/^/    /'
        local reason="exit status $status"
        ((status != 124 && status != 137)) || reason="stopped after its limit of $limit s"
        printf 'FAILED  %-34s %5d s  %s; log: %s\n' "$name" "$((SECONDS - started))" "$reason" "$log"
        ;;
    esac
}

# Runs stages at once, given by names of functions: those that compile most of their time, on one core each.
together() {
    local function others=()
    for function in "$@"; do
        (
            trap - EXIT
            trap 'stop; exit 143' INT TERM
            "$function"
        ) &
        others+=($!)
    done
    running=("${others[@]}")
    wait "${others[@]}"
    running=()
}

last_line() { grep --extended-regexp '[[:alnum:]]' "$1" | tail --lines=1 | cut --characters=1-100; }

# No test run is no success: "unit" fails where Swift finds no test at all.
unit() {
    stage "unit" 900 swift test "${swift_flags[@]}" --no-parallel --skip-build
    if grep --quiet 'Test run with 0 tests' "$logs/unit.log"; then
        echo "unit" >> "$failed"
        echo "FAILED  unit: there was no test to run"
    fi
}

# Runs a check, a script that finds the program in $SAGES, in a folder of its own.
check() { # file, limit in seconds, arguments
    local folder
    folder="$(mktemp --directory)"
    stage "$(basename "$1" .sh)" "$2" env --chdir="$folder" SAGES="$sages" bash "$SAGES_ROOT/$1" "${@:3}"
}

must() {
    stage "$@"
    if [[ -s "$failed" ]]; then
        echo "test.sh: failed: $(< "$failed"); nothing else can run" >&2
        exit 1
    fi
}

portability() { check Tests/portability.sh 1200; }
interop() { check Tests/interop/cmake.sh 900; }

wanted=("$@")
((${#wanted[@]} > 0)) || wanted=("${known[@]}")
for name in "${wanted[@]}"; do
    [[ " ${known[*]} " == *" $name "* ]] || {
        echo "test.sh: no stage \"$name\"; there are: ${known[*]}" >&2
        exit 64
    }
done

compiling=()
must "set up" 600 bash jobs/setup.sh
must "build" 1200 swift build "${swift_flags[@]}" --build-tests
for name in "${wanted[@]}"; do
    case "$name" in
    unit) unit ;;
    distributed)
        for ranks in "${rank_counts[@]}"; do
            sages_launcher "$ranks"
            stage "distributed on $ranks" 300 "${launcher[@]}" "$distributed"
        done
        check Tests/mpi-faults.sh 420 "$distributed"
        check Tests/training-kill.sh 240 "$distributed" 6
        check Tests/h5md-kill.sh 180 "$distributed" 4
        ;;
    checks)
        for file in Tests/cli/*.sh; do
            check "$file" 240
        done
        ;;
    portability) compiling+=(portability) ;;
    interop) compiling+=(interop) ;;
    slurm) check Tests/slurm/requeue.sh 420 ;;
    esac
done
((${#compiling[@]} == 0)) || together "${compiling[@]}"

if [[ -s "$failed" ]]; then
    printf 'test.sh: failed after %d s: %s\n' "$SECONDS" "$(tr '\n' ';' < "$failed")" >&2
    exit 1
fi
echo "test.sh: all passed in $SECONDS s"
