#!/bin/bash
# Checks of sages plot that need no trajectory: metrics, formats, errors. Takes seconds; needs gnuplot.
# Usage: SAGES=path/to/sages bash Tests/cli/plot.sh
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

status() {
    local expected=$1
    shift
    "$SAGES" "$@" >out 2>err
    local got=$?
    [ "$got" -eq "$expected" ] || fail "sages $*: exit status $got, not $expected; $(head -2 err)"
}

says() { grep --quiet --fixed-strings -- "$2" "$1" || fail "'$2' is missing in: $(head -3 "$1")"; }

if ! command -v gnuplot >/dev/null; then
    echo "plot: gnuplot is missing" >&2
    exit 1
fi

{
    echo "step,loss,learningRate,validationLoss"
    for step in $(seq 1 200); do
        validation=
        [ $((step % 50)) -eq 0 ] && validation=0.$((900 - 4 * step))
        echo "$step,0.$((999 - 4 * step)),0.001,$validation"
    done
} >metrics.csv

status 0 plot --metrics metrics.csv --out deep/folder --scripts
says out "The loss falls from 0.995 to 0.199 in 200 steps"
[ "$(head --bytes 8 deep/folder/loss.png | od --address-radix=n --format=x1 | tr --delete ' \n')" = 89504e470d0a1a0a ] ||
    fail "loss.png is no PNG"
[ "$(stat --format=%s deep/folder/loss.png)" -gt 20000 ] || fail "loss.png is too small to show anything"
[ "$(ls -A deep/folder)" = "$(printf 'loss.gnuplot\nloss.png')" ] || fail "other files were left: $(ls -A deep/folder)"
rm deep/folder/loss.png
gnuplot deep/folder/loss.gnuplot 2>err
[ -s deep/folder/loss.png ] || fail "the kept script does not draw the picture again"

status 0 plot --metrics metrics.csv --out svg --format svg --json
python3 -c '
import json, xml.dom.minidom
files = json.load(open("out"))["files"]
assert [f["file"] for f in files] == ["svg/loss.svg"], files
xml.dom.minidom.parse("svg/loss.svg")' || fail "the SVG or its JSON is wrong"

# Half a line at the end is of a run that goes on; anywhere else it is an error with its line.
printf '201,0.1' >>metrics.csv
status 0 plot --metrics metrics.csv --out png
sed '5s/.*/4,abc,0.001,/' metrics.csv >wrong.csv
status 65 plot --metrics wrong.csv --out png
says err "wrong.csv:5: 'abc' in column 'loss' is not a number"
printf 'step,loss\n1\n2,3\n' >short.csv
status 65 plot --metrics short.csv --out png
says err "short.csv:2:"
printf 'step,time\n1,2\n' >lossless.csv
status 65 plot --metrics lossless.csv --out png
: >empty.csv
status 65 plot --metrics empty.csv --out png
status 66 plot --metrics missing.csv --out png
status 66 plot missing.h5 --out png
status 64 plot --out png
says err "nothing to draw"
status 64 plot --reference a.h5 --metrics metrics.csv --out png
status 64 plot --metrics metrics.csv --out png --format jpeg
says err "must be one of png, svg"
: >file
status 74 plot --metrics metrics.csv --out file/folder

# Without gnuplot: how to get it.
mkdir bin
for program in sh ssh rsh orted; do
    found=$(command -v "$program") && ln --symbolic "$found" bin/
done
PATH=$work/bin "$SAGES" plot --metrics metrics.csv --out png >out 2>err
[ $? -eq 70 ] || fail "without gnuplot the status is not 70"
says err "apt-get install gnuplot-nox"

[ "$failures" -eq 0 ] && echo "plot: all checks passed"
exit "$((failures > 0))"
