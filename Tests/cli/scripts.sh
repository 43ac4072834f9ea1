#!/bin/bash
#
# The scripts of the project: they parse, shellcheck finds nothing (where it is installed), those of jobs/ say how long
# they take and what they cost, and bad input ends with the right status.

set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"

mapfile -t scripts < <(find "$SAGES_ROOT/jobs" "$SAGES_ROOT/Tests" "$SAGES_ROOT/.ci" -type f \
    \( -name '*.sh' -o -name '*.sbatch' -o -name '*.bash' -o -name run \) | sort)

for script in "${scripts[@]}"; do
    expect "$script does not parse" bash -n "$script"
    if command -v shellcheck > /dev/null; then
        expect "shellcheck of $script" \
            shellcheck --severity=info --external-sources --source-path="$SAGES_ROOT" "$script"
    fi
    case "$script" in
    */site.sh | */resumable.sh) ;; # sourced, not run
    *.sbatch | "$SAGES_ROOT"/jobs/*)
        expect "$script does not say its wall time" grep --quiet '^# Wall time  ' "$script"
        expect "$script does not say its cost" grep --quiet '^# Cost       ' "$script"
        ;;
    esac
done

expect_status 64 bash "$SAGES_ROOT/jobs/setup.sh" --everything
expect_message '--everything'
expect_status 64 bash "$SAGES_ROOT/jobs/slurm/local-cluster.sh" begin
expect_status 1 env SAGES_SLURM_FOLDER="$PWD/none" bash "$SAGES_ROOT/jobs/slurm/local-cluster.sh" status
expect_status 64 env SAGES_LAUNCHER=mpiexec.hydra bash -c "source '$SAGES_ROOT/jobs/site.sh'; sages_launcher 2"

finish
