# shellcheck shell=bash
#
# What the job scripts of this folder share: a run that Slurm stops before its time limit, and that goes on by itself.
#
# Slurm sends SIGUSR1 to the batch shell alone (--signal=B:USR1@120). Without "B:" it would signal the job steps alone,
# and under mpirun the ranks of the first node are no step but children of the batch shell. So the shell passes the
# signal on to the launcher, and mpirun and srun both pass it to all their ranks. sages then writes a checkpoint at the
# next step and exits with status 75; the job is put back into the queue and resumes.

resumable_process="" resumable_started=0 resumable_messenger=""
resumable_signaled=0 resumable_terminated=0 resumable_interrupted=0

# shellcheck disable=SC2317  # called by the traps
resumable_forward() {
    resumable_signaled=1 resumable_interrupted=1
    # A signal that comes before the run has started is kept for it, and one is enough.
    [[ -n "$resumable_process" && -z "$resumable_messenger" ]] || return 0
    echo "$SLURM_JOB_NAME: $(date --iso-8601=seconds) signaled; asking the run for a checkpoint" >&2
    # mpirun breaks or forgets if it is signaled while it starts its ranks: wait for it, and ask again.
    local early=$((resumable_started + ${SAGES_START_SECONDS:-10} - SECONDS))
    (
        trap - USR1 TERM
        sleep "$((early > 0 ? early : 0))"
        while kill -USR1 "$resumable_process"; do sleep 10; done
    ) 2> /dev/null &
    resumable_messenger=$!
}
trap resumable_forward USR1
# Someone cancels the job: a checkpoint is still welcome, another run is not.
trap 'resumable_terminated=1; resumable_forward' TERM

# Says in the log what runs where.
resumable_header() {
    echo "$SLURM_JOB_NAME: $(date --iso-8601=seconds) job $SLURM_JOB_ID (restart ${SLURM_RESTART_COUNT:-0})," \
        "commit ${SAGES_COMMIT:-unknown}"
    echo "$SLURM_JOB_NAME: $SLURM_NTASKS ranks by $SAGES_LAUNCHER on" \
        "$(scontrol show hostnames "$SLURM_JOB_NODELIST" | tr '\n' ' ')"
}

# Puts this job back into the queue, and ends the script.
resumable_requeue() {
    # A run that is stopped again and again before its first checkpoint would otherwise go on forever.
    if ((${SLURM_RESTART_COUNT:-0} >= ${SAGES_MAXIMUM_RESTARTS:-100})); then
        echo "$SLURM_JOB_NAME: restarted ${SLURM_RESTART_COUNT} times already; submit the job again to go on" >&2
        exit 75
    fi
    echo "$SLURM_JOB_NAME: $(date --iso-8601=seconds) stopped early; back into the queue"
    scontrol requeue "$SLURM_JOB_ID" || {
        echo "$SLURM_JOB_NAME: this site forbids requeueing; submit the job again to go on" >&2
        exit 75
    }
    # Slurm ends this script; should it be slow, there is nothing left to do.
    exit 0
}

# Runs a command over the job's ranks, then requeues the job, or ends the script with the command's exit status.
resumable_run() {
    local launcher status=0
    sages_launcher "$SLURM_NTASKS"
    ((resumable_signaled == 0)) || resumable_requeue
    "${launcher[@]}" "$@" &
    resumable_process=$! resumable_started=$SECONDS
    # A trapped signal ends `wait` early; the status counts only when none came.
    while true; do
        resumable_interrupted=0 status=0
        wait "$resumable_process" || status=$?
        ((resumable_interrupted == 1)) || break
    done
    resumable_process=""
    [[ -z "$resumable_messenger" ]] || kill "$resumable_messenger" 2> /dev/null || true

    # 138: the signal killed a rank that had not yet set its handler; nothing is lost but the start.
    if ((status == 75 || (status == 138 && resumable_signaled == 1))) && ((resumable_terminated == 0)); then
        resumable_requeue
    fi
    echo "$SLURM_JOB_NAME: $(date --iso-8601=seconds) ended with status $status"
    exit "$status"
}
