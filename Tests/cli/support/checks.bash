# shellcheck shell=bash
#
# What the checks of the command line share. A check begins with
#
#   set -uo pipefail
#   source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"
#
# runs commands through `expect_...`, and ends with `finish`. It finds the program in $SAGES, works in the folder where
# it is started (a fresh one under jobs/test.sh), and leaves nothing running. jobs/site.sh is sourced here, so that
# `sages_run RANKS "$SAGES" ...` starts ranks.

: "${SAGES:?the path of the built sages}"
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../../jobs/site.sh"

checks_passed=0 checks_failed=0
# What the last command wrote.
output="$PWD/stdout" messages="$PWD/stderr"

# Counts one outcome: outcome STATUS WHAT
outcome() {
    if (($1 == 0)); then
        checks_passed=$((checks_passed + 1))
    else
        checks_failed=$((checks_failed + 1))
        echo "FAILED: $2"
        sed 's/^/    stdout: /' "$output" 2> /dev/null | tail --lines=10
        sed 's/^/    stderr: /' "$messages" 2> /dev/null | tail --lines=10
    fi
}

# Runs a command and expects an exit status: expect_status STATUS COMMAND...
# More than a minute counts as a hang.
expect_status() {
    local expected="$1" status=0
    shift
    timeout --kill-after=5 60 "$@" > "$output" 2> "$messages" < /dev/null || status=$?
    [[ "$status" == "$expected" ]]
    outcome $? "exit status $status instead of $expected: $*"
}

# The same on a number of ranks: expect_status_on RANKS STATUS COMMAND...
expect_status_on() {
    local launcher ranks="$1" expected="$2"
    shift 2
    sages_launcher "$ranks"
    expect_status "$expected" "${launcher[@]}" "$@"
}

# Expects a text (a fixed string) in what the last command wrote to standard error, or to standard output.
expect_message() {
    grep --quiet --fixed-strings --regexp="$1" "$messages"
    outcome $? "standard error lacks \"$1\""
}
expect_output() {
    grep --quiet --fixed-strings --regexp="$1" "$output"
    outcome $? "standard output lacks \"$1\""
}

# Expects the text in exactly one line of standard error: an error is told once, whatever the number of ranks.
expect_message_once() {
    local count
    count="$(grep --count --fixed-strings --regexp="$1" "$messages")"
    [[ "$count" == 1 ]]
    outcome $? "standard error has \"$1\" in $count lines instead of one"
}

# Expects any other condition: expect WHAT COMMAND...
expect() {
    local what="$1" status=0
    shift
    "$@" > "$output" 2> "$messages" || status=$?
    outcome "$status" "$what"
}

# Ends the check. None run is a failure too.
finish() {
    echo "$checks_passed passed, $checks_failed failed"
    ((checks_failed == 0 && checks_passed > 0))
    exit $?
}

# Ends the check where something that it cannot do without is not here: skip WHY
skip() {
    echo "$1"
    exit 77
}
