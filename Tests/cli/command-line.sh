#!/bin/bash
# Checks of the command line itself: help, errors, exit statuses, completion. Takes seconds.
# Usage: SAGES=path/to/sages bash Tests/cli/command-line.sh
set -uo pipefail

: "${SAGES:?set SAGES to the built program}"
SAGES=$(realpath "$SAGES")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

fail() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

# status EXPECTED ARGUMENTS...: runs sages, keeps what it prints in ./out and ./err.
status() {
    local expected=$1
    shift
    "$SAGES" "$@" >out 2>err
    local got=$?
    [ "$got" -eq "$expected" ] || fail "sages $*: exit status $got, not $expected; $(head -2 err)"
}

says() { grep --quiet --fixed-strings -- "$2" "$1" || fail "'$2' is missing in: $(head -3 "$1")"; }
empty() { [ ! -s "$1" ] || fail "$1 should be empty: $(head -2 "$1")"; }
one_line() { [ "$(wc --lines <"$1")" -eq 1 ] || fail "one line expected in $1: $(cat "$1")"; }

# Help and version need no MPI and print to standard output.
status 0 --help
says out "Usage: sages VERB"
empty err
status 0 --version
one_line out
says out "commit"
for verb in $("$SAGES" --help | sed --quiet '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    status 0 "$verb" --help
    says out "Usage: sages $verb"
    says out "Example:"
    says out "Exit status:"
    empty err
    awk 'length > 110 { exit 1 }' out || fail "help of $verb has lines over 110 characters"
    status 64 "$verb" --no-such-option
    one_line err
    says err "no option --no-such-option"
    empty out
done

# Errors: one line, nothing on standard output, the nearest known name.
status 64
one_line err
status 64 doctro
says err "did you mean doctor?"
status 64 doctor --jsno
says err "did you mean --json?"
one_line err
empty out
status 64 doctor --json=1
says err "takes no value"
status 64 doctor --folder
says err "needs a value"
status 64 doctor --folder= --json
says err "empty value"
status 64 doctor --folder a --folder b
says err "given twice"
status 64 doctor something
says err "no use for 'something'"
status 64 completion
says err "needs SHELL"
status 64 completion fish
says err "must be one of bash, zsh"
status 64 -x
says err "unknown option -x"

# Completion scripts.
status 0 completion bash
bash -n out || fail "the bash completion is no bash"
cp out completion.bash
complete_words() {
    bash --norc -c '
        source ./completion.bash
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
        _sages
        echo "${COMPREPLY[*]}"' complete "$@"
}
[ "$(complete_words sages doc)" = doctor ] || fail "bash completes 'doc' as: $(complete_words sages doc)"
[ "$(complete_words sages doctor --js)" = --json ] || fail "bash completes an option as: $(complete_words sages doctor --js)"
[ "$(complete_words sages completion z)" = zsh ] || fail "bash completes a word as: $(complete_words sages completion z)"
[ "$(complete_words sages plot --format s)" = svg ] || fail "bash completes a value as: $(complete_words sages plot --format s)"
status 0 completion zsh
says out "#compdef sages"
if command -v zsh >/dev/null; then zsh -n out || fail "the zsh completion is no zsh"; fi

# The doctor: one line a check, JSON alone with --json, also under mpirun.
status 0 doctor
says out "mpi"
says out "hdf5"
[ -z "$(find . -name '.sages-doctor*')" ] || fail "the doctor left its file"
status 0 doctor --json
python3 - <<'END' || fail "doctor --json is not one JSON object"
import json
result = json.load(open("out"))
assert result["kind"] == "doctor" and result["fit"] is True and result["ranks"] == 1
assert {check["check"] for check in result["checks"]} >= {"mpi", "hdf5", "blas", "processor"}
END
status 70 doctor --folder "$work/no/such/folder"
says out "fail  hdf5"

if command -v mpirun >/dev/null; then
    read -r -a launcher <<<"mpirun ${SAGES_MPIRUN_OPTIONS:---oversubscribe}"
    run() { timeout 60 "${launcher[@]}" -n "$@" >out 2>err; }
    run 3 "$SAGES" doctor --json || fail "doctor on 3 ranks: $(head -3 err)"
    python3 -c 'import json; assert json.load(open("out"))["ranks"] == 3' || fail "doctor on 3 ranks: $(head -3 out)"
    run 3 "$SAGES" doctor --bad
    [ $? -eq 64 ] || fail "a wrong option under mpirun has another status than 64"
    [ "$(grep --count 'no option --bad' err)" -eq 1 ] || fail "a wrong option is reported more than once under mpirun"
    run 3 "$SAGES" --version || fail "--version under mpirun"
    one_line out
fi

# info and files that are none.
status 66 info missing.h5
one_line err
says err "missing.h5"
echo "no HDF5" >foreign.h5
status 65 info foreign.h5
one_line err
says err "foreign.h5"

[ "$failures" -eq 0 ] && echo "command line: all checks passed"
exit "$((failures > 0))"
