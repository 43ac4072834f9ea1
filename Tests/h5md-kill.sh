#!/bin/bash
# Purpose: kills writers of trajectories at random moments and checks that every flushed frame can be read.
# Usage:   Tests/h5md-kill.sh DISTRIBUTED_TESTS_EXECUTABLE [TRIALS] [RANKS]
# Needs:   mpirun, python3 with h5py (PYTHON names another interpreter). Takes about 3 s a trial.
set -euo pipefail

executable=${1:?usage: h5md-kill.sh EXECUTABLE [TRIALS] [RANKS]}
trials=${2:-10}
ranks=${3:-2}
# Debian's h5py belongs to its own Python, which need not be the first in the path.
python=""
for candidate in ${PYTHON:+"$PYTHON"} python3 /usr/bin/python3; do
    if "$candidate" -c "import h5py" 2> /dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || {
    echo "skipped: no Python with h5py"
    exit 77
}
folder=$(mktemp --directory)
trap 'cat "$folder"/*.pid.* 2> /dev/null | xargs --no-run-if-empty kill -KILL 2> /dev/null || true
    rm -rf "$folder"' EXIT

for trial in $(seq "$trials"); do
    path="$folder/killed-$trial.h5"
    SAGES_KILL_TEST="$path" mpirun --oversubscribe -n "$ranks" "$executable" --filter fixture.writeUntilKilled \
        > "$folder/log" 2>&1 &
    job=$!
    for _ in $(seq 300); do
        [ -s "$path.flushed" ] && break
        sleep 0.1
    done
    [ -s "$path.flushed" ] || { echo "the writer did not start:"; cat "$folder/log"; exit 1; }
    sleep "0.$((RANDOM % 900 + 100))"
    # All ranks at once, as a scheduler does at the end of a job's time.
    cat "$path".pid.* | xargs kill -KILL
    wait "$job" && { echo "mpirun reports success for killed ranks"; exit 1; }
    "$python" - "$path" "$(cat "$path.flushed")" <<'PYTHON'
import sys
import h5py
import numpy as np

path, flushed = sys.argv[1], int(sys.argv[2])
with h5py.File(path) as file:
    group = file["particles/all"]
    position = group["position/value"]
    if position.shape[0] < flushed:
        sys.exit(f"{flushed} frames were flushed, {position.shape[0]} are there")
    frames = np.arange(flushed)
    atoms = position.shape[1]
    expected = np.arange(3 * atoms).reshape(1, atoms, 3) + frames[:, None, None] / 1024
    for name, found, wanted in [
        ("position", position[:flushed], expected),
        ("velocity", group["velocity/value"][:flushed], np.broadcast_to(frames[:, None, None], expected.shape)),
        ("step", group["position/step"][:flushed], frames),
        ("time", group["position/time"][:flushed], frames),
        ("edges", group["box/edges/value"][:flushed], np.tile([10.0, 11.0, 12.0], (flushed, 1))),
        ("id", group["id/value"][:flushed], np.tile(np.arange(1, atoms + 1), (flushed, 1))),
    ]:
        if not np.array_equal(found, wanted):
            sys.exit(f"{name} differs in the flushed frames")
    print(f"killed after {flushed} flushed frames: all there ({position.shape[0]} in the file)")
PYTHON
    rm -f "$path"*
done
echo "$trials writers of $ranks ranks killed, no flushed frame lost"
