#!/bin/bash
#
# The job scripts on a real Slurm of this machine's own: a training that hits its time limit is requeued, resumes, and
# ends with the same weights as one that was never stopped and ran on another number of ranks; a simulation completes.
#
# Wall time  3 minutes: Slurm looks at time limits every 30 s only
# Skipped where Slurm is not installed and cannot be.

set -euo pipefail
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../jobs/site.sh"
: "${SAGES:?the path of the built sages}"
# The job scripts find the program in the build folder.
SAGES_BUILD="$(cd "$(dirname "$SAGES")/.." && pwd)"
export SAGES_BUILD
here="$PWD"
cluster="$SAGES_ROOT/jobs/slurm/local-cluster.sh"
# Not the cluster that a user may have started.
SAGES_SLURM_FOLDER="$(mktemp --directory /tmp/sages-slurm-test.XXXXXX)"
export SAGES_SLURM_FOLDER SAGES_SLURM_PORT="${SAGES_SLURM_PORT:-27817}"

bash "$SAGES_ROOT/jobs/setup.sh" --slurm > setup.log 2>&1 || {
    echo "no Slurm here, and none can be installed"
    exit 77
}

fail() {
    echo "FAILED: $1" >&2
    tail --lines=40 ./*.log >&2 || true
    exit 1
}

end() {
    bash "$cluster" stop
    rm --recursive --force "$SAGES_SLURM_FOLDER"
}
trap end EXIT
bash "$cluster" start
eval "$(bash "$cluster" environment)"

# Waits for a job and expects that it completed: completed JOB WHAT SECONDS
completed() {
    local deadline=$((SECONDS + $3)) state
    while [[ -n "$(squeue --noheader --job="$1" 2> /dev/null)" ]]; do
        ((SECONDS < deadline)) || fail "$2 (job $1) did not end within $3 s"
        sleep 1
    done
    state="$(scontrol show job "$1" | sed --quiet 's/.*JobState=\([A-Z_]*\).*/\1/p')"
    [[ "$state" == COMPLETED ]] || fail "$2 (job $1) is $state"
}

"$SAGES" import "$SAGES_ROOT/jobs/data/diamond/train-300K.lammpstrj.gz" --elements C --timestep 0.0005 --out data.h5
configuration="$SAGES_ROOT/jobs/configs/quickstart.json5"
options=(--set "data.train=[\"$here/data.h5\"]" --set "data.validation=[\"$here/data.h5\"]"
    --set "data.test=[\"$here/data.h5\"]")

# As many steps as take about 75 s on one rank here, so that the limit below cuts the run.
started="$(date +%s%N)"
sages_run 1 "$SAGES" train "$configuration" "${options[@]}" --set training.steps=30 --out calibration.h5
elapsed=$((($(date +%s%N) - started) / 1000000))
options+=(--set "training.steps=$((30 * 75000 / elapsed))")

# Slurm copies the script; SAGES_ROOT, exported by site.sh, says where it is from.
cd "$SAGES_ROOT"
whole="$(sbatch --parsable --nodes=1 --ntasks-per-node=1 --time=10 --output="$here/whole.log" \
    jobs/slurm/train.sbatch "$configuration" "$here/whole.h5" "${options[@]}")"
# A limit of a minute, and the signal 55 s before it: within half a minute of the start.
limited="$(sbatch --parsable --nodes=2 --ntasks-per-node=1 --time=1 --signal=B:USR1@55 --output="$here/limited.log" \
    jobs/slurm/train.sbatch "$configuration" "$here/limited.h5" "${options[@]}")"
cd "$here"
completed "$whole" "the training without a limit" 300
completed "$limited" "the training with a limit" 300

grep --quiet "(restart 1)" limited.log || fail "the training with a limit was not requeued: it ended before its signal"
! grep --quiet "(restart 1)" whole.log || fail "the training without a limit was requeued"
h5diff whole.h5 limited.h5 /parameters > difference.log || fail "the weights differ after a requeue"

cd "$SAGES_ROOT"
simulation="$(sbatch --parsable --nodes=2 --ntasks-per-node=1 --time=5 --output="$here/simulation.log" \
    jobs/slurm/simulate.sbatch "$here/whole.h5" "$here/data.h5" "$here/simulation.h5" 20 --frame 0 --every 10)"
cd "$here"
completed "$simulation" "the simulation" 120
[[ -s simulation.h5 ]] || fail "the simulation wrote nothing"
echo "requeued $(grep --count '(restart [1-9]' limited.log) times, same weights; the simulation completed"
