#!/bin/bash
#
# What the command line says: help, errors with the nearest known name, exit statuses, completion, the doctor.
#
# Wall time  20 seconds

set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"

# An error is one line on standard error, and nothing on standard output.
expect_error() {
    cp "$output" printed
    cp "$messages" complaint
    expect "one line of error and no output: $(head --lines=3 complaint)" \
        test "$(wc --lines < complaint)" -eq 1 -a ! -s printed
}

# Help and version need no MPI and print to standard output.
expect_status 0 "$SAGES" --version
expect_output commit
expect_status 0 "$SAGES" --help
expect_output "Usage: sages VERB"
verbs="$(sed --quiet '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p' "$output")"
expect "the overview lists verbs" test "$(wc --words <<< "$verbs")" -ge 6
for verb in $verbs; do
    expect_status 0 "$SAGES" "$verb" --help
    expect_output "Usage: sages $verb"
    expect_output "Example:"
    expect_output "Exit status:"
    cp "$output" help
    expect "help of $verb has no line over 110 characters" awk 'length > 110 { exit 1 }' help
    expect_status 64 "$SAGES" "$verb" --no-such-option
    expect_message "no option --no-such-option"
    expect_error
done

# wrong MESSAGE ARGUMENTS...
wrong() {
    local message="$1"
    shift
    expect_status 64 "$SAGES" "$@"
    expect_message "$message"
    expect_error
}
wrong "needs a verb"
wrong "did you mean doctor?" doctro
wrong "did you mean --json?" doctor --jsno
wrong "takes no value" doctor --json=1
wrong "needs a value" doctor --folder
wrong "needs a value" doctor --folder --json
wrong "empty value" doctor --folder=
wrong "given twice" doctor --folder a --folder b
wrong "no use for 'something'" doctor something
wrong "needs SHELL" completion
wrong "must be one of bash, zsh" completion fish
wrong "unknown option -x" -x
wrong "WHAT is missing" bench
wrong "a measurement of its own" bench conv --model
wrong "WHAT must be one of" bench everything
wrong "must be at least 0" bench halo --delay -1

# Completion.
expect_status 0 "$SAGES" completion bash
cp "$output" completion.bash
expect "the bash completion is bash" bash -n completion.bash
# Expects what bash completes: completes EXPECTED WORD...
completes() {
    local expected="$1" COMP_WORDS COMP_CWORD COMPREPLY=()
    shift
    # shellcheck disable=SC2034
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    # shellcheck source=/dev/null
    source ./completion.bash
    _sages
    expect "'$*' is completed as '$expected', not '${COMPREPLY[*]}'" test "${COMPREPLY[*]}" = "$expected"
}
completes doctor sages doc
completes --json sages doctor --js
completes zsh sages completion z
completes svg sages plot --format s
completes svg sages plot --format = s
expect_status 0 "$SAGES" completion zsh
expect_output "#compdef sages"
cp "$output" _sages
if command -v zsh > /dev/null; then expect "the zsh completion is zsh" zsh -n _sages; fi

# The doctor, alone and on every rank.
expect_status 0 "$SAGES" doctor
expect_output "ok    mpi"
expect "the doctor leaves no file" test -z "$(find . -name '.sages-doctor*')"
for ranks in 1 3; do
    expect_status_on "$ranks" 0 "$SAGES" doctor --json
    cp "$output" doctor.json
    expect "doctor --json prints one object" python3 - "$ranks" << 'END'
import json, sys
result = json.load(open("doctor.json"))
assert result["kind"] == "doctor" and result["fit"] is True and result["ranks"] == int(sys.argv[1]), result
assert {check["check"] for check in result["checks"]} >= {"mpi", "hdf5", "blas", "processor"}, result
END
    expect_status_on "$ranks" 70 "$SAGES" doctor --folder "$PWD/no/such/folder"
    expect_output "fail  hdf5"
done

# Under mpirun what is said before MPI runs is said once.
expect_status_on 3 64 "$SAGES" doctor --bad
expect_message_once "no option --bad"
expect_status_on 3 0 "$SAGES" --version
cp "$output" version
expect "the version is printed once" test "$(wc --lines < version)" -eq 1

finish
